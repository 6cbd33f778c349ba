import { EXIT } from "./exit-codes.ts";
import { configurationErrors } from "./configuration-errors.ts";
import { commandLineErrors } from "./command-line-errors.ts";
import type { ErrorEntry } from "./error-entry.ts";
import { eventErrors } from "./event-errors.ts";
import { executionErrors } from "./execution-errors.ts";
import { limitErrors } from "./limit-errors.ts";
import { mcpErrors } from "./mcp-errors.ts";
import { modelErrors } from "./model-errors.ts";
import { pipelineErrors } from "./pipeline-errors.ts";
import { scriptErrors } from "./script-errors.ts";

/** The codes of one subject. */
export interface ErrorGroup {
  title: string;
  errors: Readonly<Record<string, ErrorEntry>>;
}

/** Every code that an error of geppetto-js can have. `docs/errors.md` is made from it. */
export const ERROR_GROUPS: readonly ErrorGroup[] = [
  { title: "The command line", errors: commandLineErrors },
  { title: "Scripts and steps", errors: scriptErrors },
  { title: "Executions that last", errors: executionErrors },
  { title: "Limits", errors: limitErrors },
  { title: "Models", errors: modelErrors },
  { title: "MCP servers", errors: mcpErrors },
  { title: "Configuration", errors: configurationErrors },
  { title: "Pipelines", errors: pipelineErrors },
  { title: "Events", errors: eventErrors },
];

/** What each exit code means. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: "The script has completed. A script that calls `process.exit(n)` chooses its own code from 0 to 63.",
  uncaught: "The script threw an error that it did not catch.",
  usage: "The command line was used in a wrong way: an unknown option, a missing argument.",
  load: "The script does not load: it does not parse, or a module that it imports is missing or broken.",
  noFile: "A file that the command line names does not exist or cannot be read.",
  provider: "The model's provider failed.",
  bug: "A bug in geppetto-js. Please report it.",
  output: "Output, events or recordings that were asked for cannot be written, for example since the disk is full.",
  rateLimit: "The provider's rate limit, after all retries.",
  permission: "A permission was denied, and the script did not catch that.",
  config: "A setting, a key, a cassette or the audit file cannot be used.",
  replay:
    "`--replay` has no recorded answer to what the script asked, a run cannot be replayed as it was, or the source of an execution has changed.",
  suspended: "The execution is suspended: it waits for a time, a message or an answer. `runs resume` goes on with it.",
  time: "The time limit of the script, or of one turn.",
  limit: "Another limit: memory, CPU time, output, model calls, tokens, cost.",
  hangup: "The terminal was closed (SIGHUP).",
  interrupted: "Ctrl-C (SIGINT).",
  crashed: "The JavaScript engine that ran the script died.",
  terminated: "SIGTERM.",
};

/** The entry of a code; undefined for a code that geppetto-js does not use. */
export function findError(code: string): ErrorEntry | undefined {
  return ERROR_GROUPS.find(({ errors }) => Object.hasOwn(errors, code))?.errors[code];
}
