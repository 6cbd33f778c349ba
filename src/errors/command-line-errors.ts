import type { ErrorEntry } from "./error-entry.ts";
import { EXIT } from "./exit-codes.ts";

/** What goes wrong before a script runs, or around it; only the command line has these. */
export const commandLineErrors = {
  ERR_USAGE: {
    name: "Error",
    meaning:
      "The command line was used in a wrong way: an unknown option, a missing argument, a value of the wrong kind.",
    advice: "The message says what is wrong. `geppetto-js COMMAND --help` shows what a command takes.",
    exit: EXIT.usage,
  },
  ERR_NO_FILE: {
    name: "Error",
    meaning: "A file that the command line names, or the log of runs, is not there or cannot be read.",
    advice: "Check the name. It starts from the folder in which the command is called.",
    exit: EXIT.noFile,
  },
  ERR_RUN_UNKNOWN: {
    name: "Error",
    meaning: "No run in the log has this id, or the ids of several begin with it.",
    advice: "`geppetto-js runs list` shows the runs. Write more of the id, or `last`.",
    exit: EXIT.noFile,
  },
  ERR_NO_TESTS: {
    name: "Error",
    meaning: "`geppetto-js test` found no test where it was to look.",
    advice:
      "A test is a script with a `.golden` or a `.test.yaml` beside it. `-u` writes the first golden of a script that is named.",
    exit: EXIT.uncaught,
  },
  ERR_OUTPUT: {
    name: "Error",
    meaning: "Output, events, a recording or a file that was asked for cannot be written.",
    advice: "The message says why. Check the folder, its rights, and the space on the disk.",
    exit: EXIT.output,
  },
  ERR_BUG: {
    name: "Error",
    meaning: "Something in geppetto-js went wrong that nobody had foreseen.",
    advice: "Please report it, with what is printed when the variable `GEPPETTO_DEBUG` is set.",
    exit: EXIT.bug,
  },
} satisfies Record<string, ErrorEntry>;
