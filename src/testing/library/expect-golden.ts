import { AssertionError } from "node:assert";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { redactSecrets } from "../../recordings/redact-secrets.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";
import { unifiedDiff } from "../compare/unified-diff.ts";
import { compareGolden, encodingError, readGolden, withLineFeeds, writeGolden } from "../files/golden-file.ts";
import { isCI } from "../is-ci.ts";
import type { ScriptResult } from "./run-script.ts";

export interface ExpectGoldenOptions {
  /** Write the file anew where it differs; default whether the variable UPDATE_GOLDENS is set. Nothing is in CI. */
  update?: boolean;
}

/**
 * Compares a text, or what `geppetto-js run` would have written to stdout for a script, with a golden file. A file that is
 * not there is written, unless the variable CI is set. Texts that look like keys are left out. CRLF in the file counts as
 * the end of a line.
 *
 * @throws {AssertionError} with the difference as a unified diff, where they differ, or in CI there is no file.
 * @throws {GeppettoError} ConfigError ("ERR_GOLDEN") for a file that is not UTF-8, too large, or not a regular file.
 *
 * @example
 * await expectGolden(await runScript("greet.js"), "greet.golden");
 */
export async function expectGolden(
  actual: string | Pick<ScriptResult, "output">,
  file: string | URL,
  options: ExpectGoldenOptions = {},
): Promise<void> {
  refuseWrong("compare with a golden", options, { update: true });
  const { update = Boolean(process.env["UPDATE_GOLDENS"]) } = options;
  const path = typeof file === "string" ? file : fileURLToPath(file);
  const name = basename(path);
  const text = redactSecrets(typeof actual === "string" ? actual : actual.output, "output").toWellFormed();
  const found = readGolden(path);
  if (found !== undefined && !("text" in found)) throw encodingError(path, found);
  const golden = found;
  if (golden !== undefined && compareGolden(golden, text) !== "different") return;
  const mayWrite = !isCI(process.env) && (golden === undefined || update);
  if (mayWrite) return writeGolden(path, text, golden);
  if (golden === undefined) {
    const message = `There is no ${name}, and in CI (the variable CI is set) it is not made`;
    throw new AssertionError({
      message,
      actual: text,
      expected: undefined,
      operator: "expectGolden",
      stackStartFn: expectGolden,
    });
  }
  const [expected, shown] = golden.hasCrlf ? [withLineFeeds(golden.text), withLineFeeds(text)] : [golden.text, text];
  const diff = await unifiedDiff(expected, shown, { expected: name, actual: "actual" });
  throw new AssertionError({
    message: `The text differs from ${name}; UPDATE_GOLDENS=1 takes it over\n${diff.join("\n")}`,
    actual: shown,
    expected,
    operator: "expectGolden",
    stackStartFn: expectGolden,
  });
}
