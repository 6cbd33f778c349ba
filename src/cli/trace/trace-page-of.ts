import type { RunLog, RunRecord } from "../../index.ts";
import {
  buildTrace,
  findPlaces,
  JournalError,
  readJournal,
  tracePage,
  type Journal,
  type ServedPage,
} from "../../replay.ts";
import { readable } from "../commands/runs-command.ts";
import { describeStart } from "../runs/describe-run.ts";
import { journalOf } from "../runs/journal-of.ts";

export interface TracePageOptions {
  /** False: without prompts, answers, arguments, output and source. */
  contents: boolean;
  served?: ServedPage;
}

/** How long the lines of a run are looked for, in milliseconds: the script runs once more for that. */
const PLACES_MS = 10_000;

/** The page that shows a run. */
export async function tracePageOf(
  log: RunLog,
  run: RunRecord,
  { contents, served }: TracePageOptions,
): Promise<string> {
  // Before anything is waited for: the log is closed then.
  const items = log.items(run.id);
  const logged = journalOf(log, run);
  const notes: string[] = [];
  let journal: Journal | undefined;
  if (logged?.failure !== undefined) notes.push(`Its journal was given up: ${logged.failure}.`);
  else if (logged !== undefined) {
    try {
      journal = await readJournal(logged.chunks, logged);
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      notes.push(`Its journal cannot be read: ${error.message}.`);
    }
  }
  const facts = describeStart(readable(run), false).flatMap(([label, value]) =>
    value === undefined || label === "run" ? [] : [[label, value] as const],
  );
  const places = journal && (await findPlaces(journal, { signal: AbortSignal.timeout(PLACES_MS) }));
  const model = buildTrace(run, { items, journal, places, notes, facts, contents });
  return tracePage(model, served === undefined ? {} : { served });
}
