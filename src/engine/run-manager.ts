import type { Bus, Subscription } from "../events/bus.ts";
import { encodeValue } from "../shared/codec.ts";
import { GeppettoError } from "../shared/errors.ts";
import { FRAME_VERSION, type ErrorRecord } from "../shared/frames.ts";
import type { EventFrame, StepEvent } from "../shared/step-events.ts";
import type { Step } from "../steps/step.ts";
import { StepRun } from "../steps/step-run.ts";
import type { EntryQueue } from "./entry-queue.ts";
import type { Ledger } from "./ledger.ts";

const RUN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export interface RunManagerOptions {
  bus: Bus;
  queue: EntryQueue;
  ledger: Ledger;
  maxRuns: number;
  onTooMany: () => GeppettoError;
  onError(record: ErrorRecord): void;
  now(): number;
}

export interface StartRequest {
  id: string;
  step: string;
  /** Every event crosses to the guest, or the terminal one only. */
  want: "events" | "result";
  input?: unknown;
  /** Why there is no input: the run fails with this. */
  failed?: ErrorRecord;
}

/** The runs of one engine: each is a topic `step.{id}` on the bus, there while the run is. */
export class RunManager {
  readonly #steps = new Map<string, Step>();
  readonly #runs = new Map<string, StepRun>();
  readonly #ends = new Set<Promise<void>>();
  readonly #options: RunManagerOptions;

  constructor(options: RunManagerOptions) {
    this.#options = options;
  }

  get active(): number {
    return this.#runs.size;
  }

  /** Makes a step known to the guest under a name. */
  register(name: string, step: Step): void {
    if (this.#steps.has(name)) throw new GeppettoError("ConfigError", `Cannot register the step "${name}": it exists already`);
    this.#steps.set(name, step);
  }

  /**
   * Starts a run.
   *
   * @throws {GeppettoError} LimitError over the limit of runs; ValidationError for a forged id or an unknown step.
   */
  start(request: StartRequest): void {
    const step = this.#steps.get(request.step);
    if (step === undefined) throw new GeppettoError("ValidationError", `Cannot start a run: there is no step "${request.step}"`);
    if (!RUN_ID.test(request.id) || this.#runs.has(request.id)) {
      throw new GeppettoError("ValidationError", "Cannot start a run: its id is malformed or taken");
    }
    if (this.#runs.size >= this.#options.maxRuns) throw this.#options.onTooMany();
    const end = this.#execute(request, step);
    this.#ends.add(end);
    void end.then(() => this.#ends.delete(end));
  }

  /** Cancels a run; false when there is none of that id under way. */
  cancel(id: string, deliveredChars?: number): boolean {
    return this.#runs.get(id)?.cancel(cancelled(), deliveredChars) ?? false;
  }

  /** Cancels every run; their interrupt events still reach the guest. Says how many there were. */
  cancelAll(): number {
    let count = 0;
    for (const run of this.#runs.values()) if (run.cancel(cancelled())) count++;
    return count;
  }

  /** Resolves when no run is under way. */
  async ended(): Promise<void> {
    while (this.#ends.size > 0) await Promise.all(this.#ends);
  }

  async #execute(request: StartRequest, step: Step): Promise<void> {
    const { bus, ledger, now } = this.#options;
    const topic = `step.${request.id}`;
    const subscription = bus.subscribe<StepEvent>(topic);
    let failure: ErrorRecord | undefined;
    const run = new StepRun({
      id: request.id,
      step,
      now,
      publish: (event, error) => {
        failure = error;
        if (error !== undefined) this.#options.onError(error);
        return bus.publish(topic, event, { bytes: eventBytes(event) });
      },
      delivered: () => subscription.idle(),
    });
    this.#runs.set(request.id, run);
    const release = ledger.hold("run");
    const delivery = this.#deliver(subscription, request.want, () => failure);
    await run.execute(() => {
      if (request.failed !== undefined) throw fromRecord(request.failed);
      return request.input;
    });
    this.#runs.delete(request.id);
    await subscription.idle();
    subscription.close();
    await delivery;
    release();
  }

  /** Hands each event to the guest as a turn, pipelined; the turn's end is the ack. */
  async #deliver(
    subscription: Subscription<StepEvent>,
    want: StartRequest["want"],
    failure: () => ErrorRecord | undefined,
  ): Promise<void> {
    for await (const { payload: event, ack } of subscription) {
      if (want === "result" && !isTerminal(event)) ack();
      else void this.#enter(toFrame(event, failure())).then(ack, ack);
    }
  }

  async #enter(frame: EventFrame & { id: string }): Promise<void> {
    const { id, ...event } = frame;
    const buffers: ArrayBuffer[] = [];
    const text = encodeValue([FRAME_VERSION, "event", id, event], { buffers, exotic: "omit" });
    await this.#options.queue.enterParcel(buffers.length === 0 ? { text } : { text, buffers });
  }
}

function isTerminal(event: StepEvent): boolean {
  return event.type === "final" || event.type === "error" || event.type === "interrupt";
}

function cancelled(): GeppettoError {
  return new GeppettoError("AbortError", "The run was cancelled");
}

function fromRecord({ name, message, code }: ErrorRecord): GeppettoError {
  return new GeppettoError(name === "LimitError" ? "LimitError" : "ValidationError", message, { code });
}

/** About what an event weighs on its way to the guest. */
function eventBytes(event: StepEvent): number {
  if (event.type === "partial") return 100 + event.delta.length;
  return event.type === "final" ? 500 + event.text.length : 500;
}

/** Leaves out what the guest knows: the completion, and after the first event who it is about. */
function toFrame(event: StepEvent, error: ErrorRecord | undefined): EventFrame & { id: string } {
  const { type, seq, time, meta, step } = event;
  const frame: EventFrame & { id: string } = { id: step.stepId, type, seq, time };
  if (type !== "partial") Object.assign(frame, { meta, step });
  switch (event.type) {
    case "partial":
      frame.delta = event.delta;
      if ("result" in event) frame.result = event.result;
      break;
    case "final":
      frame.text = event.text;
      frame.results = event.results;
      break;
    case "error":
      frame.error = error ?? { name: "StepError", message: event.error, code: event.code };
      break;
    case "tool-call":
      frame.toolCall = event.toolCall;
      break;
    case "tool-result":
      frame.toolResult = event.toolResult;
      break;
  }
  return frame;
}
