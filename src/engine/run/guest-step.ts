import { createDeferred, type Deferred } from "../../base/deferred.ts";
import { timeSource } from "../../base/time/time-source.ts";
import type { Unchecked } from "../../shared/contract/op.ts";
import { BODY, YIELD_CREDIT, type RunYield } from "../../shared/contract/runs.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { MAX_ERROR_CHARS } from "../../shared/frames.ts";
import type { StepInfo } from "../../shared/step-events.ts";
import type { StepContext, StepEmission, StepSource } from "../../steps/step.ts";
import { parseFields } from "../guest-messages.ts";
import { ResultQueue } from "./result-queue.ts";

/** What the body of a guest's step hands out. */
export type GivenResult = Pick<RunYield, "value" | "loss" | "endsPart"> & {
  /** What it takes to keep it, in characters of plain text. */
  weight: number;
};

/** Results after which the guest hears that they have been taken. */
const TOLD_TOGETHER = YIELD_CREDIT / 2;

/** Results that may wait: a guest that keeps to its credit has fewer. */
const MOST_GIVEN = 2 * YIELD_CREDIT;

export interface GuestStepOptions {
  /** The guest has begun with the body, without being asked. */
  hasBegun: boolean;
  /** Counts characters of results that wait here; throws where they are too many. */
  reserve(chars: number): void;
  /** So many more results have been taken. */
  onTaken(count: number): void;
}

function parseName(value: unknown, fallback: string): string {
  return typeof value === "string" ? value.slice(0, 100) : fallback;
}

/** What the guest says about a step of its own. */
export function parseStepInfo(value: unknown): StepInfo {
  const { type, inputType, outputType, kind } = parseFields(value);
  return {
    type: parseName(type, "guest"),
    inputType: parseName(inputType, "any"),
    outputType: parseName(outputType, "any"),
    kind: kind === "text" || kind === "list" ? kind : "single",
  };
}

/** What the guest says that its step yields. */
export function parseYield(args: Unchecked<RunYield>, weight: number): GivenResult {
  const { value, loss, endsPart } = parseFields(args);
  return {
    value,
    weight,
    ...(typeof loss === "string" ? { loss: loss.slice(0, MAX_ERROR_CHARS) } : {}),
    ...(Number.isSafeInteger(endsPart) ? { endsPart: endsPart as number } : {}),
  };
}

/**
 * The host's half of one run of a step that the guest made: its body runs in the guest, what it yields comes here, so
 * that its events, metadata and topic are those of any other step.
 */
export class GuestStep implements StepSource {
  readonly info: StepInfo;
  readonly #options: GuestStepOptions;
  readonly #waiting: ResultQueue<GivenResult>;
  /** Results that have been taken and of which the guest has not heard. */
  #untold = 0;
  /** Why no more results can be kept. */
  #failure: { error: unknown } | undefined;
  #more: Deferred<void> | undefined;
  #room: Deferred<void> | undefined;
  #over = false;
  #isAskedFor = false;
  /** The body has come to its end, or has failed. */
  #hasReturned = false;
  #loss: string | undefined;

  constructor(info: StepInfo, options: GuestStepOptions) {
    this.info = info;
    this.#options = options;
    this.#waiting = new ResultQueue(
      () => this.#more?.resolve(),
      (chars) => options.reserve(chars),
    );
  }

  /** Does the guest know the results, having made them? */
  get hasBegun(): boolean {
    return this.#options.hasBegun || this.#isAskedFor;
  }

  /** Why the copies of the results are not as good as the results, where the guest was to look. */
  get loss(): string | undefined {
    return this.#loss;
  }

  /** Publishes as the step's own what a run inside its body published. */
  async emit(emission: StepEmission, part?: number): Promise<void> {
    if (this.hasBegun) await this.#waiting.addEmission(emission, part);
  }

  /** Keeps a result until it is taken. */
  take(given: GivenResult): void {
    if (this.#over || this.#failure !== undefined) return;
    try {
      if (this.#waiting.results >= MOST_GIVEN) {
        throw new GeppettoError("ValidationError", "Cannot take a result: too many wait already");
      }
      this.#options.reserve(given.weight);
      this.#loss ??= given.loss;
      this.#waiting.addResult(given, given.endsPart);
    } catch (error) {
      this.#failure = { error };
      this.#more?.resolve();
    }
  }

  /** Resolves when there is room, or the run is over. */
  async room(): Promise<void> {
    if (this.#over || this.#waiting.results < YIELD_CREDIT) return;
    this.#room ??= createDeferred();
    await this.#room.promise;
  }

  async *run(_: unknown, context: StepContext): AsyncGenerator {
    const body = this.#begin(context);
    try {
      while (!this.#hasReturned || !this.#waiting.isEmpty) {
        if (this.#failure !== undefined) throw this.#failure.error;
        const next = this.#waiting.take();
        if (next === undefined) {
          this.#more = createDeferred();
          const { promise } = this.#more;
          await timeSource().parked(() => promise);
        } else if ("emission" in next) {
          await context.publish(next.emission);
          next.taken.resolve();
        } else {
          yield next.result.value;
          this.#options.reserve(-next.result.weight);
          this.#noteTaken();
        }
      }
      await timeSource().parked(() => body);
    } finally {
      this.#end();
    }
  }

  /** Likewise, without the steps of a generator in between: most runs are of such a step, and short. */
  async drive(context: StepContext, take: (value: unknown) => Promise<void> | undefined): Promise<void> {
    const body = this.#begin(context);
    try {
      for (;;) {
        if (this.#failure !== undefined) throw this.#failure.error;
        const next = this.#waiting.take();
        if (next === undefined) {
          if (this.#hasReturned) break;
          this.#more = createDeferred();
          await this.#more.promise;
        } else if ("emission" in next) {
          await context.publish(next.emission);
          next.taken.resolve();
        } else {
          const taken = take(next.result.value);
          if (taken !== undefined) await taken;
          this.#options.reserve(-next.result.weight);
          this.#noteTaken();
        }
      }
      await body;
    } finally {
      this.#end();
    }
  }

  /** Has the guest begin with the body; the promise is that of its end. */
  #begin(context: StepContext): Promise<unknown> {
    this.#isAskedFor = true;
    const onEnd = (): void => {
      this.#hasReturned = true;
      this.#more?.resolve();
    };
    const body = context.callGuest(BODY, []);
    body.then(onEnd, onEnd);
    return body;
  }

  #end(): void {
    this.#over = true;
    this.#waiting.close();
    this.#makeRoom();
  }

  #noteTaken(): void {
    if (++this.#untold >= TOLD_TOGETHER) {
      this.#options.onTaken(this.#untold);
      this.#untold = 0;
    }
    if (this.#waiting.results < YIELD_CREDIT) this.#makeRoom();
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
