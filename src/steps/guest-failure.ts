import type { ErrorRecord } from "../shared/frames.ts";

/** A failure that happened in the guest, on its way through a run: its record is what the run's error event tells. */
export class GuestFailure extends Error {
  readonly record: ErrorRecord;

  constructor(record: ErrorRecord) {
    super(record.message);
    this.record = record;
  }
}
