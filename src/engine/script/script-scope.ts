import { randomUUID } from "node:crypto";
import { CallScope } from "../../base/call-context.ts";
import { GeppettoError } from "../../shared/errors.ts";
import type { StepEvent } from "../../shared/step-events.ts";
import type { RunScriptOptions } from "../engine-options.ts";
import { EventListener } from "../event-listener.ts";

/** For whom an engine works: one execution of a script, with whoever listens to its events. */
export class ScriptScope {
  readonly #over = new AbortController();
  readonly #calls: CallScope;
  readonly #listener: EventListener | undefined;

  /**
   * In the asynchronous context of the one who runs the script.
   *
   * @param onFailure hears the first thing that `onEvent` throws
   */
  constructor(
    { tenant = "", runId = randomUUID(), context, onEvent }: RunScriptOptions,
    onFailure: (error: unknown) => void,
  ) {
    this.#calls = new CallScope({ tenant, runId, context, signal: this.#over.signal });
    this.#listener = onEvent && new EventListener((event) => this.run(() => onEvent(event)), onFailure);
  }

  run<T>(fn: () => T): T {
    return this.#calls.run(fn);
  }

  get hearsEvents(): boolean {
    return this.#listener !== undefined;
  }

  /** Tells who listens; undefined where the next event may come at once. */
  tell(event: StepEvent): Promise<void> | undefined {
    return this.#listener?.tell(event);
  }

  /** The script has ended: nobody is waited for any more. */
  end(): void {
    this.#listener?.end();
    this.#over.abort(new GeppettoError("AbortError", "The script has ended"));
  }
}
