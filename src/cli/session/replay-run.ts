import { completeSettings } from "../../config.ts";
import { evalScript } from "../commands/eval-command.ts";
import { loadSettings, type SessionSettings } from "../options/load-settings.ts";
import { isWhole, readDetails, type RunDetails } from "./run-start.ts";
import { findRun } from "../commands/runs-command.ts";
import type { ScriptOptions } from "../options/script-options.ts";
import { ScriptSession } from "./script-session.ts";
import type { SessionScript } from "./session-script.ts";
import { EXIT } from "../output/exit-codes.ts";
import { UsageError } from "../options/usage-error.ts";

/** What `runs replay` may be given; the rest is as it was. */
type ReplayOptions = Pick<ScriptOptions, "env" | "input" | "json" | "events" | "stats" | "quiet" | "verbose" | "log">;

/** `geppetto-js runs replay <run>`: the source, arguments, settings, input and answers of a run in the log, once more. */
export async function replayRun(id: string, given: Partial<ReplayOptions>): Promise<void> {
  const { id: of, script: label, source, details, recordings, isDamaged } = findRun(id);
  const { details: run, isDamaged: isWrong } = readDetails(details);
  if (isDamaged || isWrong || !isWhole(run))
    throw new UsageError("Cannot replay the run: a part of it in the log is damaged", EXIT.noFile);
  const { command, args, env, input, omittedInput, untrusted, folder } = run;
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
    ...(untrusted ? { untrusted } : {}),
  };
  const script: SessionScript =
    command === "eval"
      ? evalScript(source)
      : { command, candidates: [{ code: source, name: label }], source, label, args, ...(folder ? { folder } : {}) };
  const session = new ScriptSession(options, await settingsOf(run), {
    of,
    recordings,
    ...(input === undefined ? {} : { input }),
  });
  await session.run(script);
}

/** The settings of then. Answers need no server; embeddings do, unless they are the embedded ones, and the log knows none. */
async function settingsOf({ settings, profile }: RunDetails): Promise<SessionSettings> {
  const known = { settings: completeSettings(settings), profile, warnings: [] };
  if (settings.embeddings.provider === "embedded") return known;
  const now = await loadSettings(profile === undefined ? {} : { profile });
  return { ...known, settings: { ...known.settings, embeddings: now.settings.embeddings } };
}
