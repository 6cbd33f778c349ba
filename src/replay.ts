/** Journals of runs, which the command line keeps and replays; not a part of the package's interface. */
export { playJournal, type ReplayListener } from "./engine/journal/play-journal.ts";
export { RecordedOps } from "./engine/journal/recorded-ops.ts";
export { JournalError } from "./journal/journal-error.ts";
export { JournalRecorder } from "./journal/journal-recorder.ts";
export type { JournalEnd } from "./journal/journal-record.ts";
export { readJournal, type Journal } from "./journal/read-journal.ts";
export { mayHoldAny } from "./recordings/redact-secrets.ts";
export { fromTagged, toTagged } from "./recordings/tagged-json.ts";
