import { completeSettings } from "../../config.ts";
import type { LoggedJournal, RunRecord } from "../../index.ts";
import { JournalError, playJournal, readJournal, type Journal, type JournalEnd } from "../../replay.ts";
import { EXIT } from "../output/exit-codes.ts";
import { limitsOf } from "../options/load-settings.ts";
import type { ScriptOptions } from "../options/script-options.ts";
import { UsageError } from "../options/usage-error.ts";
import { Terminal } from "../output/terminal.ts";
import { openEventLog } from "../session/event-log.ts";
import { Interrupts } from "../session/interrupts.ts";
import { openRunLog } from "../session/open-run-log.ts";
import { reportOutcome } from "../session/report-outcome.ts";
import { readJournalEnd } from "../session/journal-end.ts";
import type { RunDetails } from "../session/run-start.ts";
import { runLogFile } from "../session/run-log-file.ts";
import { RunMeasures } from "../stats/run-measures.ts";
import { startLine, tellEvent } from "../output/session-lines.ts";
import type { Candidate, SessionScript } from "../session/session-script.ts";

/** How long a log that another program writes is waited for, in milliseconds. */
const LOCK_WAIT_MS = 250;

/**
 * Replays a run as it was: output, events and exit code. Nothing is asked. The log has it as a replay of that run, whose
 * journal is its own.
 *
 * @throws {UsageError} with exit code 79 where the run cannot be replayed, or the script does something else now.
 */
export async function replayExactly(
  run: RunRecord,
  script: SessionScript,
  logged: LoggedJournal,
  options: ScriptOptions,
): Promise<void> {
  const { journal, end } = await readLogged(logged);
  const terminal = new Terminal(process.stdout, process.stderr, process.env);
  const log = openEventLog(options.events, (text) => terminal.note(text));
  const abort = new AbortController();
  const interrupts = new Interrupts({ cancel: () => 0, end: () => abort.abort() });
  terminal.onBroken = () => abort.abort();
  sayStart(run, script, terminal, options);
  let printed = "";
  const measures = new RunMeasures();
  const colors = colorsOf(journal);
  const events = run.events[Symbol.iterator]();
  try {
    await playJournal(
      journal,
      {
        output: (stream, text) => {
          // Colours of then are those of a terminal.
          const shown = colors[stream] && !terminal.colors[stream] ? text.replace(COLORS, "") : text;
          if (options.json && stream === "stdout") printed += shown;
          else terminal.write(stream, shown);
        },
        said: (text) => void (options.quiet || terminal.note(text)),
        event: () => {
          const { value } = events.next();
          if (value !== undefined) measures.note(value);
          if (value !== undefined) tellEvent(value, options, terminal, log);
        },
      },
      { signal: abort.signal },
    );
  } catch (error) {
    if (abort.signal.aborted) {
      process.exitCode = interrupts.exitCode ?? EXIT.ok;
      return;
    }
    throw toUsageError(error);
  } finally {
    interrupts.close();
    log?.close();
  }
  report(run, script, { journal, end, printed, measures }, terminal, options);
  if (options.log) await logReplay(run, end, (text) => void (options.quiet || terminal.note(text)));
}

/** What our own formatting uses. */
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const COLORS = /\x1b\[(?:0|1|2|3|4|22|23|24|3[0-79]|90)m/g;

/** Was what the script printed coloured? */
function colorsOf({ records }: Journal): { stdout: boolean; stderr: boolean } {
  for (const record of records) {
    const found =
      record.kind === "entry" ? /,"console",\{"colors":(\{[^}]*\})\}\]$/.exec(record.frame.text) : undefined;
    if (found) return JSON.parse(found[1]!) as { stdout: boolean; stderr: boolean };
  }
  return { stdout: false, stderr: false };
}

async function logReplay(run: RunRecord, { exitCode }: JournalEnd, warn: (text: string) => void): Promise<void> {
  const { script, source, details, events, outcome, recordings } = run;
  try {
    const log = openRunLog(runLogFile(), { warn, lockWaitMs: LOCK_WAIT_MS });
    const start = { script, ...(source === undefined ? {} : { source }), details: { ...details, replayOf: run.id } };
    const logged = log.begin(start);
    for (const event of events) logged.record(event);
    for (const { stream, text } of run.output) logged.print(stream, text);
    const how = recordings === undefined ? { exitCode } : { exitCode, recordings };
    if (outcome !== undefined) await logged.end(outcome, how);
  } catch (error) {
    warn(`Cannot note the replay in the run log: ${(error as Error).message}`);
  }
}

async function readLogged({ chunks, texts, failure }: LoggedJournal): Promise<{ journal: Journal; end: JournalEnd }> {
  if (failure !== undefined) throw notReplayable(failure);
  let journal: Journal;
  try {
    journal = await readJournal(chunks, { texts });
  } catch (error) {
    if (error instanceof JournalError) throw notReplayable(`its journal cannot be read: ${error.message}`);
    throw error;
  }
  const { end, damage } = journal;
  if (end === undefined) throw notReplayable(`its journal is not whole: ${damage ?? "it breaks off"}`);
  return { journal, end };
}

function notReplayable(reason: string): UsageError {
  return new UsageError(`Cannot replay the run: not replayable: ${reason}`, EXIT.replay, "ERR_REPLAY");
}

function toUsageError(error: unknown): unknown {
  const { code, message } = error as { code?: string; message: string };
  return code === "ERR_REPLAY_DIFFERS" ? new UsageError(message, EXIT.replay, code) : error;
}

function sayStart(
  { details }: RunRecord,
  { label }: SessionScript,
  terminal: Terminal,
  { verbose }: ScriptOptions,
): void {
  const { settings: then, profile, untrusted } = details as unknown as RunDetails;
  const settings = completeSettings(then);
  if (verbose) terminal.note(startLine(label, { settings, profile }, limitsOf(settings.limits, untrusted), untrusted));
}

function report(
  run: RunRecord,
  script: SessionScript,
  { journal, end, printed, measures }: { journal: Journal; end: JournalEnd; printed: string; measures: RunMeasures },
  terminal: Terminal,
  options: ScriptOptions,
): void {
  const { exitCode, signal } = end;
  const { outcome, usage, denied, thresholds, runId } = readJournalEnd(end);
  const facts = { script, ran: ranLast(script, journal), usage, measures, thresholds, runId, printed, denied };
  process.exitCode = exitCode;
  reportOutcome(outcome, { ...facts, exitCode, signal: signal as Interrupts["signal"] }, terminal, {
    ...options,
    ...((run.details as unknown as RunDetails).untrusted ? { untrusted: true } : {}),
  });
}

function ranLast({ candidates }: SessionScript, { records }: Journal): Candidate | undefined {
  const last = records.findLast((record) => record.kind === "run");
  return candidates.find(({ code }) => code === last?.source.code) ?? candidates.at(-1);
}
