import { abortable } from "../../base/abortable.ts";
import { currentSpan, type TraceSpan } from "../../base/telemetry/trace.ts";
import { createDeferred, type Deferred } from "../../base/deferred.ts";
import { type LazyAbort, onAbort } from "../../base/calls/lazy-abort.ts";
import { FRAMES } from "../../shared/contract/frame-kinds.ts";
import { DELIVERY, type Delivery, type GuestCall } from "../../shared/contract/runs.ts";
import type { Outcome } from "../../shared/frames.ts";
import { GuestFailure } from "../../steps/guest-failure.ts";
import type { EntryQueue } from "../entry-queue.ts";
import type { GuestMailbox } from "./guest-mailbox.ts";

/** How calls reach the guest. */
export interface CallCarrier {
  /** Has the guest make the call; resolves when it has been told. The answer comes by itself. */
  make(call: GuestCall): Promise<unknown>;
  /** Tells the guest that nobody waits for the call any more. */
  abort(callId: number): void;
}

export function createCarrier(
  delivery: Delivery,
  { id, queue, mailbox }: { id: string; queue: EntryQueue; mailbox: GuestMailbox },
): CallCarrier {
  if (delivery === DELIVERY.waited) {
    return { make: async (call) => mailbox.tell({ call }), abort: (callId) => mailbox.withdraw(callId) };
  }
  return {
    make: async ({ callId, name, args }) => queue.enter(FRAMES.run_call, id, callId, name, args),
    abort: (callId) => void queue.enter(FRAMES.run_abort, id, callId),
  };
}

/** The calls that one run makes of functions of the guest's. */
export class GuestCalls {
  readonly #carrier: CallCarrier;
  readonly #pending = new Map<number, Deferred<unknown>>();
  /** What those calls are made for, where somebody hears of it. */
  readonly #spans = new Map<number, TraceSpan>();
  /** The answer to a call that the guest makes by itself, until that call is asked for. */
  #foreseen: Deferred<unknown> | undefined;
  #nextId = 1;

  /** @param isFirstMade the guest makes the first call without being told, and may answer before it is asked for */
  constructor(carrier: CallCarrier, isFirstMade = false) {
    this.#carrier = carrier;
    if (isFirstMade) this.#foreseen = this.#expect(this.#nextId);
  }

  /** Has the guest call one of the run's functions; an abort does not wait for it, but tells it. */
  async call(name: string, args: unknown, signal: AbortSignal | LazyAbort): Promise<unknown> {
    signal.throwIfAborted();
    const callId = this.#nextId++;
    const foreseen = this.#foreseen;
    this.#foreseen = undefined;
    const answer = foreseen ?? this.#expect(callId);
    const span = currentSpan();
    if (span !== undefined) this.#spans.set(callId, span);
    const forget = onAbort(signal, () => {
      answer.reject(signal.reason);
      this.#carrier.abort(callId);
    });
    try {
      if (foreseen === undefined) await abortable(this.#carrier.make({ callId, name, args }), signal);
      return await answer.promise;
    } finally {
      this.#pending.delete(callId);
      this.#spans.delete(callId);
      forget();
    }
  }

  #expect(callId: number): Deferred<unknown> {
    const answer = createDeferred<unknown>();
    // The answer may come before anybody waits for it: while the turn that makes the call is still under way.
    answer.promise.catch(() => {});
    this.#pending.set(callId, answer);
    return answer;
  }

  /** The span for which a call was made that is under way. */
  spanOf(callId: number): TraceSpan | undefined {
    return this.#spans.get(callId);
  }

  /** The guest has answered a call; an unknown id is ignored. */
  answer(callId: number, outcome: Outcome): void {
    const pending = this.#pending.get(callId);
    this.#pending.delete(callId);
    if (outcome.ok) pending?.resolve(outcome.value);
    else pending?.reject(new GuestFailure(outcome.error));
  }
}
