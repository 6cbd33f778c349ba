import { refuseExecution } from "../executions/open-journal.ts";
import { findRun, withRunLog } from "../commands/runs-command.ts";
import { UsageError } from "../options/usage-error.ts";
import { checkTraceFile, writeTraceFile } from "./trace-file.ts";
import { tracePageOf } from "./trace-page-of.ts";

/** `geppetto-js runs trace <run>` */
export async function traceRun(
  id: string,
  { out, traceContents }: { out?: string; traceContents: "on" | "off" },
): Promise<void> {
  await refuseExecution(id, "make a page of");
  const run = findRun(id);
  if (out === undefined && process.stdout.isTTY) {
    throw new UsageError("Cannot show a page in a terminal: name a file for it with --out");
  }
  if (out !== undefined) checkTraceFile(out);
  const page = await withRunLog((log) => tracePageOf(log, run, { contents: traceContents === "on" }));
  if (out === undefined) process.stdout.write(page ?? "");
  else await writeTraceFile(out, page ?? "");
}
