import { randomUUID } from "node:crypto";
import type { ChatRecording, Finished, LoggedCall, Recording, RecordingSink, Redact } from "../../index.ts";

/** Notes each request of one run when it is made, and once more when it is answered. */
export class CallNotes implements RecordingSink {
  readonly redact: Redact;
  readonly #note: (call: LoggedCall) => void;
  #count = 0;
  #lastEnd = 0;

  constructor(note: (call: LoggedCall) => void, redact: Redact) {
    this.redact = redact;
    this.#note = note;
  }

  claim<R extends Recording = ChatRecording>({
    request,
    stepId,
  }: Parameters<RecordingSink["claim"]>[0]): (recording: Finished<R>) => Promise<void> {
    const began = performance.now();
    const call: LoggedCall = { place: this.#count++, stepId, startedAt: Date.now(), request };
    this.#note(call);
    const recordedAt = new Date(call.startedAt).toISOString();
    return async ({ request: _, ...rest }) => {
      // Each has a time of its own: a replay gives them in this order.
      this.#lastEnd = Math.max(Date.now(), this.#lastEnd + 1);
      const endedAt = new Date(this.#lastEnd).toISOString();
      const answer = { id: randomUUID(), recordedAt, endedAt, ...rest };
      this.#note({ ...call, durationMs: Math.round(performance.now() - began), answer });
    };
  }
}
