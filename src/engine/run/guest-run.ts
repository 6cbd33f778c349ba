import { bothOf, createDeferred, type Deferred } from "../../base/deferred.ts";
import type { TraceSpan } from "../../base/telemetry/trace.ts";
import { timeSource } from "../../base/time/time-source.ts";
import { PUBLISHED, type Bus } from "../../events/bus.ts";
import { MemoryPubSub } from "../../events/memory-pub-sub.ts";
import { SEQUENCE_NUMBER } from "../../events/message.ts";
import type { RunStart, WaitAnswer } from "../../shared/contract/runs.ts";
import { GeppettoError } from "../../shared/errors.ts";
import type { ErrorRecord, Outcome } from "../../shared/frames.ts";
import {
  isTerminal,
  toEventFrame,
  type EventFrame,
  type EventMeta,
  type StepEvent,
  type StepInfo,
} from "../../shared/step-events.ts";
import { GuestFailure } from "../../steps/guest-failure.ts";
import { StepRun } from "../../steps/step-run.ts";
import type { StepEmission, StepSource } from "../../steps/step.ts";
import type { EntryQueue } from "../entry-queue.ts";
import type { Ledger } from "../ledger.ts";
import { eventBytes, toEmission } from "./event-forwarding.ts";
import { createCarrier, GuestCalls } from "./guest-calls.ts";
import { GuestMailbox } from "./guest-mailbox.ts";
import type { GuestStep } from "./guest-step.ts";
import { createDelivery, type RunDelivery } from "./run-delivery.ts";

/** A run as the guest has asked for it, parsed. */
export interface StartRequest extends Omit<RunStart, "info" | "interception"> {
  info: StepInfo;
  /** Length of the request, in characters. */
  chars: number;
  interception?: { name: string; args: unknown };
}

/** What a run executes. */
export interface RunParts {
  source: StepSource;
  /** The half of the step that is in the guest, where it has one. */
  body: GuestStep | undefined;
  parent: GuestRun | undefined;
}

/** What all runs of an engine share. */
export interface RunSurroundings {
  bus: Bus;
  queue: EntryQueue;
  ledger: Ledger;
  /** Told of each event, before it is published; the run waits for the promise. */
  onEvent(event: StepEvent): Promise<void> | undefined;
  /** Counts an event that only the bus might carry; false where somebody else hears of events. */
  passOver(): boolean;
  /** Sees the record of every error event that goes to the guest. */
  onError(record: ErrorRecord): void;
  /** The bus has not taken an event of this topic. */
  onUnpublished(topic: string, error: unknown): void;
  now(): number;
}

/**
 * A run that the guest has started: a step run, whose events go to the guest and, beside that, to its topic on the bus.
 * What becomes of them there is nothing to the guest, but that a bus without room slows the run.
 */
export class GuestRun {
  readonly #request: StartRequest;
  readonly #surroundings: RunSurroundings;
  readonly #topic: string;
  readonly #run: StepRun;
  readonly #step: StepSource;
  readonly #body: GuestStep | undefined;
  readonly #parent: GuestRun | undefined;
  readonly #mailbox = new GuestMailbox();
  readonly #delivery: RunDelivery;
  readonly #calls: GuestCalls;
  #isOver = false;
  #forwards: boolean;
  /** Resolves when it is known whether the run forwards. */
  #decision: Deferred<void> | undefined;
  #giveBack: (() => void) | undefined;
  /** Keeps the script going. */
  #release: (() => void) | undefined;
  /** What the guest knows of the events' meta. */
  #sentMeta: EventMeta | undefined;

  /** @param reserve counts characters that the host keeps for the run; throws where they are too many */
  constructor(
    request: StartRequest,
    { source, body, parent }: RunParts,
    surroundings: RunSurroundings,
    reserve: (chars: number) => void,
  ) {
    this.#request = request;
    this.#step = source;
    this.#body = body;
    this.#parent = parent;
    this.#forwards = request.forwards === true;
    this.#decision = request.isUndecided === true ? createDeferred() : undefined;
    this.#surroundings = surroundings;
    const { id, delivery } = request;
    this.#topic = `step.${id}`;
    const { queue, now } = surroundings;
    const way = { id, queue, mailbox: this.#mailbox };
    this.#delivery = createDelivery(delivery, { ...way, onChange: () => this.#hold() });
    this.#calls = new GuestCalls(createCarrier(delivery, way), body !== undefined && request.hasBegun === true);
    this.#run = new StepRun({
      id,
      source,
      now,
      publish: (event, error) => this.#publish(event, error),
      passOver: (type) => this.#passOver(type),
      delivered: () => (this.#delivery.isIdle ? undefined : this.#delivery.idle()),
      reserve,
      ...(request.parent === undefined ? {} : { parentRunId: request.parent }),
      callGuest: (name, args, abort) => this.#calls.call(name, args, abort),
    });
  }

  /** Aborted when the run is cancelled or fails. */
  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get isAborted(): boolean {
    return this.#run.isAborted;
  }

  onAbort(listener: () => void): () => void {
    return this.#run.onAbort(listener);
  }

  /** The span of a call that it has made of the guest, or of itself. */
  spanOf(callId: number): TraceSpan | undefined {
    return this.#calls.spanOf(callId) ?? this.#run.span;
  }

  /** What runs, and which model answers where that is known: "chat (gpt-5-mini)". */
  describe(): string {
    const { type } = this.#step.info;
    const engine = this.#run.engine;
    return engine === "" ? type : `${type} (${engine})`;
  }

  /** Runs to the end; resolves when the last event has been delivered. */
  async execute(): Promise<void> {
    const { failed, input, chars } = this.#request;
    this.#giveBack = this.#surroundings.ledger.reserve(chars);
    this.#hold();
    const stopWatching = this.#watch();
    await this.#run.execute(() => {
      if (failed !== undefined) throw new GuestFailure(failed);
      return input;
    });
    stopWatching();
    // The last event is not asked for: when it has arrived the run is over.
    this.#delivery.stopPulling();
    await this.#delivery.idle();
    this.#isOver = true;
    this.#giveBackArguments();
    this.#hold();
  }

  /** The arguments are kept no more, once. */
  #giveBackArguments(): void {
    this.#giveBack?.();
    this.#giveBack = undefined;
  }

  /** Nobody will take what is still to come. */
  abandon(): void {
    this.#run.abandon();
    this.#delivery.close();
  }

  /** The guest has consumed this many more events. */
  ack(count: number): void {
    this.#delivery.ack(count);
  }

  /** Are its pieces of text its parent's too? */
  decide(forwards: boolean): void {
    if (this.#decision === undefined) return;
    this.#forwards ||= forwards;
    this.#decision.resolve();
    this.#decision = undefined;
  }

  cancel(deliveredChars?: number): boolean {
    const accepted = this.#run.cancel(undefined, deliveredChars);
    if (accepted) this.#delivery.stopPulling();
    return accepted;
  }

  /** The guest has answered a call. */
  answer(callId: number, outcome: Outcome): void {
    this.#calls.answer(callId, outcome);
  }

  /** The guest waits: resolves with what it is told next. */
  wait(): Promise<WaitAnswer> {
    return this.#mailbox.next();
  }

  /** Keeps the script going as long as the run may wake it. */
  #hold(): void {
    if (!this.#isOver && this.#delivery.mayWake) this.#release ??= this.#surroundings.ledger.hold("run");
    else {
      this.#release?.();
      this.#release = undefined;
    }
  }

  /** Ends the run with its parent, and in time. Returns what stops the watching. */
  #watch(): () => void {
    const { timeoutMs } = this.#request;
    const parent = this.#parent;
    if (parent?.isAborted === true) this.cancel();
    const forget = parent?.onAbort(() => this.cancel());
    const stop = timeoutMs === undefined ? undefined : timeSource().after(timeoutMs, () => this.#timeOut(timeoutMs));
    return () => {
      stop?.();
      forget?.();
    };
  }

  #timeOut(ms: number): void {
    const message = `Cannot finish the step "${this.#step.info.type}": it took more than ${ms} ms`;
    const failed = this.#run.fail(new GeppettoError("TimeoutError", message, { isTransient: true }));
    if (failed) this.#delivery.stopPulling();
  }

  /**
   * Resolves when guest and bus have room for the next event, and the parent has taken this one; undefined where that is
   * so already.
   *
   * @throws {GeppettoError} at once, for an event that cannot cross to the guest.
   */
  #publish(event: StepEvent, error: ErrorRecord | undefined): Promise<unknown> | undefined {
    const { onEvent, onError } = this.#surroundings;
    const time = timeSource();
    const heard = time.heard(() => onEvent(event));
    if (error !== undefined) onError(error);
    // With the last event the guest may start another run in the place of this one.
    if (isTerminal(event.type)) this.#giveBackArguments();
    const bytes = eventBytes(event);
    const parent = this.#parent;
    const { forwards, inherits } = this.#request;
    const emission = parent === undefined && forwards !== true ? undefined : toEmission(event);
    // Of a run that forwards its guest wants no more than the results and the end.
    const isUnwanted = this.#delivery.lastOnly || (forwards === true && emission !== undefined);
    const delivered =
      isUnwanted && !isTerminal(event.type) ? undefined : this.#delivery.send(this.#toFrame(event, error), bytes);
    const onBus = time.heard(() => this.#toBus(event, bytes));
    const taken = bothOf(delivered, bothOf(onBus, heard));
    if (inherits === true) parent?.inherit(event);
    const mayForward = emission !== undefined && (this.#forwards || this.#decision !== undefined);
    return mayForward && parent !== undefined ? this.#forwarded(taken, parent, emission) : taken;
  }

  /** A start or a result that the guest does not want, and of which nobody else hears: most are, of runs inside others too. */
  #passOver(type: StepEvent["type"]): boolean {
    const isNobodys =
      this.#delivery.lastOnly && (type === "start" || (type === "partial" && this.#parent === undefined));
    return isNobodys && MemoryPubSub.isUnheard(this.#surroundings.bus, this.#topic) && this.#surroundings.passOver();
  }

  async #forwarded(taken: Promise<unknown> | undefined, parent: GuestRun, emission: StepEmission): Promise<void> {
    await taken;
    await this.#decision?.promise;
    if (!this.#forwards) return;
    // The results before it go to the parent through the guest.
    if (this.#step.info.kind === "list") await this.#delivery.idle();
    // A parent that has ended ends this run too; that is soon enough.
    await parent.emit(emission, this.#request.part).catch(() => {});
  }

  /** Takes over what an event of a run inside this one has told. */
  inherit(event: StepEvent): void {
    this.#run.inherit(event);
  }

  /** Publishes as this run's own what a run inside it has published. */
  async emit(emission: StepEmission, part: number | undefined): Promise<void> {
    await (this.#body === undefined ? this.#run.emit(emission) : this.#body.emit(emission, part));
  }

  /** Undefined where the bus has taken the event at once. */
  #toBus(event: StepEvent, bytes: number): Promise<void> | undefined {
    const { bus, onUnpublished } = this.#surroundings;
    try {
      const published = bus.publish(this.#topic, event, { bytes, metadata: this.#topicMetadata(event) });
      return published === PUBLISHED ? undefined : this.#taken(published);
    } catch (error) {
      onUnpublished(this.#topic, error);
      return undefined;
    }
  }

  /** Resolves when the bus has taken an event, or has not. */
  async #taken(published: Promise<void>): Promise<void> {
    try {
      await published;
    } catch (error) {
      this.#surroundings.onUnpublished(this.#topic, error);
    }
  }

  #topicMetadata({ seq }: StepEvent): Record<string, string> {
    const { parent } = this.#request;
    const metadata: Record<string, string> = { [SEQUENCE_NUMBER]: String(seq) };
    if (parent !== undefined) metadata["parentRunId"] = parent;
    const { span } = this.#run;
    return span === undefined ? metadata : { ...metadata, ...span.headers() };
  }

  #toFrame(event: StepEvent, error: ErrorRecord | undefined): EventFrame {
    // The guest has results of its own, and better than any copy.
    const frame = toEventFrame(event, error, this.#body?.hasBegun === true);
    const { messageId, engine } = event.meta;
    // A partial leaves meta out where the guest has it already.
    if (messageId !== this.#sentMeta?.messageId || engine !== this.#sentMeta.engine) {
      this.#sentMeta = event.meta;
      frame.meta = event.meta;
    }
    return frame;
  }
}
