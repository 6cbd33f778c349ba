import type { ExecutionRecord } from "../../journal/executions/journal.ts";
import type { StepEvent } from "../../shared/step-events.ts";
import type { Tape } from "./tape.ts";
import { RECORDS } from "./tape-record.ts";

/**
 * Keeps the events of an execution's runs in its journal, for those who follow it, each once over all attempts. Where what
 * a run tells begins anew, since the answer that it told of had broken off, that is noted before it.
 */
export class EventKeeper {
  readonly #tape: Pick<Tape, "push">;
  /** The last event on record of each run. */
  readonly #kept = new Map<string, number>();

  /** @param records those of earlier attempts */
  constructor(tape: Pick<Tape, "push">, records: readonly ExecutionRecord[]) {
    this.#tape = tape;
    for (const { kind, text } of records) {
      if (kind !== RECORDS.event) continue;
      const { step, seq, again } = JSON.parse(text) as KeptEvent;
      this.#kept.set(step.stepId, again === true ? seq - 1 : seq);
    }
  }

  /** @param isBroughtBack it follows from what is on record already */
  keep(event: StepEvent, isBroughtBack: boolean): void {
    const { stepId } = event.step;
    const last = this.#kept.get(stepId) ?? -1;
    if (event.seq <= last) {
      if (isBroughtBack) return;
      this.#tape.push({ kind: RECORDS.event, text: JSON.stringify({ again: true, seq: event.seq, step: { stepId } }) });
    }
    this.#kept.set(stepId, event.seq);
    const text = JSON.stringify(event.type === "partial" ? { ...event, completion: undefined } : event);
    this.#tape.push({ kind: RECORDS.event, text });
  }
}

type KeptEvent = Pick<StepEvent, "seq"> & { step: { stepId: string }; again?: true };
