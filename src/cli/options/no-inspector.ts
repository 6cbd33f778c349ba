import { EXIT } from "../output/exit-codes.ts";
import { UsageError } from "./usage-error.ts";

/** Why `--inspect` attaches no debugger, and what there is instead. */
export function noInspector(label: string): UsageError {
  return new UsageError(
    `Cannot inspect ${label}: no debugger can be attached to the isolate of a script, whose inspector ends the process ` +
      "on Node 26; use console.log, --watch, or --trace for a page to step through a run",
    EXIT.config,
    "ERR_INSPECT",
  );
}
