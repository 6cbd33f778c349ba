import { completeSettings } from "../../config.ts";
import type { RunRecord } from "../../index.ts";
import { JournalError, readJournal, RecordedOps } from "../../replay.ts";
import { evalScript } from "../commands/eval-command.ts";
import { fileScript } from "./file-script.ts";
import { replayExecution } from "../executions/lasting-run.ts";
import { withNamedExecution } from "../executions/open-journal.ts";
import { loadSettings, type SessionSettings } from "../options/load-settings.ts";
import { isWhole, type RunDetails } from "../session/run-start.ts";
import { findRun, withRunLog } from "../commands/runs-command.ts";
import type { ScriptOptions } from "../options/script-options.ts";
import { journalOf } from "./journal-of.ts";
import { replayExactly } from "./replay-exactly.ts";
import { ScriptSession } from "../session/script-session.ts";
import type { SessionScript } from "../session/session-script.ts";
import { EXIT } from "../output/exit-codes.ts";
import { UsageError } from "../options/usage-error.ts";

/** What `runs replay` may be given; the rest is as it was. */
type ReplayOptions = Pick<
  ScriptOptions,
  "env" | "input" | "json" | "events" | "stats" | "quiet" | "verbose" | "log"
> & {
  /** Another script, for the recorded answers; "-" is stdin. */
  script?: string;
};

/**
 * `geppetto-js runs replay <run>`: the run as it was, from its journal. Another script, other variables and another input
 * run on the answers of then, and so does a run that was logged before there were journals.
 */
export async function replayRun(id: string, given: Partial<ReplayOptions>): Promise<void> {
  const isExecution = await withNamedExecution(id, (journal, execution) => replayExecution(journal, execution, given));
  if (isExecution !== undefined) return;
  const run = findRun(id);
  if (run.isDamaged || !isWhole(run.details))
    throw new UsageError("Cannot replay the run: a part of it in the log is damaged", EXIT.noFile);
  if (run.source === undefined || run.recordings === undefined) {
    throw new UsageError("Cannot replay the run: it never ended, so that its answers are not in the log");
  }
  const options: ScriptOptions = { log: true, ...given };
  const isChanged = given.script !== undefined || given.env !== undefined || given.input !== undefined;
  const journal = isChanged ? undefined : withRunLog((log) => journalOf(log, run));
  if (journal !== undefined) return replayExactly(run, await scriptOf(run, run.source), journal, options);
  if (!isChanged && !given.quiet) {
    process.stderr.write("this run was logged without a journal: replaying its script on the recorded answers\n");
  }
  await replayOnAnswers(run, run.source, options, given.script, isChanged ? await opsOf(run) : undefined);
}

/** What the run was answered by ops, as far as its journal can be read. */
async function opsOf(run: RunRecord): Promise<RecordedOps | undefined> {
  const logged = withRunLog((log) => journalOf(log, run));
  if (logged === undefined || logged.failure !== undefined) return undefined;
  try {
    return new RecordedOps(await readJournal(logged.chunks, logged));
  } catch (error) {
    if (error instanceof JournalError) return undefined;
    throw error;
  }
}

/** The script as the log has it. */
async function scriptOf({ script: label, details }: RunRecord, source: string): Promise<SessionScript> {
  const { command, args, folder } = details as unknown as RunDetails;
  if (command === "eval") return evalScript(source);
  return { command, candidates: [{ code: source, name: label }], source, label, args, ...(folder ? { folder } : {}) };
}

/** Runs the script, or another one, with the arguments, settings, input and answers of then. */
async function replayOnAnswers(
  run: RunRecord,
  source: string,
  options: ScriptOptions,
  other: string | undefined,
  ops: RecordedOps | undefined,
): Promise<void> {
  const details = run.details as unknown as RunDetails;
  const { args, env, input, omittedInput, untrusted } = details;
  if (omittedInput !== undefined && options.input === undefined) {
    throw new UsageError("Cannot replay the run: its input was too long to be kept, give it with --input");
  }
  const all: ScriptOptions = {
    ...options,
    env: { ...env, ...options.env },
    ...(untrusted ? { untrusted } : {}),
  };
  const { id: of, recordings = [] } = run;
  const session = new ScriptSession(all, await settingsOf(details), {
    replay: {
      of,
      recordings,
      ...(input === undefined ? {} : { input }),
      isChanged: other !== undefined,
      ...(ops === undefined ? {} : { ops }),
    },
  });
  await session.run(await otherScript(run, source, other, args));
}

/** The script that runs instead; one from stdin stands where the script of then stood. */
async function otherScript(
  run: RunRecord,
  source: string,
  other: string | undefined,
  args: readonly string[],
): Promise<SessionScript> {
  if (other === undefined) return scriptOf(run, source);
  const script = await fileScript(other, args);
  return other === "-" ? scriptOf(run, script.source) : script;
}

/** The settings of then. Answers need no server; embeddings do, unless they are the embedded ones, and the log knows none. */
async function settingsOf({ settings, profile }: RunDetails): Promise<SessionSettings> {
  const known = { settings: completeSettings(settings), profile, warnings: [] };
  if (settings.embeddings.provider === "embedded") return known;
  const now = await loadSettings(profile === undefined ? {} : { profile });
  return { ...known, settings: { ...known.settings, embeddings: now.settings.embeddings } };
}
