import { timeSource } from "../../base/time/time-source.ts";
import type { RecordingSink } from "./recording.ts";

/** What one sink records, in the order in which it reaches those who asked. */
class Arrivals {
  /** Answers under way. */
  readonly open = new Set<AnswerTimes>();
  /** What is being written; nothing is handed over meanwhile, so that an end does not come later than its time says. */
  writing: Promise<void> = Promise.resolve();
  #last = 0;

  /** Milliseconds since the epoch, of which no two are the same. */
  tick(): number {
    const now = performance.timeOrigin + performance.now();
    this.#last = Math.round(Math.max(now, this.#last + 0.001) * 1000) / 1000;
    return this.#last;
  }
}

const arrivalsOf = new WeakMap<RecordingSink, Arrivals>();

/**
 * When the parts of an answer reach whoever asked. They are kept where other answers came meanwhile: only then does it
 * matter which came first.
 */
export class AnswerTimes {
  readonly #arrivals: Arrivals;
  readonly #times: number[] = [];
  #isAlone: boolean;

  constructor(sink: RecordingSink) {
    const arrivals = arrivalsOf.get(sink) ?? new Arrivals();
    arrivalsOf.set(sink, arrivals);
    this.#arrivals = arrivals;
    const { open } = arrivals;
    this.#isAlone = open.size === 0;
    for (const other of open) other.#isAlone = false;
    open.add(this);
  }

  /** Resolves when the next part, or the error, may be handed over, which is to be done at once. */
  async next(signal: AbortSignal): Promise<void> {
    await this.#arrivals.writing;
    await timeSource().arrive(signal);
    this.#times.push(this.#arrivals.tick());
  }

  /** There are no more parts. For a recording: when they came. */
  end(): { times?: number[] } {
    this.#arrivals.open.delete(this);
    return this.#isAlone ? {} : { times: this.#times };
  }

  /** Waits for a recording to be written, and so do all the others. */
  async write(written: Promise<void>): Promise<void> {
    const arrivals = this.#arrivals;
    arrivals.writing = Promise.all([arrivals.writing, written]).then(() => {});
    await written;
  }
}
