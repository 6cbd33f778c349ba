import { abortable } from "../base/abortable.ts";
import { isThenable } from "../base/calls/call-back.ts";
import { LazyAbort } from "../base/calls/lazy-abort.ts";
import type { StepEvent } from "../shared/step-events.ts";

/** Hears of each event of a script's runs, in order of publication; the run waits for the promise that it returns. */
export type OnEvent = (event: StepEvent) => void | Promise<void>;

/** Tells a host app of events. Its trouble is not the run's, and a script that has ended waits for it no more. */
export class EventListener {
  readonly #onEvent: OnEvent;
  readonly #onFailure: (error: unknown) => void;
  /** Waited for so that each event is let go of when it has been told. */
  readonly #over = new LazyAbort();
  #hasFailed = false;

  /** @param onFailure hears the first thing that `onEvent` throws */
  constructor(onEvent: OnEvent, onFailure: (error: unknown) => void) {
    this.#onEvent = onEvent;
    this.#onFailure = onFailure;
  }

  /** Undefined where the next event may come at once. */
  tell(event: StepEvent): Promise<void> | undefined {
    try {
      const told = this.#onEvent(event);
      return isThenable(told) ? this.#wait(told) : undefined;
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /** Nobody is waited for any more. */
  end(): void {
    this.#over.abort(undefined);
  }

  async #wait(told: PromiseLike<void>): Promise<void> {
    try {
      await abortable(Promise.resolve(told), this.#over);
    } catch (error) {
      if (!this.#over.aborted) this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#onFailure(error);
  }
}
