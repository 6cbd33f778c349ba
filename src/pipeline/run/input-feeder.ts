import { abortable } from "../../base/abortable.ts";
import type { TimeSource } from "../../base/time/time-source.ts";
import { leave } from "../../base/until-aborted.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { type StreamElement, textElement } from "../elements/element.ts";
import { NO_READERS } from "./stage-run.ts";
import { StageOutput, type OutgoingEdge, WRITTEN } from "./stage-output.ts";

/** What a pipeline may be given: elements, or texts, which become elements. */
export type PipelineInput =
  | Iterable<StreamElement | string>
  | AsyncIterable<StreamElement | string>
  | StreamElement
  | string
  | undefined;

export interface InputFeederOptions {
  input: PipelineInput;
  edges: readonly OutgoingEdge[];
  signal: AbortSignal;
  onMove: () => void;
  time: TimeSource;
}

/** Hands the pipeline's input to its first stages. */
export class InputFeeder {
  readonly #input: PipelineInput;
  readonly #output: StageOutput;
  readonly #controller = new AbortController();
  readonly #given: AbortSignal;

  constructor({ input, edges, signal, onMove, time }: InputFeederOptions) {
    this.#input = input;
    // AbortSignal.any() would be looked through for each element.
    this.#given = signal;
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener("abort", this.#onAbort, { once: true });
    this.#output = new StageOutput({
      stage: undefined,
      edges,
      signal: this.#controller.signal,
      onMove,
      timed: false,
      tracedFrom: undefined,
      time,
      startedAt: 0,
    });
  }

  /** Resolves when the input has ended, or nobody takes it any more; rejects with what the input throws. */
  async feed(): Promise<void> {
    try {
      // An input that never gives anything must not hold up the end.
      await abortable(this.#pump(), this.#controller.signal);
    } catch (error) {
      if (!this.#controller.signal.aborted) throw error;
    } finally {
      this.#given.removeEventListener("abort", this.#onAbort);
      this.#output.close();
    }
  }

  /** Stops it when nobody takes the input any more. */
  stopIfUnwanted(): void {
    if (this.#output.isUnwanted) this.#controller.abort(NO_READERS);
  }

  readonly #onAbort = (): void => this.#controller.abort(this.#given.reason);

  async #pump(): Promise<void> {
    const input = this.#input as unknown;
    if (input === undefined) return;
    if (typeof input === "string" || has(input, "kind")) return this.#write(input as StreamElement | string);
    if (has(input, Symbol.asyncIterator)) return this.#pumpAsync(input as AsyncIterable<StreamElement | string>);
    if (!has(input, Symbol.iterator)) throw notAnInput(input);
    for (const next of input as Iterable<StreamElement | string>) {
      const written = this.#write(next);
      if (written !== WRITTEN) await written;
    }
  }

  /** Tells the input as soon as nobody wants more, even while it is being waited for. */
  async #pumpAsync(input: AsyncIterable<StreamElement | string>): Promise<void> {
    const iterator = input[Symbol.asyncIterator]();
    const onAbort = (): void => void leave(iterator);
    this.#controller.signal.addEventListener("abort", onAbort, { once: true });
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      const written = this.#write(next.value);
      if (written !== WRITTEN) await written;
    }
    this.#controller.signal.removeEventListener("abort", onAbort);
  }

  #write(next: StreamElement | string): Promise<void> {
    return this.#output.write(typeof next === "string" ? textElement(next) : next);
  }
}

function has(input: unknown, key: PropertyKey): boolean {
  return typeof input === "object" && input !== null && key in input;
}

function notAnInput(input: unknown): GeppettoError {
  const given = typeof input === "object" && input !== null ? "an object of another kind" : String(input);
  return new GeppettoError(
    "ValidationError",
    `Cannot execute the pipeline: its input must be a text, an element, or an iterable of those, got ${given}`,
  );
}
