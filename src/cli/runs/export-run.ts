import { escapeControls, reasonOf, replaceFile } from "../../files.ts";
import { findRun, withRunLog } from "../commands/runs-command.ts";
import { refuseExecution } from "../executions/open-journal.ts";
import { UsageError } from "../options/usage-error.ts";
import { EXIT } from "../output/exit-codes.ts";
import { shortPath } from "../output/short-path.ts";

/** `geppetto-js runs export <run>` */
export async function exportRun(id: string, { out }: { out?: string }): Promise<void> {
  await refuseExecution(id, "export");
  const run = findRun(id);
  const document = escapeControls(withRunLog((log) => log.export(run.id)) ?? "");
  if (out === undefined) {
    process.stdout.write(document);
    return;
  }
  try {
    await replaceFile(out, document);
  } catch (error) {
    const how = "without --out it goes to stdout";
    throw new UsageError(`Cannot write the run to ${shortPath(out)}: ${reasonOf(error)}; ${how}`, EXIT.output);
  }
}
