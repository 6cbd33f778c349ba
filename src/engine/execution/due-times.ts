import { MAX_TIMER_MS } from "../../shared/limits.ts";

/** Times that lie days away, each with a number: rings in their order, also those that have long been up. */
export class DueTimes {
  readonly #ring: (number: number) => void;
  /** By number: when it is up, on this process's steady clock. */
  readonly #due = new Map<number, { dueAt: number; end: number }>();
  #timer: NodeJS.Timeout | undefined;
  #isHeld: boolean;

  /** @param isHeld rings nothing before {@link start} */
  constructor(ring: (number: number) => void, isHeld: boolean) {
    this.#ring = ring;
    this.#isHeld = isHeld;
  }

  start(): void {
    this.#isHeld = false;
    this.#arm();
  }

  /** Rings at that moment; where the clock has been set back, when as much time has passed as was asked for. */
  add(number: number, dueAt: number, ms: number): void {
    this.#due.set(number, { dueAt, end: performance.now() + Math.max(0, Math.min(dueAt - Date.now(), ms)) });
    this.#arm();
  }

  delete(number: number): void {
    this.#due.delete(number);
    if (this.#due.size === 0) clearTimeout(this.#timer);
  }

  clear(): void {
    this.#due.clear();
    clearTimeout(this.#timer);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#due.size === 0 || this.#isHeld) return;
    const next = Math.min(...[...this.#due.values()].map(({ end }) => end));
    const left = Math.ceil(next - performance.now());
    this.#timer = setTimeout(() => this.#look(), Math.max(1, Math.min(left, MAX_TIMER_MS)));
  }

  #look(): void {
    const now = performance.now();
    const up = [...this.#due].filter(([, { end }]) => end <= now);
    up.sort(([a, first], [b, second]) => first.dueAt - second.dueAt || a - b);
    for (const [number] of up) {
      this.#due.delete(number);
      this.#ring(number);
    }
    this.#arm();
  }
}
