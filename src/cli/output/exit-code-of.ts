import type { ScriptOutcome } from "../../index.ts";
import { EXIT } from "./exit-codes.ts";

/** The exit code of a script's outcome. It follows what the host recorded: an error that only claims a code counts 1. */
export async function exitCodeOf(outcome: ScriptOutcome): Promise<number> {
  const { end, error } = outcome;
  switch (end) {
    case "completed":
    case "done":
      return EXIT.ok;
    case "exit":
      return outcome.exitCode ?? EXIT.ok;
    case "load":
      return error?.name === "PermissionError" ? EXIT.permission : EXIT.load;
    case "aborted":
      return EXIT.interrupted;
    case "crashed":
      return EXIT.crashed;
    case "limit":
    case "stalled":
    case "uncaught": {
      if (error === undefined || !error.fromHost) return EXIT.uncaught;
      // Loaded on use: most scripts do not fail, and the catalogue is long.
      const { findError } = await import("../errors/error-catalogue.ts");
      return findError(error.code ?? "")?.exit ?? EXIT.uncaught;
    }
  }
}
