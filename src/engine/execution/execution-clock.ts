import { AsyncLocalStorage } from "node:async_hooks";
import { afterMs } from "../../base/time/after-ms.ts";
import { SeededRandom } from "../../base/time/seeded-random.ts";
import { WorkCount } from "../../base/time/work-count.ts";
import { sleepBy, type TimeSource } from "../../base/time/time-source.ts";
import { yieldToEventLoop } from "../../base/yield-to-event-loop.ts";
import { SEED_USE, type Seed, toSeed } from "../../shared/random.ts";

interface Alarm {
  deadline: number;
  fire(): void;
  /** Where it is set: ends that. */
  stop?: () => void;
}

/**
 * The time of the host's work for an execution that lasts. While that is brought back it is the time of then, and alarms
 * ring when they rang; from then on they are set for what is left of their time.
 */
export class ExecutionClock implements TimeSource {
  /** Not quite: but what goes on by itself is counted, as it is there. */
  readonly isVirtual = true;
  /** Of the random numbers that the guest makes itself. */
  readonly guestSeed: Seed;
  readonly #random: SeededRandom;
  readonly #works: WorkCount;
  readonly #onWork: () => void;
  readonly #onAlarm: (number: number) => void;
  readonly #alarms = new Map<number, Alarm>();
  #count = 0;
  /** The time of then; undefined once the execution goes on. */
  #then: number | undefined;
  #steadyOffset: number;

  /**
   * @param onAlarm told, before what follows, that the time of the alarm with this number is up
   * @param onWork told when some work of the host's has ended, or waits
   */
  constructor(seed: number, onAlarm: (number: number) => void, onWork: () => void) {
    this.#works = new WorkCount(onWork);
    this.#onWork = onWork;
    this.guestSeed = toSeed(seed, SEED_USE.guest);
    this.#random = new SeededRandom(toSeed(seed, SEED_USE.host));
    this.#onAlarm = onAlarm;
    this.#steadyOffset = Date.now() - performance.now();
  }

  /** From here on it is this time. */
  setThen(ms: number): void {
    this.#then = ms;
  }

  /** The execution goes on. */
  goOn(): void {
    // A clock that has been set back meanwhile does not make time run backwards within the execution.
    const behind = Math.max(0, (this.#then ?? 0) - Date.now());
    this.#steadyOffset = Date.now() + behind - performance.now();
    this.#then = undefined;
    for (const [number, alarm] of this.#alarms) this.#arm(number, alarm);
  }

  /** The alarm rings as it did then. */
  ring(number: number): void {
    const alarm = this.#alarms.get(number);
    this.#alarms.delete(number);
    alarm?.fire();
  }

  now(): number {
    return this.#then ?? Date.now();
  }

  /** Milliseconds since some moment; never goes back. */
  steady(): number {
    return this.#then ?? performance.now() + this.#steadyOffset;
  }

  random(): number {
    return this.#random.number();
  }

  uuid(): string {
    return this.#random.uuid();
  }

  after(ms: number, fn: () => void): () => void {
    const number = ++this.#count;
    const alarm: Alarm = { deadline: this.steady() + ms, fire: AsyncLocalStorage.bind(fn) };
    this.#alarms.set(number, alarm);
    if (this.#then === undefined) this.#arm(number, alarm);
    return () => {
      this.#alarms.delete(number);
      alarm.stop?.();
      this.#onWork();
    };
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return sleepBy(this, ms, signal);
  }

  counted<T>(work: () => Promise<T>): Promise<T> {
    return this.#works.counted(work);
  }

  parked<T>(wait: () => Promise<T>): Promise<T> {
    return this.#works.parked(wait);
  }

  outside<T>(wait: () => Promise<T>): Promise<T> {
    return wait();
  }

  place(): number {
    return 0;
  }

  arrive(): Promise<void> {
    return Promise.resolve();
  }

  landed<T>(ask: () => T | Promise<T>): T | Promise<T> {
    return ask();
  }

  heard(tell: () => Promise<unknown> | undefined): Promise<unknown> | undefined {
    return tell();
  }

  giveWay(): Promise<void> | undefined {
    return yieldToEventLoop();
  }

  /** The host does nothing by itself, and no alarm is set. */
  get isIdle(): boolean {
    return this.#works.busy === 0 && this.#alarms.size === 0;
  }

  #arm(number: number, alarm: Alarm): void {
    alarm.stop = afterMs(Math.max(0, alarm.deadline - this.steady()), () => {
      if (!this.#alarms.delete(number)) return;
      this.#onAlarm(number);
      alarm.fire();
    });
  }
}
