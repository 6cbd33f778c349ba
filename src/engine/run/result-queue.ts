import { createDeferred, type Deferred } from "../../base/deferred.ts";
import type { StepEmission } from "../../steps/step.ts";

/** What comes next of a step's body: a result, or what a run inside it has published. */
export type QueuedPart<Result> = { result: Result } | { emission: StepEmission; taken: Deferred<void> };

/**
 * What the body of a guest's step gives, in the order in which its results are to be seen: the pieces of a text stand
 * before the result that they add up to. Pieces of a part whose turn has not come are kept.
 */
export class ResultQueue<Result> {
  readonly #queue: QueuedPart<Result>[] = [];
  readonly #kept = new Map<number, StepEmission[]>();
  readonly #onMore: () => void;
  readonly #reserve: (chars: number) => void;
  #part = 0;
  #results = 0;
  #isClosed = false;

  /**
   * @param onMore there is something to take
   * @param reserve counts characters that are kept until their turn comes; throws where they are too many
   */
  constructor(onMore: () => void, reserve: (chars: number) => void) {
    this.#onMore = onMore;
    this.#reserve = reserve;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Results that wait to be taken. */
  get results(): number {
    return this.#results;
  }

  /** Adds a result; with `endsPart` the next part's turn has come. */
  addResult(result: Result, endsPart: number | undefined): void {
    if (this.#isClosed) return;
    this.#results++;
    this.#queue.push({ result });
    if (endsPart !== undefined) this.#begin(endsPart + 1);
    this.#onMore();
  }

  /** Adds an emission; resolves when it has been taken, or is kept until its turn comes. */
  async addEmission(emission: StepEmission, part: number | undefined): Promise<void> {
    if (this.#isClosed || (part !== undefined && part < this.#part)) return;
    if (part !== undefined && part > this.#part) {
      this.#reserve(sizeOf(emission));
      const kept = this.#kept.get(part);
      if (kept === undefined) this.#kept.set(part, [emission]);
      else kept.push(emission);
      return;
    }
    await this.#push(emission);
  }

  take(): QueuedPart<Result> | undefined {
    const next = this.#queue.shift();
    if (next !== undefined && "result" in next) this.#results--;
    return next;
  }

  /** Nobody takes what is still there. */
  close(): void {
    this.#isClosed = true;
    for (const part of this.#queue.splice(0)) if ("taken" in part) part.taken.resolve();
    this.#results = 0;
    this.#kept.clear();
  }

  #push(emission: StepEmission): Promise<void> {
    const taken = createDeferred();
    this.#queue.push({ emission, taken });
    this.#onMore();
    return taken.promise;
  }

  #begin(part: number): void {
    if (part <= this.#part) return;
    this.#part = part;
    for (const [of, emissions] of this.#kept) {
      if (of > part) continue;
      this.#kept.delete(of);
      for (const emission of emissions) {
        this.#reserve(-sizeOf(emission));
        if (of === part) void this.#push(emission);
      }
    }
  }
}

function sizeOf(emission: StepEmission): number {
  return emission.type === "partial" ? emission.delta.length : 0;
}
