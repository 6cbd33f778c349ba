import { append, defineHidden, SafePromise, SafeSymbol } from "../../src/shared/primordials.ts";
import { callSync } from "./kernel.ts";
import { cancelRun, startRun, type GuestEvent, type Run, type StepBinding } from "./runs.ts";
import { abortReason, isAborted, type AbortSignal } from "./web/abort.ts";

type Item = { value: unknown } | { error: unknown };

/**
 * A run as an async iterable. Events wait here until they are asked for, at most as many as the host lets be under way:
 * each is acked when it is taken.
 */
export class EventStream implements AsyncIterableIterator<unknown> {
  readonly #run: Run;
  readonly #waiting: Item[] = [];
  /** Where in the list the next item is. */
  #head = 0;
  #over = false;
  readonly #readers: ((result: Promise<IteratorResult<unknown>> | IteratorResult<unknown>) => void)[] = [];

  constructor(
    owner: object,
    binding: StepBinding,
    input: unknown,
    signal: AbortSignal | undefined,
    toItems: (event: GuestEvent, failure: unknown) => unknown[],
  ) {
    const onEvent: Run["onEvent"] = (event, failure) => {
      if (this.#over) return;
      try {
        const items = toItems(event, failure);
        for (let i = 0; i < items.length; i++) append(this.#waiting, { value: items[i] });
        if (items.length === 0) this.#ack();
      } catch (error) {
        append(this.#waiting, { error: signal !== undefined && isAborted(signal) ? abortReason(signal) : error });
      }
      if (event.type === "final" || event.type === "error" || event.type === "interrupt") this.#over = true;
      this.#serve();
    };
    this.#run = startRun(owner, binding, input, onEvent, { want: "pull", signal });
  }

  next(): Promise<IteratorResult<unknown>> {
    return new SafePromise((resolve) => {
      append(this.#readers, resolve);
      this.#serve();
    });
  }

  /** Leaving the loop early: the run is cancelled. */
  return(value?: unknown): Promise<IteratorResult<unknown>> {
    this.#over = true;
    this.#waiting.length = 0;
    this.#head = 0;
    cancelRun(this.#run);
    this.#serve();
    return SafePromise.resolve({ done: true, value });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #ack(): void {
    callSync("run_ack", { id: this.#run.id, count: 1 });
  }

  #serve(): void {
    while (this.#readers.length > 0) {
      if (this.#head < this.#waiting.length) {
        const item = this.#waiting[this.#head]!;
        this.#take();
        const reader = this.#readers.shift()!;
        reader("error" in item ? SafePromise.reject(item.error) : { done: false, value: item.value });
      } else if (this.#over) this.#readers.shift()!({ done: true, value: undefined });
      else return;
    }
  }

  #take(): void {
    this.#head++;
    if (this.#head === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#head = 0;
    }
    this.#ack();
  }
}

defineHidden(EventStream.prototype, SafeSymbol.toStringTag, "Step Stream");
