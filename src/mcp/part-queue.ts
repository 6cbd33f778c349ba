import { createDeferred, type Deferred } from "../base/deferred.ts";

/** Parts that wait to be taken; what a server tells beyond that meanwhile is left out. */
const MAX_WAITING = 1_000;

/** What a server tells of a call while it works, handed out before what comes of the call. */
export class PartQueue<Part> {
  readonly #parts: Part[] = [];
  #more: Deferred<void> = createDeferred();

  add(part: Part): void {
    if (this.#parts.length >= MAX_WAITING) return;
    this.#parts.push(part);
    this.#more.resolve();
  }

  /** The parts as they come, and in the end what the work comes to. */
  async *until<T>(work: Promise<T>): AsyncGenerator<Part, T> {
    let hasEnded = false;
    const end = (): void => {
      hasEnded = true;
      this.#more.resolve();
    };
    work.then(end, end);
    for (;;) {
      await this.#more.promise;
      const isOver = hasEnded;
      this.#more = createDeferred();
      yield* this.#parts.splice(0);
      if (isOver) return work;
    }
  }
}
