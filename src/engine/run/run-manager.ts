import type { TraceSpan } from "../../base/telemetry/trace.ts";
import { timeSource } from "../../base/time/time-source.ts";
import { FRAMES } from "../../shared/contract/frame-kinds.ts";
import type { Unchecked } from "../../shared/contract/op.ts";
import { GUEST_STEP, type Interceptions, type WaitAnswer } from "../../shared/contract/runs.ts";
import { GeppettoError } from "../../shared/errors.ts";
import type { Outcome } from "../../shared/frames.ts";
import type { StepSource } from "../../steps/step.ts";
import { limitError, type EngineLimits } from "../limits.ts";
import { GuestRun, type RunParts, type RunSurroundings, type StartRequest } from "./guest-run.ts";
import { GuestStep, type GivenResult } from "./guest-step.ts";

const RUN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export interface RunManagerOptions extends RunSurroundings {
  limits: Pick<EngineLimits, "runs" | "resultBytes">;
  /** Throws when this many characters of input are more than may be pending. */
  checkRoom(chars: number): void;
  /** The guest has started more runs than it may, which an honest one refuses itself. */
  onTooMany(): void;
}

/** Runs whose last event the guest may have, and which are still ending here. */
export const ENDING_RUNS = 64;

/** A run in which a guest asks for something in between; the arguments are its own. */
export interface Intercepted<Args> {
  step: string;
  args: Unchecked<Args>;
}

/** Makes the source for one run of a step: the step with something in between. */
export type Interceptors = {
  [Name in keyof Interceptions]: (source: StepSource, run: Intercepted<Interceptions[Name]>) => StepSource;
};

/** The runs of one engine: each is a topic `step.{id}` on the bus, there while the run is. */
export class RunManager {
  readonly #steps = new Map<string, StepSource>();
  readonly #runs = new Map<string, GuestRun>();
  readonly #guestSteps = new Map<string, GuestStep>();
  readonly #interceptors = new Map<string, Interceptors[keyof Interceptors]>();
  readonly #ends = new Set<Promise<void>>();
  /** What the host holds of the results of these runs. */
  #reservedChars = 0;
  readonly #options: RunManagerOptions;

  constructor(options: RunManagerOptions) {
    this.#options = options;
  }

  /** A name for each run under way, with its model where that is known. */
  describe(): string[] {
    return [...this.#runs.values()].map((run) => run.describe());
  }

  get active(): number {
    return this.#runs.size;
  }

  /** The span of what a guest says that it calls for: a run, or a call that a run has made of it. */
  spanOf(cause: string): TraceSpan | undefined {
    const [id = "", callId] = cause.split("/");
    return this.#runs.get(id)?.spanOf(Number(callId));
  }

  /** Makes a step known to the guest under a name. */
  register(name: string, step: StepSource): void {
    if (this.#steps.has(name) || name === GUEST_STEP) {
      throw new GeppettoError("ConfigError", `Cannot register the step "${name}": it exists already`);
    }
    this.#steps.set(name, step);
  }

  setInterceptor<Name extends keyof Interceptors>(name: Name, interceptor: Interceptors[Name]): void {
    this.#interceptors.set(name, interceptor);
  }

  /** Starts a run. What keeps it from running is an error of the run; a guest that breaks its word is told nothing. */
  start(request: StartRequest): void {
    const { id } = request;
    if (!RUN_ID.test(id) || this.#runs.has(id)) {
      throw new GeppettoError("ValidationError", "Cannot start a run: its id is malformed or taken");
    }
    if (this.#runs.size >= this.#options.limits.runs + ENDING_RUNS) {
      this.#options.onTooMany();
      return;
    }
    let reserved = 0;
    const reserve = (chars: number): void => {
      const { resultBytes } = this.#options.limits;
      if (this.#reservedChars + chars > resultBytes) throw limitError("resultBytes", resultBytes);
      this.#reservedChars += chars;
      reserved += chars;
    };
    const run = new GuestRun(request, this.#partsOf(request, reserve), this.#options, reserve);
    this.#runs.set(id, run);
    const end = run.execute().then(() => {
      this.#reservedChars -= reserved;
      this.#runs.delete(id);
      this.#guestSteps.delete(id);
      this.#ends.delete(end);
    });
    this.#ends.add(end);
  }

  #partsOf(request: StartRequest, reserve: (chars: number) => void): RunParts {
    const { id, info } = request;
    const parent = request.parent === undefined ? undefined : this.#runs.get(request.parent);
    try {
      this.#options.checkRoom(request.chars);
      const step = this.#stepFor(request, reserve);
      const source = this.#intercept(request, step);
      if (!(step instanceof GuestStep)) return { source, body: undefined, parent };
      this.#guestSteps.set(id, step);
      return { source, body: step, parent };
    } catch (error) {
      // oxlint-disable-next-line eslint/require-yield -- it fails before it has a result
      const run = async function* fail(): AsyncGenerator<never> {
        throw error;
      };
      return { source: { info, run }, body: undefined, parent };
    }
  }

  /** Cancels a run; false when no run with this id is under way. */
  cancel(id: string, deliveredChars?: number): boolean {
    return this.#runs.get(id)?.cancel(deliveredChars) ?? false;
  }

  /** Cancels every run; their interrupt events still reach the guest. Says how many there were. */
  cancelAll(): number {
    let count = 0;
    for (const run of this.#runs.values()) if (run.cancel()) count++;
    return count;
  }

  /** Cancels every run; what they still have to say is for nobody. */
  abandonAll(): void {
    for (const run of this.#runs.values()) run.abandon();
  }

  /** Are a run's pieces of text its parent's too? */
  decide(id: string, forwards: boolean): void {
    this.#runs.get(id)?.decide(forwards);
  }

  ack(id: string, count: number): void {
    this.#runs.get(id)?.ack(count);
  }

  /** What a guest that waits for a run is to do next. */
  async wait(id: string): Promise<WaitAnswer> {
    const run = this.#runs.get(id);
    if (run === undefined) throw new GeppettoError("ValidationError", "Cannot wait for a run: no run has this id");
    return timeSource().parked(() => run.wait());
  }

  answer(id: string, callId: number, outcome: Outcome): void {
    this.#runs.get(id)?.answer(callId, outcome);
  }

  /** A step that the guest made yields a result. */
  take(id: string, given: GivenResult): void {
    this.#guestSteps.get(id)?.take(given);
  }

  /** Likewise for a guest that waits: resolves when there is room. Rejects when the run has been cancelled. */
  async takeBlocking(id: string, given: GivenResult): Promise<void> {
    const step = this.#guestSteps.get(id);
    step?.take(given);
    if (step !== undefined) await timeSource().parked(() => step.room());
    this.#runs.get(id)?.signal.throwIfAborted();
  }

  /** Waits for a guest that waits. Rejects when the run, or the call, is aborted. */
  async sleep(id: string, ms: number, signal: AbortSignal): Promise<void> {
    const run = this.#runs.get(id);
    await timeSource().sleep(ms, run === undefined ? signal : AbortSignal.any([signal, run.signal]));
  }

  /** Has the run been cancelled, or has it failed? */
  isAborted(id: string): boolean {
    return this.#runs.get(id)?.isAborted ?? true;
  }

  /** Resolves when no run is under way. */
  async ended(): Promise<void> {
    while (this.#ends.size > 0) await Promise.all(this.#ends);
  }

  /** The step with what the guest asks for in between. */
  #intercept({ step, interception }: StartRequest, source: StepSource): StepSource {
    if (interception === undefined) return source;
    const { name, args } = interception;
    const interceptor = this.#interceptors.get(name);
    if (interceptor === undefined) {
      throw new GeppettoError("ValidationError", `Cannot start a run: no interceptor is named "${name}"`);
    }
    return interceptor(source, { step, args: args as Unchecked<never> });
  }

  #stepFor({ step: name, info, hasBegun = false, id }: StartRequest, reserve: (chars: number) => void): StepSource {
    if (name === GUEST_STEP) {
      const onTaken = (count: number): void => void this.#options.queue.enter(FRAMES.run_resume, id, count);
      return new GuestStep(info, { hasBegun, reserve, onTaken });
    }
    const step = this.#steps.get(name);
    if (step === undefined)
      throw new GeppettoError("ValidationError", `Cannot start a run: no step is named "${name}"`);
    return step;
  }
}
