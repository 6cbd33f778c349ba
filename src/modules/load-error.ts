import type { ErrorRecord } from "../shared/frames.ts";

/** Why a script does not load, in words for its author: the message ends in the place, as V8's own does. */
export class LoadError extends Error {
  readonly record: ErrorRecord;
  /** The texts of the modules that were read, by the names in places. */
  readonly sources: Readonly<Record<string, string>>;

  constructor(record: ErrorRecord, sources: Readonly<Record<string, string>>) {
    super(record.message);
    this.record = record;
    this.sources = sources;
  }
}
