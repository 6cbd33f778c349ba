import { createDeferred, type Deferred } from "../../base/deferred.ts";
import type { Subscription } from "../../events/bus.ts";
import { encodeValue } from "../../shared/codec.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { FRAME_VERSION, type ErrorRecord, type Outcome, type Frame } from "../../shared/frames.ts";
import { toEventFrame, type EventFrame, type EventMeta, type StepEvent } from "../../shared/step-events.ts";
import { GuestFailure } from "../../steps/guest-failure.ts";
import type { StepEmission, StepSource } from "../../steps/step.ts";
import { StepRun } from "../../steps/step-run.ts";
import type { GuestStep } from "./guest-step.ts";
import type { RunManagerOptions } from "./run-manager.ts";

export interface StartRequest {
  id: string;
  step: string;
  /**
   * What crosses to the guest: every event, acked when its callback has returned ("events") or when the guest says so
   * ("pull"); the last one only ("result"); or that as the answer to a blocking wait ("wait").
   */
  want: "events" | "pull" | "result" | "wait";
  input?: unknown;
  /** What it weighs, in characters. */
  chars: number;
  /** Why there is no input: the run fails with this. */
  failed?: ErrorRecord;
  /** The run inside which this one was started: when that one is cancelled or fails, this one is cancelled. */
  parent?: string;
  /** This run is part of its parent's work: what it finds out (usage, engine …) is in the parent's metadata too. */
  inherits?: boolean;
  /** Its pieces of text and tool events are its parent's too. */
  forwards?: boolean;
  /** When it is to fail with a TimeoutError, in milliseconds from its start. */
  timeoutMs?: number;
  /** What a feature of the host's is to put around the step for this run. */
  interceptor?: { name: string; args: unknown };
}

/** What a run executes. */
export interface RunParts {
  source: StepSource;
  /** The half of the step that is in the guest, where it has one. */
  body: GuestStep | undefined;
  parent: GuestRun | undefined;
}

/** What a guest that waits for a run is told: call this function of yours and wait again, or how the run ended. */
export type WaitAnswer = { call: GuestCall } | { event: unknown };

/** A function of the guest's that a run needs: of a step that the guest made, or a tool. */
export interface GuestCall {
  callId: number;
  name: string;
  args: unknown;
}

export interface GuestRunOptions extends RunManagerOptions {
  reserve(chars: number): void;
}

/**
 * A run that the guest has started: a step run, the topic that its events are published on, and the way of those events
 * and of the calls that the step makes back into the guest.
 */
export class GuestRun {
  readonly #request: StartRequest;
  readonly #options: GuestRunOptions;
  readonly #run: StepRun;
  readonly #step: StepSource;
  readonly #body: GuestStep | undefined;
  readonly #parent: GuestRun | undefined;
  readonly #subscription: Subscription<StepEvent>;
  /** What goes to the guest for each event that is under way, in order; nothing where the guest does not want it. */
  readonly #parcels: (Frame | undefined)[] = [];
  readonly #calls = new Map<number, Deferred<unknown>>();
  /** For a guest that waits: what it is told next. */
  readonly #answers: WaitAnswer[] = [];
  #waiter: Deferred<void> | undefined;
  /** For a guest that waits: resolved when it has been told how the run ended. */
  readonly #told = createDeferred();
  /** For a guest that pulls: the acks of what it has been sent, in order. */
  readonly #unacked: (() => void)[] = [];
  #pulls: boolean;
  /** Events on their way into the guest, each a turn. */
  #entering = 0;
  #isOver = false;
  /** Keeps the script going. */
  #release: (() => void) | undefined;
  /** What the guest knows of the events' meta. */
  #sentMeta: EventMeta | undefined;
  #nextCallId = 1;

  constructor(request: StartRequest, { source, body, parent }: RunParts, options: GuestRunOptions) {
    this.#request = request;
    this.#step = source;
    this.#body = body;
    this.#parent = parent;
    this.#pulls = request.want === "pull";
    this.#options = options;
    const topic = `step.${request.id}`;
    this.#subscription = options.bus.subscribe<StepEvent>(topic);
    this.#run = new StepRun({
      id: request.id,
      source,
      now: options.now,
      publish: (event, error) => {
        options.onEvent();
        this.#parcels.push(this.#toParcel(event, error));
        const published = options.bus.publish(topic, event, { bytes: eventBytes(event) });
        return this.#request.inherits === true ? this.#tellParent(event, published) : published;
      },
      delivered: () => this.#subscription.idle(),
      reserve: options.reserve,
      callGuest: (name, args, signal) => this.#callGuest(name, args, signal),
    });
  }

  /** Aborted when the run is cancelled or fails. */
  get signal(): AbortSignal {
    return this.#run.signal;
  }

  /** What runs, and which model answers where that is known: "chat (gpt-5-mini)". */
  describe(): string {
    const { type } = this.#step.info;
    const engine = this.#run.engine;
    return engine === "" ? type : `${type} (${engine})`;
  }

  /** Runs to the end; resolves when the last event has been delivered and the topic is gone. */
  async execute(): Promise<void> {
    const { failed, input, chars } = this.#request;
    const giveBack = this.#options.ledger.reserve(chars);
    this.#hold();
    const delivery = this.#deliver();
    const stopWatching = this.#watch();
    await this.#run.execute(() => {
      if (failed !== undefined) throw new GuestFailure(failed);
      return input;
    });
    stopWatching();
    // The last event is not asked for: when it has arrived the run is over.
    this.#pulls = false;
    this.ack(Infinity);
    if (this.#request.want === "wait") await this.#told.promise;
    else await this.#subscription.idle();
    this.#subscription.close();
    await delivery;
    this.#isOver = true;
    giveBack();
    this.#hold();
  }

  /** Nobody will take what is still to come. */
  abandon(): void {
    this.cancel();
    this.#told.resolve();
    this.#subscription.close();
  }

  /** The guest has consumed this many more events. */
  ack(count: number): void {
    for (const ack of this.#unacked.splice(0, count)) ack();
    this.#hold();
  }

  cancel(deliveredChars?: number): boolean {
    const accepted = this.#run.cancel(undefined, deliveredChars);
    if (accepted) this.#stopPulling();
    return accepted;
  }

  /** The guest has answered a call. */
  answer(callId: number, outcome: Outcome): void {
    const call = this.#calls.get(callId);
    this.#calls.delete(callId);
    if (outcome.ok) call?.resolve(outcome.value);
    else call?.reject(new GuestFailure(outcome.error));
  }

  /** The guest waits: resolves with what it is told next. */
  async wait(): Promise<WaitAnswer> {
    while (this.#answers.length === 0) {
      this.#waiter = createDeferred();
      await this.#waiter.promise;
    }
    const answer = this.#answers.shift()!;
    if ("event" in answer) this.#told.resolve();
    return answer;
  }

  /**
   * Keeps the script going as long as the run may wake it. Where the guest has events that it has not asked for, more of
   * them wake nobody: a stream that a script has dropped does not keep it.
   */
  #hold(): void {
    const mayWake = !this.#isOver && (this.#entering > 0 || this.#unacked.length === 0);
    if (mayWake) this.#release ??= this.#options.ledger.hold("run");
    else {
      this.#release?.();
      this.#release = undefined;
    }
  }

  /** Ends the run with its parent, and in time. Returns what stops the watching. */
  #watch(): () => void {
    const { timeoutMs } = this.#request;
    const onAbort = (): void => void this.cancel();
    const parent = this.#parent?.signal;
    if (parent?.aborted === true) onAbort();
    parent?.addEventListener("abort", onAbort, { once: true });
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => this.#timeOut(timeoutMs), timeoutMs);
    return () => {
      clearTimeout(timer);
      parent?.removeEventListener("abort", onAbort);
    };
  }

  #timeOut(ms: number): void {
    const message = `Cannot finish the step "${this.#step.info.type}": it took more than ${ms} ms`;
    if (this.#run.fail(new GeppettoError("TimeoutError", message, { isTransient: true }))) this.#stopPulling();
  }

  /** A guest whose run has been ended asks for no more: what is under way is dropped there. */
  #stopPulling(): void {
    this.#pulls = false;
    this.ack(Infinity);
  }

  async #tellParent(event: StepEvent, published: Promise<void>): Promise<void> {
    const parent = this.#parent;
    if (parent !== undefined) parent.#run.inherit(event);
    await published;
    const emission = this.#request.forwards === true ? toEmission(event) : undefined;
    // A parent that has ended ends this run too; that is soon enough.
    if (emission !== undefined && parent !== undefined) await parent.#body?.emit(emission).catch(() => {});
  }

  /** Encoding here makes a result that cannot cross a failure of the run instead of an event that never arrives. */
  #toParcel(event: StepEvent, error: ErrorRecord | undefined): Frame | undefined {
    const { want, id } = this.#request;
    if (error !== undefined) this.#options.onError(error);
    if (want !== "events" && want !== "pull" && !isTerminal(event)) return undefined;
    const frame = this.#toFrame(event, error);
    if (want === "wait") {
      encodeValue(frame);
      this.#tell({ event: frame });
      return undefined;
    }
    const buffers: ArrayBuffer[] = [];
    const text = encodeValue([FRAME_VERSION, "event", id, frame], { buffers, exotic: "omit" });
    return buffers.length === 0 ? { text } : { text, buffers };
  }

  #toFrame(event: StepEvent, error: ErrorRecord | undefined): EventFrame {
    const frame = toEventFrame(event, error);
    const { messageId, engine } = event.meta;
    // A partial leaves meta out where the guest has it already.
    if (messageId !== this.#sentMeta?.messageId || engine !== this.#sentMeta.engine) {
      this.#sentMeta = event.meta;
      frame.meta = event.meta;
    }
    if (this.#body?.hasBegun !== true) return frame;
    // The guest has them, and better than any copy.
    delete frame.result;
    delete frame.results;
    return frame;
  }

  /** Hands each event to the guest as a turn, pipelined; the turn's end is the ack. */
  async #deliver(): Promise<void> {
    for await (const { ack } of this.#subscription) {
      const frame = this.#parcels.shift();
      if (frame === undefined) {
        ack();
        continue;
      }
      const delivered = this.#options.queue.enterFrame(frame);
      if (this.#pulls) {
        this.#unacked.push(ack);
        this.#entering++;
        void delivered.then(() => {
          this.#entering--;
          this.#hold();
        });
      } else void delivered.then(ack);
    }
  }

  #tell(answer: WaitAnswer): void {
    this.#answers.push(answer);
    this.#waiter?.resolve();
  }

  /** Has the guest call one of the run's functions; an abort does not wait for it, but tells it. */
  async #callGuest(name: string, args: unknown, signal: AbortSignal): Promise<unknown> {
    signal.throwIfAborted();
    const callId = this.#nextCallId++;
    const call = createDeferred<unknown>();
    // The answer may come before anybody waits for it: while the turn that makes the call is still under way.
    call.promise.catch(() => {});
    this.#calls.set(callId, call);
    const onAbort = (): void => {
      this.#calls.delete(callId);
      call.reject(signal.reason);
      if (this.#request.want !== "wait") void this.#options.queue.enter("run_abort", this.#request.id, callId);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      if (this.#request.want === "wait") this.#tell({ call: { callId, name, args } });
      else await this.#options.queue.enter("run_call", this.#request.id, callId, name, args);
      return await call.promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}

/** What of an event a run around this one passes on as its own. */
function toEmission(event: StepEvent): StepEmission | undefined {
  if (event.type === "partial") return { type: "partial", delta: event.delta };
  if (event.type === "tool-call") return { type: "tool-call", toolCall: event.toolCall };
  return event.type === "tool-result" ? { type: "tool-result", toolResult: event.toolResult } : undefined;
}

function isTerminal(event: StepEvent): boolean {
  return event.type === "final" || event.type === "error" || event.type === "interrupt";
}

/** About what an event weighs on its way to the guest. */
function eventBytes(event: StepEvent): number {
  if (event.type === "partial") return 100 + event.delta.length;
  return event.type === "final" ? 500 + event.text.length : 500;
}
