import { isTerminal } from "../../../src/shared/step-events.ts";
import { defineHidden, SafePromise, SafeSymbol } from "../../../src/shared/primordials.ts";
import { markHandled } from "../core/calls.ts";
import { callNote } from "../core/kernel.ts";
import { OPS } from "../../../src/shared/contract/ops.ts";
import { DELIVERY } from "../../../src/shared/contract/runs.ts";
import type { GuestEvent, Run } from "./run.ts";
import { cancelRun, startRun } from "./runs.ts";
import type { StepBinding } from "./step-body.ts";
import { watchErrorEvent, type Look } from "./unread-errors.ts";
import { abortReason, isAborted, type AbortSignal } from "../web/abort.ts";

/** What waits to be asked for: a value, or an error; `look` where it tells of an error. */
interface Item {
  value: unknown;
  isError: boolean;
  look: Look | undefined;
  next: Item | undefined;
}

interface Reader {
  promise: Promise<IteratorResult<unknown>>;
  resolve(result: IteratorResult<unknown>): void;
  reject(error: unknown): void;
  next: Reader | undefined;
}

/** Events that may be taken before the host hears of it: half of what it lets be under way. */
const MAX_UNTOLD = 32;

/**
 * A run as an async iterable. Events wait here until they are asked for, at most as many as the host lets be under way:
 * each is acked when it is taken.
 */
export class EventStream implements AsyncIterableIterator<unknown> {
  readonly #run: Run;
  readonly #signal: AbortSignal | undefined;
  /** Chains, of objects of our own: to append to a list, past a script's prototypes, takes V8 much longer. */
  #first: Item | undefined;
  #last: Item | undefined;
  #firstReader: Reader | undefined;
  #lastReader: Reader | undefined;
  #over = false;
  /** Events that have been taken and of which the host has not heard. */
  #taken = 0;

  constructor(
    owner: object,
    binding: StepBinding,
    input: unknown,
    signal: AbortSignal | undefined,
    toItems: (event: GuestEvent, failure: unknown) => unknown[],
  ) {
    this.#signal = signal;
    const onEvent: Run["onEvent"] = (event, failure) => {
      if (this.#over) return;
      const isLast = isTerminal(event.type);
      const look = event.type === "error" ? watchErrorEvent(this.#run, event, failure) : undefined;
      try {
        const items = toItems(event, failure);
        for (let i = 0; i < items.length; i++) this.#add(items[i], false, look);
        if (items.length === 0 && !isLast) this.#ack();
      } catch (error) {
        this.#add(signal !== undefined && isAborted(signal) ? abortReason(signal) : error, true, look);
      }
      if (isLast) this.#over = true;
      this.#serve();
    };
    this.#run = startRun(owner, binding, input, onEvent, { delivery: DELIVERY.pulled, signal });
    this.#run.tellTaken = () => this.#tell();
  }

  next(): Promise<IteratorResult<unknown>> {
    let resolve!: Reader["resolve"];
    let reject!: Reader["reject"];
    const promise = new SafePromise<IteratorResult<unknown>>((toResolve, toReject) => {
      resolve = toResolve;
      reject = toReject;
    });
    const reader: Reader = { promise, resolve, reject, next: undefined };
    if (this.#lastReader === undefined) this.#firstReader = reader;
    else this.#lastReader.next = reader;
    this.#lastReader = reader;
    this.#serve();
    return promise;
  }

  /** Leaving the loop early: the run is cancelled. */
  async return(value?: unknown): Promise<IteratorResult<unknown>> {
    this.#over = true;
    // An error that was not handed out yet is given up with the rest of the run.
    for (let item = this.#first; item !== undefined; item = item.next) item.look?.();
    this.#first = undefined;
    this.#last = undefined;
    cancelRun(this.#run);
    this.#serve();
    return { done: true, value };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #add(value: unknown, isError: boolean, look: Look | undefined): void {
    const item: Item = { value, isError, look, next: undefined };
    if (this.#last === undefined) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
  }

  /**
   * An event has been taken. The host hears of it when it may have run out of room; where it wants to, as soon as nothing
   * is left to take. Of the last event it does not: it has sent that when all others had been taken.
   */
  #ack(): void {
    if (this.#over) return;
    this.#taken++;
    if (this.#taken >= MAX_UNTOLD || (this.#run.wantsAck && this.#first === undefined)) this.#tell();
  }

  #tell(): void {
    if (this.#taken === 0) return;
    callNote(OPS.run_ack, { id: this.#run.id, count: this.#taken });
    this.#taken = 0;
  }

  #serve(): void {
    for (let reader = this.#firstReader; reader !== undefined; reader = this.#firstReader) {
      const item = this.#first;
      if (item === undefined && !this.#over) return;
      this.#firstReader = reader.next;
      if (reader.next === undefined) this.#lastReader = undefined;
      if (item === undefined) {
        reader.resolve({ done: true, value: undefined });
        continue;
      }
      this.#first = item.next;
      if (item.next === undefined) this.#last = undefined;
      this.#ack();
      if (item.isError) {
        item.look?.();
        if (this.#signal !== undefined && isAborted(this.#signal)) markHandled(reader.promise);
        reader.reject(item.value);
      } else reader.resolve({ done: false, value: item.value });
    }
  }
}

defineHidden(EventStream.prototype, SafeSymbol.toStringTag, "Step Stream");
