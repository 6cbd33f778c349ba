import type { LoggedJournal, RunLog, RunRecord } from "../../index.ts";
import type { RunDetails } from "../session/run-start.ts";

/** The run's journal; of a replay, that of the run that it replayed. */
export function journalOf(log: RunLog, { id, details }: RunRecord): LoggedJournal | undefined {
  const { replayOf } = details as unknown as RunDetails;
  const own = log.journal(id);
  if (own !== undefined || replayOf === undefined) return own;
  const replayed = log.show(replayOf);
  return replayed?.id === replayOf ? journalOf(log, replayed) : undefined;
}
