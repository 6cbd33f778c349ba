import { isTerminal } from "../../../src/shared/step-events.ts";
import { append, ArraySlice, defineHidden, SafePromise, SafeSymbol } from "../../../src/shared/primordials.ts";
import { callNote } from "../core/kernel.ts";
import { OPS } from "../../../src/shared/contract/ops.ts";
import { DELIVERY } from "../../../src/shared/contract/runs.ts";
import type { GuestEvent, Run } from "./run.ts";
import { cancelRun, startRun } from "./runs.ts";
import type { StepBinding } from "./step-body.ts";
import { watchErrorEvent, type Look } from "./unread-errors.ts";
import { abortReason, isAborted, type AbortSignal } from "../web/abort.ts";

/** What waits to be asked for; `look` where it tells of an error. */
type Item = ({ value: unknown } | { error: unknown }) & { look?: Look | undefined };

interface Reader {
  resolve(result: IteratorResult<unknown>): void;
  reject(error: unknown): void;
}

/** Items that have been taken stay in the list until there are this many. */
const MAX_TAKEN = 64;

/** Events that may be taken before the host hears of it: half of what it lets be under way. */
const MAX_UNTOLD = 32;

/**
 * A run as an async iterable. Events wait here until they are asked for, at most as many as the host lets be under way:
 * each is acked when it is taken.
 */
export class EventStream implements AsyncIterableIterator<unknown> {
  readonly #run: Run;
  #waiting: Item[] = [];
  /** Where in the list the next item is. */
  #head = 0;
  #over = false;
  /** Events that have been taken and of which the host has not heard. */
  #taken = 0;
  readonly #readers: Reader[] = [];
  /** Where in the list the next reader is. */
  #nextReader = 0;

  constructor(
    owner: object,
    binding: StepBinding,
    input: unknown,
    signal: AbortSignal | undefined,
    toItems: (event: GuestEvent, failure: unknown) => unknown[],
  ) {
    const onEvent: Run["onEvent"] = (event, failure) => {
      if (this.#over) return;
      const look = event.type === "error" ? watchErrorEvent(this.#run, event, failure) : undefined;
      try {
        const items = toItems(event, failure);
        for (let i = 0; i < items.length; i++) append(this.#waiting, { value: items[i], look });
        if (items.length === 0) this.#ack();
      } catch (error) {
        append(this.#waiting, { error: signal !== undefined && isAborted(signal) ? abortReason(signal) : error, look });
      }
      if (isTerminal(event.type)) this.#over = true;
      this.#serve();
    };
    this.#run = startRun(owner, binding, input, onEvent, { delivery: DELIVERY.pulled, signal });
  }

  next(): Promise<IteratorResult<unknown>> {
    return new SafePromise((resolve, reject) => {
      append(this.#readers, { resolve, reject });
      this.#serve();
    });
  }

  /** Leaving the loop early: the run is cancelled. */
  async return(value?: unknown): Promise<IteratorResult<unknown>> {
    this.#over = true;
    // An error that was not handed out yet is given up with the rest of the run.
    for (let i = this.#head; i < this.#waiting.length; i++) this.#waiting[i]!.look?.();
    this.#waiting.length = 0;
    this.#head = 0;
    cancelRun(this.#run);
    this.#serve();
    return { done: true, value };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** An event has been taken. The host hears of it when it may have run out of room, or nothing is left to take. */
  #ack(): void {
    this.#taken++;
    if (this.#taken < MAX_UNTOLD && this.#head < this.#waiting.length) return;
    callNote(OPS.run_ack, { id: this.#run.id, count: this.#taken });
    this.#taken = 0;
  }

  #serve(): void {
    while (this.#nextReader < this.#readers.length) {
      const hasItem = this.#head < this.#waiting.length;
      if (!hasItem && !this.#over) return;
      const reader = this.#readers[this.#nextReader++]!;
      if (!hasItem) reader.resolve({ done: true, value: undefined });
      else {
        const item = this.#waiting[this.#head]!;
        this.#take();
        if ("error" in item) {
          item.look?.();
          reader.reject(item.error);
        } else reader.resolve({ done: false, value: item.value });
      }
    }
    this.#readers.length = 0;
    this.#nextReader = 0;
  }

  #take(): void {
    this.#head++;
    if (this.#head === this.#waiting.length || this.#head === MAX_TAKEN) {
      this.#waiting = ArraySlice(this.#waiting, this.#head);
      this.#head = 0;
    }
    this.#ack();
  }
}

defineHidden(EventStream.prototype, SafeSymbol.toStringTag, "Step Stream");
