import { abortable } from "../base/abortable.ts";
import { optional } from "../base/calls/call-back.ts";
import { bothOf, createDeferred, type Deferred } from "../base/deferred.ts";
import { estimateBytes } from "../base/estimate-bytes.ts";
import { LazyAbort, onAbort } from "../base/calls/lazy-abort.ts";
import { ATTRIBUTES } from "../base/telemetry/conventions.ts";
import { currentTelemetry, type SpanFailure, type TraceSpan } from "../base/telemetry/trace.ts";
import { countedValues, timeSource } from "../base/time/time-source.ts";
import { untilAborted } from "../base/until-aborted.ts";
import { GeppettoError, toErrorRecord } from "../shared/errors.ts";
import type { ErrorRecord } from "../shared/frames.ts";
import {
  isTerminal,
  resultText,
  type EventMeta,
  type EventStep,
  type RunMetadata,
  type StepEvent,
} from "../shared/step-events.ts";
import { GuestFailure } from "./guest-failure.ts";
import { dropAdded, inheritMetadata } from "./run-metadata.ts";
import { noteContinuation, RunText } from "./run-text.ts";
import {
  checkedEmission,
  type Result,
  type StepContext,
  type StepEmission,
  type StepResult,
  type StepSource,
} from "./step.ts";

/** Where counting what a result takes stops: no limit lets that pass. */
const MAX_RESULT_BYTES = 256e6;

export interface StepRunOptions {
  id: string;
  source: StepSource;
  /** The run inside which this one was started. */
  parentRunId?: string;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Cancels the run. */
  signal?: AbortSignal;
  /**
   * Publishes one event; resolves when there is room for the next, undefined where there is. Throws at once for an event
   * that cannot be handed over. Either that or a rejection fails the run. When the last event has been handed over, a
   * rejection changes nothing.
   */
  publish?(event: StepEvent, error?: ErrorRecord): Promise<unknown> | undefined;
  /**
   * Passes over an event that nobody would get, before it is made: true where that was so. Only then it is not to be
   * published.
   */
  passOver?(type: StepEvent["type"]): boolean;
  /** Resolves when every event published so far has been delivered to the one who started the run; undefined where all have. */
  delivered?(): Promise<void> | undefined;
  /** Hears how many characters of results and text the run holds in addition. Throws when it may not hold that many. */
  reserve?(chars: number): void;
  /** Calls a function of the one who started the run. */
  callGuest?(name: string, args: unknown, abort: LazyAbort): Promise<unknown>;
}

/** How a run ended. */
type RunEnd = { type: "final"; results: unknown[] } | { type: "error"; error: unknown } | { type: "interrupt" };

/** What of an event is its own: all but the fields that every event has. */
type Fields<E extends StepEvent = StepEvent> = E extends StepEvent ? Omit<E, "meta" | "step" | "seq" | "time"> : never;

/**
 * One execution of a step, whoever started it: publishes start, what the step emits, and exactly one terminal event. The
 * terminal event waits until everything before it is delivered, so that until then a cancel can still make it an
 * interrupt.
 */
export class StepRun<O = unknown> implements StepResult<O> {
  readonly id: string;
  readonly #options: StepRunOptions;
  readonly #abort = new LazyAbort();
  readonly #abandoned = new LazyAbort();
  readonly #meta: EventMeta;
  readonly #metadata: RunMetadata;
  readonly #results: unknown[] = [];
  #span: TraceSpan | undefined;
  #seq = 0;
  readonly #text: RunText;
  #firstText = "";
  #deliveredChars: number | undefined;
  /** Decided: no cancel changes it any more. */
  #over = false;
  /** What {@link fail} ended it with. */
  #failure: GeppettoError | undefined;
  #end: RunEnd | undefined;
  /** Resolved when there is a further result, or the end; there where somebody waits for that. */
  #news: Deferred<void> | undefined;

  constructor(options: StepRunOptions) {
    this.#options = options;
    this.id = options.id;
    const { type, inputType, outputType, kind } = options.source.info;
    this.#text = new RunText(kind);
    this.#meta = { messageId: options.id, parentId: "", engine: "" };
    this.#metadata = { stepId: options.id, type, inputType, outputType, startedAt: options.now() };
  }

  /** Aborted when the run is cancelled or fails. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get isAborted(): boolean {
    return this.#abort.aborted;
  }

  /** Calls the listener when the run is cancelled or fails, unless it was before. Returns what ends that. */
  onAbort(listener: () => void): () => void {
    return onAbort(this.#abort, listener);
  }

  /** The model that answers; "" where there is none, or it is not known yet. */
  get engine(): string {
    return this.#meta.engine;
  }

  /** What is told of the run, where somebody hears of it. */
  get span(): TraceSpan | undefined {
    return this.#span;
  }

  /** Runs to the end. Never rejects: how it ended is in the results and in the last event. */
  async execute(readInput: () => unknown): Promise<void> {
    const { stepId, type } = this.#metadata;
    const attributes = { [ATTRIBUTES.stepType]: type, [ATTRIBUTES.stepId]: stepId };
    const span = (this.#span = currentTelemetry()?.start({ name: `step ${type}`, attributes }));
    if (span === undefined) return this.#execute(readInput);
    await span.run(() => this.#execute(readInput));
    span.end(failureOf(this.#end));
  }

  async #execute(readInput: () => unknown): Promise<void> {
    const { signal } = this.#options;
    const onAbort = (): void => void this.cancel(signal?.reason);
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      this.#end = await this.#conclude(await this.#work(readInput));
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#tell();
    }
  }

  /**
   * Cancels the run. False when it has ended already.
   *
   * @param deliveredChars how much of the text the one who cancels has seen; default all that was published.
   */
  cancel(reason: unknown = cancelled(), deliveredChars?: number): boolean {
    if (this.#over || this.#abort.aborted) return false;
    this.#deliveredChars = deliveredChars;
    this.#abort.abort(reason);
    return true;
  }

  /** Ends the run with this error. False when it has ended already. */
  fail(error: GeppettoError): boolean {
    if (this.#over || this.#abort.aborted) return false;
    this.#failure = error;
    this.#abort.abort(error);
    return true;
  }

  /** Cancels the run, and waits no longer for whoever has no room for its last event. */
  abandon(): void {
    this.cancel();
    this.#abandoned.abort(cancelled());
  }

  async return(): Promise<Result<O>[]> {
    const all: Result<O>[] = [];
    for await (const result of this.getChannel()) all.push(result);
    return all;
  }

  async *getChannel(): AsyncGenerator<Result<O>> {
    for (let next = 0; ;) {
      if (next < this.#results.length) yield { ok: true, value: this.#results[next++] as O };
      else if (this.#end === undefined) await (this.#news ??= createDeferred()).promise;
      else {
        if (this.#end.type !== "final") yield { ok: false, error: this.#errorOf(this.#end) };
        return;
      }
    }
  }

  getMetadata(): RunMetadata {
    return { ...this.#metadata };
  }

  /** Takes over what an event of a run inside this one has told. */
  inherit({ type, meta, step }: StepEvent): void {
    if (this.#end !== undefined) return;
    // A text that is handed through is the inner run's message, from its first piece on.
    if (this.#options.source.info.kind === "text" && type !== "start" && this.#text.partials === 0) {
      Object.assign(this.#meta, meta);
    }
    if (isTerminal(type)) inheritMetadata(this.#metadata, step.metadata);
  }

  /** Publishes what the step emits. Rejects once the run is cancelled, with the reason, or has ended. */
  async emit(emission: StepEmission & { result?: unknown }): Promise<void> {
    this.#abort.throwIfAborted();
    if (this.#over) throw new GeppettoError("StepError", "Cannot publish an event: the run has ended");
    const { reserve } = this.#options;
    if (emission.type === "partial" || emission.type === "reasoning") reserve?.(emission.delta.length);
    if (emission.type !== "partial") {
      await this.#publish(emission);
      return;
    }
    const completion = this.#text.add(emission.delta, !("result" in emission));
    const published = this.#publish({ ...emission, completion });
    if (published === undefined) this.#abort.throwIfAborted();
    else await abortable(published, this.#abort);
  }

  async #work(readInput: () => unknown): Promise<RunEnd> {
    try {
      let input: unknown;
      let failure: { error: unknown } | undefined;
      try {
        input = readInput();
        Object.assign(this.#meta, this.#options.source.metaFor?.(input));
      } catch (error) {
        failure = { error };
      }
      const published = this.#publish({ type: "start" });
      if (published === undefined) this.#abort.throwIfAborted();
      else await abortable(published, this.#abort);
      if (failure !== undefined) throw failure.error;
      await this.#collect(input);
      const delivered = this.#options.delivered?.();
      if (delivered !== undefined) await abortable(delivered, this.#abort);
      this.#abort.throwIfAborted();
      this.#over = true;
      return { type: "final", results: this.#results };
    } catch (error) {
      const isAborted = this.#abort.aborted;
      this.#over = true;
      if (!isAborted) return { type: "error", error };
      return this.#failure === undefined ? { type: "interrupt" } : { type: "error", error: this.#failure };
    }
  }

  async #collect(input: unknown): Promise<void> {
    const { source } = this.#options;
    const context = this.#context();
    if (source.drive !== undefined && !timeSource().isVirtual) {
      await abortable(
        source.drive(context, (value) => this.#takeUnlessAborted(value)),
        this.#abort,
      );
      return;
    }
    // A step that ignores its signal must not hold up the interrupt, nor its late failure go unheard as a rejection.
    for await (const value of untilAborted(countedValues(source.run(input, context)), this.signal)) {
      const taken = this.#take(value);
      if (taken !== undefined) await taken;
      this.#abort.throwIfAborted();
    }
  }

  /** What the step may use. */
  #context(): StepContext {
    const abort = this.#abort;
    const { callGuest, reserve } = this.#options;
    const time = timeSource();
    return {
      runId: this.id,
      get signal() {
        return abort.signal;
      },
      metadata: this.#metadata,
      meta: this.#meta,
      // A step need not wait for it, and the run may be cancelled at any time.
      publish: (emission) => optional(time.parked(async () => this.emit(checkedEmission(emission)))),
      reserve: (bytes) => reserve?.(bytes),
      callGuest: async (name, args) => {
        if (callGuest === undefined)
          throw new GeppettoError("StepError", `Cannot call "${name}": the run has no such function`);
        return time.parked(() => callGuest(name, args, abort));
      },
    };
  }

  /** What comes of a step that goes on after an abort is nobody's. */
  #takeUnlessAborted(value: unknown): Promise<void> | undefined {
    this.#abort.throwIfAborted();
    return this.#take(value);
  }

  /** Takes a result; undefined where the next one may come at once. */
  #take(value: unknown): Promise<void> | undefined {
    const { reserve } = this.#options;
    const text = this.#text.kind === "text" ? "" : resultText(value);
    if (reserve !== undefined) {
      const beyond = beyondText(value, text);
      if (beyond > 0) reserve(beyond);
    }
    if (this.#results.push(value) === 1) this.#firstText = text;
    this.#tell();
    if (this.#text.kind === "single") {
      if (this.#results.length === 1) {
        reserve?.(text.length);
        return undefined;
      }
      // One that yields again gives a list, of which the first result has not been told.
      this.#text.turnIntoList();
      reserve?.(-this.#firstText.length);
      return this.#tellBoth(text, value);
    }
    return this.#text.kind === "list" ? this.#tellResult(text, value) : undefined;
  }

  async #tellBoth(text: string, value: unknown): Promise<void> {
    await this.#tellResult(this.#firstText, this.#results[0]);
    await this.#tellResult(text, value);
  }

  #tellResult(text: string, result: unknown): Promise<void> {
    return this.emit({ type: "partial", delta: this.#text.restOf(text), result });
  }

  /** Publishes the last event, whatever the step has left of it: results that cannot be handed over make it an error. */
  async #conclude(end: RunEnd): Promise<RunEnd> {
    // Whatever still works for a run that has failed can stop.
    if (end.type === "error") this.#abort.abort(end.error);
    this.#metadata.durationMs = Math.max(0, this.#options.now() - this.#metadata.startedAt);
    this.#metadata.eventCount = this.#seq + 1;
    let last = end;
    let refusal = await this.#publishLast(last);
    if (refusal !== undefined && last.type === "final") {
      last = { type: "error", error: refusal.reason };
      this.#abort.abort(refusal.reason);
      refusal = await this.#publishLast(last);
    }
    if (refusal !== undefined) {
      dropAdded(this.#metadata);
      await this.#publishLast(last);
    }
    return last;
  }

  /** Says why the event could not be handed over; undefined when it could. */
  async #publishLast(end: RunEnd): Promise<{ reason: unknown } | undefined> {
    const seq = this.#seq;
    try {
      const published = this.#publishEnd(end);
      if (published !== undefined) await abortable(published, this.#abandoned);
    } catch (reason) {
      // What becomes of an event that is on its way is nothing to a run that has ended.
      if (this.#seq === seq) return { reason };
    }
    return undefined;
  }

  #publishEnd(end: RunEnd): Promise<unknown> | undefined {
    if (end.type === "final") return this.#publish(this.#final(end.results));
    if (end.type === "interrupt") return this.#publish({ type: "interrupt", text: this.#deliveredText() });
    const record = errorRecord(end.error);
    return this.#publish({ type: "error", error: record.message, code: record.code ?? "ERR_STEP" }, record);
  }

  /** Undefined where the next event may follow at once. */
  #publish(fields: Fields, error?: ErrorRecord): Promise<unknown> | undefined {
    const { now, publish, source, passOver, parentRunId } = this.#options;
    if (source.onEvent === undefined && passOver?.(fields.type) === true) {
      this.#seq++;
      return undefined;
    }
    const { stepId, type, inputType, outputType } = this.#metadata;
    const step: EventStep = {
      stepId,
      type,
      inputType,
      outputType,
      metadata: { ...this.#metadata },
      ...(parentRunId === undefined ? {} : { parentRunId }),
    };
    const event: StepEvent = { ...fields, meta: { ...this.#meta }, step, seq: this.#seq, time: now() };
    if (event.type === "partial") noteContinuation(event, this.#text.continuation);
    const published = publish?.(event, error);
    // Counted once it is on its way: what cannot be handed over leaves no gap.
    this.#seq++;
    return bothOf(published, source.onEvent?.(event));
  }

  #final(results: unknown[]): Fields {
    const { kind } = this.#text;
    const result = kind === "list" ? results : results[0];
    const text = kind === "single" ? this.#firstText : this.#text.completion;
    return { type: "final", text, result, results };
  }

  #deliveredText(): string {
    return this.#text.completion.slice(0, Math.max(0, this.#deliveredChars ?? Infinity));
  }

  #tell(): void {
    this.#news?.resolve();
    this.#news = undefined;
  }

  #errorOf(end: RunEnd): Error {
    const error = end.type === "error" ? end.error : this.#abort.reason;
    return error instanceof Error ? error : new GeppettoError("StepError", toErrorRecord(error).message);
  }
}

/** Why a run has no result, for those who hear of it. */
function failureOf(end: RunEnd | undefined): SpanFailure | undefined {
  if (end?.type === "final") return undefined;
  return { error: end?.type === "error" ? errorRecord(end.error) : cancelled() };
}

function cancelled(): GeppettoError {
  return new GeppettoError("AbortError", "The run was cancelled");
}

function errorRecord(error: unknown): ErrorRecord {
  if (error instanceof GuestFailure) return { code: "ERR_STEP", ...error.record };
  if (error instanceof GeppettoError) {
    const record = toErrorRecord(error);
    if (error.cause instanceof GuestFailure) record.cause = error.cause.record;
    return record;
  }
  return toErrorRecord(new GeppettoError("StepError", toErrorRecord(error).message));
}

/** What a result takes to keep beyond its text, in characters: a Map's says nothing of what is in it, `[[],[],[]]` too little. */
function beyondText(value: unknown, text: string): number {
  if (typeof value !== "object" || value === null) return 0;
  return Math.max(0, estimateBytes(value, MAX_RESULT_BYTES) - text.length);
}
