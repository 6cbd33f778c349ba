import type { ScriptError, ScriptOutcome } from "../engine/script/script-run.ts";
import { EXIT } from "./exit-codes.ts";

/** The exit code of an error. It follows what the host recorded: an error that only claims a code counts 1. */
async function codeOf(error: ScriptError | undefined, otherwise: number = EXIT.uncaught): Promise<number> {
  if (error === undefined || !error.fromHost) return otherwise;
  // Loaded on use: most scripts do not fail, and the catalogue is long.
  const { findError } = await import("./error-catalogue.ts");
  return findError(error.code ?? "")?.exit ?? otherwise;
}

/** The exit code of a script's outcome. */
export async function exitCodeOf(outcome: ScriptOutcome): Promise<number> {
  const { end, error, exitCode = EXIT.ok, unhandledErrors: [unhandled] = [] } = outcome;
  switch (end) {
    case "completed":
    case "done":
    case "exit":
      return exitCode === EXIT.ok && unhandled !== undefined ? codeOf(unhandled) : exitCode;
    case "load":
      return codeOf(error, error?.name === "PermissionError" ? EXIT.permission : EXIT.load);
    case "suspended":
      return EXIT.suspended;
    case "aborted":
      return EXIT.interrupted;
    case "crashed":
      return codeOf(error, EXIT.crashed);
    case "stalled":
      return codeOf(unhandled ?? error);
    case "limit":
    case "uncaught":
      return codeOf(error);
  }
}
