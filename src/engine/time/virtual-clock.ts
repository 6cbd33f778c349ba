import { AsyncLocalStorage } from "node:async_hooks";
import { SeededRandom } from "../../base/time/seeded-random.ts";
import { sleepBy, type TimeSource } from "../../base/time/time-source.ts";
import { type Seed, toSeed } from "../../shared/random.ts";

/** Turns of the event loop without news after which nothing is under way any more. */
const CALM_TURNS = 3;

/** What work in the real world is inside of, and how many waits there are in it. */
interface Work {
  outer: Work | undefined;
  waits: number;
  isOver: boolean;
}

interface Alarm {
  deadline: number;
  rank: number;
  fire(): void;
}

export interface VirtualClockOptions {
  /** When it begins, in milliseconds since the epoch. */
  now: number;
  seed: number;
}

/** The guest whose time it is. */
export interface ClockedGuest {
  /** Does it do something now, without waiting for its host? */
  isBusy(): boolean;
  /** Tells it how much time has passed, in milliseconds. */
  tell(elapsedMs: number): void;
}

/** What the seed is used for: each use has numbers of its own. */
const USE = { guest: 0, host: 1, bytes: 2 } as const;

/**
 * The time of an engine whose runs are the same each time. It stands still while the guest or the host does something,
 * and moves to the next alarm when nothing is under way. So what happens does not depend on how long things take.
 */
export class VirtualClock implements TimeSource {
  readonly isVirtual = true;
  /** When it begins, in milliseconds since the epoch. */
  readonly start: number;
  /** Of the random numbers that the guest makes itself. */
  readonly guestSeed: Seed;
  readonly #random: SeededRandom;
  readonly #bytes: SeededRandom;
  readonly #works = new AsyncLocalStorage<Work | undefined>();
  /** By deadline, rank, and when they were set. */
  readonly #alarms: Alarm[] = [];
  #guest: ClockedGuest | undefined;
  /** Milliseconds that have passed, and how many have in the guest: there reading the clock takes time. */
  #elapsed = 0;
  #guestElapsed = 0;
  /** Works without a wait in them. */
  #busy = 0;
  #calm = 0;
  #isLooking = false;

  constructor({ now, seed }: VirtualClockOptions) {
    this.start = now;
    this.guestSeed = toSeed(seed, USE.guest);
    this.#random = new SeededRandom(toSeed(seed, USE.host));
    this.#bytes = new SeededRandom(toSeed(seed, USE.bytes));
  }

  attach(guest: ClockedGuest): void {
    this.#guest = guest;
  }

  now(): number {
    return Math.floor(this.start + this.#elapsed);
  }

  /** Milliseconds that have passed. */
  get elapsed(): number {
    return this.#elapsed;
  }

  /** How many have passed in the guest's turn. */
  get guestElapsed(): number {
    return Math.max(this.#elapsed, this.#guestElapsed);
  }

  /** The guest has read that so many have. */
  noteGuestTime(elapsedMs: number): void {
    if (elapsedMs > this.#guestElapsed) this.#guestElapsed = elapsedMs;
  }

  random(): number {
    return this.#random.number();
  }

  uuid(): string {
    return this.#random.uuid();
  }

  /** Bytes for the guest. */
  bytes(count: number): Buffer {
    return this.#bytes.bytes(count);
  }

  after(ms: number, fn: () => void): () => void {
    return this.at(this.#elapsed + ms, fn);
  }

  /** Calls `fn` when so many milliseconds have passed since the beginning. */
  at(deadline: number, fn: () => void, rank = 0): () => void {
    const alarm: Alarm = { deadline, rank, fire: AsyncLocalStorage.bind(fn) };
    let place = this.#alarms.length;
    while (place > 0 && isBefore(alarm, this.#alarms[place - 1]!)) place--;
    this.#alarms.splice(place, 0, alarm);
    this.look();
    return () => {
      const index = this.#alarms.indexOf(alarm);
      if (index !== -1) this.#alarms.splice(index, 1);
    };
  }

  async sleep(ms: number, signal: AbortSignal, rank = 0): Promise<void> {
    const after = (wait: number, fn: () => void): (() => void) => this.at(this.#elapsed + wait, fn, rank);
    await this.parked(() => sleepBy({ after }, ms, signal));
  }

  async counted<T>(run: () => Promise<T>): Promise<T> {
    const work: Work = { outer: this.#works.getStore(), waits: 0, isOver: false };
    this.#busy++;
    try {
      return await this.#works.run(work, run);
    } finally {
      work.isOver = true;
      if (work.waits === 0) this.#busy--;
      this.look();
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

  /** Nothing of a script's is waited for any more. */
  clear(): void {
    this.#alarms.length = 0;
  }

  /** Something has happened: the time moves on when nothing follows from it. */
  look(): void {
    this.#calm = 0;
    if (this.#isLooking || this.#alarms.length === 0) return;
    this.#isLooking = true;
    setImmediate(() => this.#lookAgain());
  }

  #lookAgain(): void {
    this.#isLooking = false;
    if (this.#alarms.length === 0 || this.#busy > 0 || this.#guest?.isBusy() === true) return;
    if (++this.#calm < CALM_TURNS) {
      this.#isLooking = true;
      setImmediate(() => this.#lookAgain());
      return;
    }
    const { deadline, fire } = this.#alarms.shift()!;
    const elapsed = Math.max(deadline, this.guestElapsed);
    if (elapsed > this.#elapsed) {
      this.#elapsed = elapsed;
      this.#guest?.tell(elapsed);
    }
    fire();
    this.look();
  }

  #wait(given: Work | undefined, by: number): void {
    for (let work = given; work !== undefined; work = work.outer) {
      const before = work.waits;
      work.waits += by;
      if (work.isOver) continue;
      if (before === 0) this.#busy--;
      else if (work.waits === 0) this.#busy++;
    }
    this.look();
  }
}

function isBefore(alarm: Alarm, other: Alarm): boolean {
  return alarm.deadline === other.deadline ? alarm.rank < other.rank : alarm.deadline < other.deadline;
}
