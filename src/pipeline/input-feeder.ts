import { abortable } from "../base/abortable.ts";
import { type StreamElement, textElement } from "./element.ts";
import { NOBODY_TAKES } from "./stage-run.ts";
import { StageOutput, type OutgoingEdge, WRITTEN } from "./stage-output.ts";

/** What a pipeline may be given: elements, or texts, which become elements. */
export type PipelineInput =
  Iterable<StreamElement | string> | AsyncIterable<StreamElement | string> | StreamElement | string | undefined;

export interface InputFeederOptions {
  input: PipelineInput;
  edges: readonly OutgoingEdge[];
  signal: AbortSignal;
  onMove: () => void;
}

/** Hands the pipeline's input to its first stages. */
export class InputFeeder {
  readonly #input: PipelineInput;
  readonly #output: StageOutput;
  readonly #unwanted = new AbortController();
  readonly #signal: AbortSignal;

  constructor({ input, edges, signal, onMove }: InputFeederOptions) {
    this.#input = input;
    this.#signal = AbortSignal.any([signal, this.#unwanted.signal]);
    this.#output = new StageOutput({
      stage: undefined,
      edges,
      signal: this.#signal,
      onMove,
      tracedFrom: undefined,
      startedAt: 0,
    });
  }

  /** Resolves when the input has ended, or nobody takes it any more; rejects with what the input throws. */
  async feed(): Promise<void> {
    try {
      // An input that never gives anything must not hold up the end.
      await abortable(this.#pump(), this.#signal);
    } catch (error) {
      if (!this.#signal.aborted) throw error;
    } finally {
      this.#output.close();
    }
  }

  /** Stops it when nobody takes the input any more. */
  stopIfUnwanted(): void {
    if (this.#output.isUnwanted) this.#unwanted.abort(NOBODY_TAKES);
  }

  /** Leaving a loop early tells the input that nobody wants more. */
  async #pump(): Promise<void> {
    const input = this.#input;
    if (input === undefined) return;
    if (typeof input === "string" || "kind" in input) return this.#output.write(toElement(input));
    if (Symbol.asyncIterator in input) {
      for await (const next of input) {
        const written = this.#output.write(toElement(next));
        if (written !== WRITTEN) await written;
      }
    } else {
      for (const next of input) {
        const written = this.#output.write(toElement(next));
        if (written !== WRITTEN) await written;
      }
    }
  }
}

function toElement(given: StreamElement | string): StreamElement {
  return typeof given === "string" ? textElement(given) : given;
}
