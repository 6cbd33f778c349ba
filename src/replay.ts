/** Journals of runs, which the command line keeps, replays and shows; not a part of the package's interface. */
export { findPlaces } from "./engine/journal/find-places.ts";
export { playJournal, type ReplayListener } from "./engine/journal/play-journal.ts";
export { RecordedOps } from "./engine/journal/recorded-ops.ts";
export { JournalError } from "./journal/journal-error.ts";
export { JournalRecorder } from "./journal/journal-recorder.ts";
export type { KeptText } from "./journal/kept-text.ts";
export { printedText } from "./journal/executions/printed-text.ts";
export type { JournalEnd } from "./journal/journal-record.ts";
export { readJournal, type Journal } from "./journal/read-journal.ts";
export { mayHoldAny } from "./recordings/redact-secrets.ts";
export { fromTagged, toTagged } from "./recordings/tagged-json.ts";
export { buildTrace, type TraceOptions } from "./trace/build-trace.ts";
export type { ServedPage, TraceModel } from "./trace/trace-model.ts";
export { tracePage } from "./trace/trace-page.ts";
