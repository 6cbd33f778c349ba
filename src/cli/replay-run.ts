import { evalScript } from "./eval-command.ts";
import type { RunDetails } from "./run-start.ts";
import { findRun } from "./runs-command.ts";
import type { ScriptOptions } from "./script-options.ts";
import { ScriptSession } from "./script-session.ts";
import type { SessionScript } from "./session-script.ts";
import { UsageError } from "./usage-error.ts";

/** What `runs replay` may be given; the rest is as it was. */
type ReplayOptions = Pick<ScriptOptions, "env" | "input" | "json" | "events" | "stats" | "quiet" | "verbose" | "log">;

/** `geppetto-js runs replay <run>`: the source, arguments, input and answers of a run in the log, once more. */
export async function replayRun(id: string, given: Partial<ReplayOptions>): Promise<void> {
  const { id: of, script: label, source, details, recordings } = findRun(id);
  const { command, args, env, input, omittedInput, model, timeout, cpu, memory, untrusted, folder } =
    details as unknown as RunDetails;
  if (source === undefined || recordings === undefined) {
    throw new UsageError("Cannot replay the run: it never ended, so that its answers are not in the log");
  }
  if (omittedInput !== undefined && given.input === undefined) {
    throw new UsageError("Cannot replay the run: its input was too long to be kept, give it with --input");
  }
  const options: ScriptOptions = {
    log: true,
    ...given,
    env: { ...env, ...given.env },
    isolation: "process",
    timeout,
    memory,
    ...(cpu === undefined ? {} : { cpu }),
    ...(model === undefined ? {} : { model }),
    ...(untrusted ? { untrusted } : {}),
  };
  const script: SessionScript =
    command === "eval"
      ? evalScript(source)
      : { command, candidates: [{ code: source, name: label }], source, label, args, ...(folder ? { folder } : {}) };
  await new ScriptSession(options, { of, recordings, ...(input === undefined ? {} : { input }) }).run(script);
}
