import { AsyncLocalStorage } from "node:async_hooks";

/** What work in the real world is inside of, and how many waits there are in it. */
interface Work {
  outer: Work | undefined;
  waits: number;
  isOver: boolean;
  /** Others wait for it no more. */
  isOverdue: boolean;
}

/** Counts work of the host's that goes on by itself: not that which waits for something else that is counted, or for the guest. */
export class WorkCount {
  readonly #works = new AsyncLocalStorage<Work | undefined>();
  readonly #onChange: () => void;
  /** Those without a wait in them. */
  readonly #busy = new Set<Work>();

  /** @param onChange some work has ended, begun to wait, or goes on */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Works without a wait in them. */
  get busy(): number {
    return this.#busy.size;
  }

  /** What is busy now counts no more. */
  forgetBusy(): void {
    for (const work of this.#busy) work.isOverdue = true;
    this.#busy.clear();
    this.#onChange();
  }

  async counted<T>(run: () => Promise<T>): Promise<T> {
    const work: Work = { outer: this.#works.getStore(), waits: 0, isOver: false, isOverdue: false };
    this.#busy.add(work);
    try {
      return await this.#works.run(work, run);
    } finally {
      work.isOver = true;
      this.#busy.delete(work);
      this.#onChange();
    }
  }

  async parked<T>(wait: () => Promise<T>): Promise<T> {
    const work = this.#works.getStore();
    this.#wait(work, 1);
    try {
      return await wait();
    } finally {
      this.#wait(work, -1);
    }
  }

  #wait(given: Work | undefined, by: number): void {
    for (let work = given; work !== undefined; work = work.outer) {
      work.waits += by;
      if (work.waits > 0) this.#busy.delete(work);
      else if (!work.isOver && !work.isOverdue) this.#busy.add(work);
    }
    this.#onChange();
  }
}
