import { abortable } from "../base/abortable.ts";
import { GeppettoError, toErrorRecord } from "../shared/errors.ts";
import type { ErrorRecord } from "../shared/frames.ts";
import {
  appendDelta,
  resultText,
  type EventMeta,
  type EventStep,
  type RunMetadata,
  type StepEvent,
} from "../shared/step-events.ts";
import { GuestFailure } from "./guest-failure.ts";
import type { Step, StepContext, StepEmission } from "./step.ts";

export interface StepRunOptions {
  id: string;
  step: Step;
  /** Publishes one event; resolves when there is room for the next. */
  publish(event: StepEvent, error?: ErrorRecord): Promise<void>;
  /** Resolves when every event published so far has been delivered to the one who started the run. */
  delivered(): Promise<void>;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls a function of the one who started the run. */
  callGuest?(name: string, args: unknown, signal: AbortSignal): Promise<unknown>;
}

/** How a run ended. */
export type RunEnd = { type: "final"; results: unknown[] } | { type: "error"; error: unknown } | { type: "interrupt" };

/** What of an event is its own: all but the fields that every event has. */
type Fields<E extends StepEvent = StepEvent> = E extends StepEvent ? Omit<E, "meta" | "step" | "seq" | "time"> : never;

/**
 * One execution of a step: publishes start, what the step emits, and exactly one terminal event. The terminal event
 * waits until everything before it is delivered, so that until then a cancel can still make it an interrupt.
 */
export class StepRun {
  readonly id: string;
  readonly #options: StepRunOptions;
  readonly #controller = new AbortController();
  readonly #meta: EventMeta;
  readonly #metadata: RunMetadata;
  #seq = 0;
  #partials = 0;
  #completion = "";
  #deliveredChars: number | undefined;
  #ended = false;

  constructor(options: StepRunOptions) {
    this.#options = options;
    this.id = options.id;
    const { type, inputType, outputType } = options.step.info;
    this.#meta = { messageId: options.id, parentId: "", engine: "" };
    this.#metadata = { stepId: options.id, type, inputType, outputType, startedAt: options.now() };
  }

  /** Runs to the end. Never rejects: how it ended is the value and the last event. */
  async execute(readInput: () => unknown): Promise<RunEnd> {
    const end = await this.#work(readInput);
    const settled = this.#controller.signal.aborted && end.type !== "error" ? { type: "interrupt" as const } : end;
    this.#ended = true;
    try {
      await this.#publishEnd(settled);
      return settled;
    } catch (error) {
      // Results that cannot be handed over.
      this.#seq--;
      await this.#publishError(error);
      return { type: "error", error };
    }
  }

  /**
   * Cancels the run. False when it has ended already.
   *
   * @param deliveredChars how much of the text the one who cancels has seen; default all that was published.
   */
  cancel(reason: unknown, deliveredChars?: number): boolean {
    if (this.#ended || this.#controller.signal.aborted) return false;
    this.#deliveredChars = deliveredChars;
    this.#controller.abort(reason);
    return true;
  }

  async #work(readInput: () => unknown): Promise<RunEnd> {
    const { signal } = this.#controller;
    try {
      await this.#publish({ type: "start" });
      const results = await this.#collect(readInput());
      await abortable(this.#options.delivered(), signal);
      return { type: "final", results };
    } catch (error) {
      return signal.aborted ? { type: "interrupt" } : { type: "error", error };
    }
  }

  async #collect(input: unknown): Promise<unknown[]> {
    const { signal } = this.#controller;
    const { step } = this.#options;
    const context: StepContext = {
      runId: this.id,
      signal,
      metadata: this.#metadata,
      meta: this.#meta,
      publish: (emission) => this.#emit(emission),
      callGuest: async (name, args) => {
        const { callGuest } = this.#options;
        if (callGuest === undefined) throw new GeppettoError("StepError", `Cannot call "${name}": nobody gave it`);
        return callGuest(name, args, signal);
      },
    };
    const results: unknown[] = [];
    const iterator = step.run(input, context)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await abortable(iterator.next(), signal);
        if (next.done === true) return results;
        results.push(next.value);
        if (step.info.kind === "list") await this.#emit({ type: "partial", delta: resultText(next.value), result: next.value });
      }
    } catch (error) {
      // A step that ignores its signal must not hold up the interrupt, nor its late failure go unheard as a rejection.
      iterator.return?.().then(undefined, () => {});
      throw error;
    }
  }

  async #emit(emission: StepEmission & { result?: unknown }): Promise<void> {
    const { signal } = this.#controller;
    signal.throwIfAborted();
    if (emission.type !== "partial") return this.#publish(emission);
    this.#completion = appendDelta(this.#options.step.info.kind, this.#completion, emission.delta, this.#partials++ === 0);
    await abortable(this.#publish({ ...emission, completion: this.#completion }), signal);
  }

  #publish(fields: Fields, error?: ErrorRecord): Promise<void> {
    const now = this.#options.now();
    const { stepId, type, inputType, outputType } = this.#metadata;
    const step: EventStep = { stepId, type, inputType, outputType, metadata: { ...this.#metadata } };
    const event = { ...fields, meta: { ...this.#meta }, step, seq: this.#seq++, time: now } as StepEvent;
    return this.#options.publish(event, error);
  }

  async #publishEnd(end: RunEnd): Promise<void> {
    this.#metadata.durationMs = Math.max(0, this.#options.now() - this.#metadata.startedAt);
    this.#metadata.eventCount = this.#seq + 1;
    if (end.type === "final") await this.#publish(this.#final(end.results));
    else if (end.type === "interrupt") await this.#publish({ type: "interrupt", text: this.#deliveredText() });
    else await this.#publishError(end.error);
  }

  #publishError(error: unknown): Promise<void> {
    const record = errorRecord(error);
    return this.#publish({ type: "error", error: record.message, code: record.code ?? "ERR_STEP" }, record);
  }

  #final(results: unknown[]): Fields {
    const { kind } = this.#options.step.info;
    const result = kind === "list" ? results : results[0];
    const text = kind === "single" ? resultText(result) : this.#completion;
    return { type: "final", text, result, results };
  }

  #deliveredText(): string {
    return this.#completion.slice(0, this.#deliveredChars ?? this.#completion.length);
  }
}

function errorRecord(error: unknown): ErrorRecord {
  if (error instanceof GuestFailure) return { code: "ERR_STEP", ...error.record };
  if (error instanceof GeppettoError) return toErrorRecord(error);
  const message = error instanceof Error ? error.message : String(error);
  return toErrorRecord(new GeppettoError("StepError", message));
}
