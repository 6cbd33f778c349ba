import { AsyncLocalStorage } from "node:async_hooks";
import { abortable } from "../../base/abortable.ts";
import { SeededRandom } from "../../base/time/seeded-random.ts";
import { WorkCount } from "../../base/time/work-count.ts";
import { sleepBy, type TimeSource } from "../../base/time/time-source.ts";
import { SEED_USE, type Seed, toSeed } from "../../shared/random.ts";

/** Turns of the event loop without news after which nothing is under way any more. */
const CALM_TURNS = 3;
/** A loop that never waits gives way once in so many times that it might. */
const GIVE_WAY_EACH = 256;
/** Events that may wait for those who listen before the runs wait, too. */
const MAX_UNHEARD = 1_000;
/** How long what has come waits for what was asked for before, in milliseconds: that may wait for what comes of this. */
const PATIENCE_MS = 5_000;

interface Alarm {
  deadline: number;
  /** Its place among those of its list. */
  order: number;
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
  readonly #works = new WorkCount(() => this.look());
  /** The same, without what is waited for outside. */
  readonly #own = new WorkCount(() => this.look());
  /** By deadline, and when they were set. */
  readonly #alarms: Alarm[] = [];
  /** Answers, by rank. They take no time: they come before all alarms. */
  readonly #ranked: Alarm[] = [];
  /** What has come from outside, by place. */
  readonly #arrived: Alarm[] = [];
  #places = 0;
  #asks = 0;
  /** Events of which those who listen have not said that they have room for more. */
  #unheard = 0;
  /** Runs while what has come waits for the host's own work. */
  #patience: NodeJS.Timeout | undefined;
  #guest: ClockedGuest | undefined;
  /** Milliseconds that have passed, and how many have in the guest: there reading the clock takes time. */
  #elapsed = 0;
  #guestElapsed = 0;
  #calm = 0;
  #isLooking = false;

  constructor({ now, seed }: VirtualClockOptions) {
    this.start = now;
    this.guestSeed = toSeed(seed, SEED_USE.guest);
    this.#random = new SeededRandom(toSeed(seed, SEED_USE.host));
    this.#bytes = new SeededRandom(toSeed(seed, SEED_USE.bytes));
  }

  attach(guest: ClockedGuest): void {
    this.#guest = guest;
  }

  now(): number {
    return Math.floor(this.start + this.#elapsed);
  }

  steady(): number {
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
  at(deadline: number, fn: () => void): () => void {
    return this.#set(this.#alarms, deadline, fn, deadline);
  }

  async sleep(ms: number, signal: AbortSignal, rank?: number): Promise<void> {
    const after = (wait: number, fn: () => void): (() => void) =>
      rank === undefined ? this.after(wait, fn) : this.#set(this.#ranked, this.#elapsed, fn, rank);
    await this.parked(() => sleepBy({ after }, ms, signal));
  }

  counted<T>(run: () => Promise<T>): Promise<T> {
    return this.#works.counted(() => this.#own.counted(run));
  }

  parked<T>(wait: () => Promise<T>): Promise<T> {
    return this.#works.parked(() => this.#own.parked(wait));
  }

  outside<T>(wait: () => Promise<T>): Promise<T> {
    return this.#own.parked(wait);
  }

  place(): number {
    return this.#places++;
  }

  async arrive(signal?: AbortSignal, place: number = this.place()): Promise<void> {
    const after = (_: number, fn: () => void): (() => void) => this.#set(this.#arrived, this.#elapsed, fn, place);
    await this.outside(() => sleepBy({ after }, 0, signal));
  }

  /** It may wait for virtual time, which passes then. */
  landed<T>(ask: () => T | Promise<T>, signal?: AbortSignal, place: number = this.place()): Promise<T> {
    return this.counted(async () => {
      const asked = ask();
      if (!(asked instanceof Promise) || (await settlesWithoutWaiting(asked))) return asked;
      await (signal === undefined ? asked : abortable(asked, signal)).catch(() => {});
      await this.arrive(signal, place);
      return asked;
    });
  }

  heard(tell: () => Promise<unknown> | undefined): Promise<unknown> | undefined {
    this.#unheard++;
    let told: Promise<unknown> | undefined;
    const hear = async (): Promise<void> => {
      told = tell();
      await told?.catch(() => {});
      this.#unheard--;
    };
    void this.counted(hear);
    return this.#unheard > MAX_UNHEARD ? told : undefined;
  }

  giveWay(): Promise<void> | undefined {
    return ++this.#asks % GIVE_WAY_EACH === 0 ? this.arrive() : undefined;
  }

  /** Nothing of a script's is waited for any more. */
  clear(): void {
    this.#alarms.length = 0;
    this.#ranked.length = 0;
    this.#arrived.length = 0;
    this.#endPatience();
  }

  /** Something has happened: the time moves on when nothing follows from it. */
  look(): void {
    this.#calm = 0;
    if (this.#arrived.length > 0) this.#patience ??= setTimeout(() => this.#losePatience(), PATIENCE_MS);
    if (this.#isLooking || !this.#isAwaited) return;
    this.#isLooking = true;
    setImmediate(() => this.#lookAgain());
  }

  #lookAgain(): void {
    this.#isLooking = false;
    if (!this.#isAwaited || this.#guest?.isBusy() === true) return;
    if (++this.#calm < CALM_TURNS) {
      this.#isLooking = true;
      setImmediate(() => this.#lookAgain());
      return;
    }
    this.#endPatience();
    this.#fire((this.#arrived.shift() ?? this.#ranked.shift() ?? this.#alarms.shift())!);
    this.look();
  }

  #fire({ deadline, fire }: Alarm): void {
    const elapsed = Math.max(deadline, this.guestElapsed);
    if (elapsed > this.#elapsed) {
      this.#elapsed = elapsed;
      this.#guest?.tell(elapsed);
    }
    fire();
  }

  /** What has been worked on for so long may wait for what comes of what waits for it. */
  #losePatience(): void {
    this.#patience = undefined;
    this.#own.forgetBusy();
  }

  #endPatience(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }

  /** Is there something to let go as soon as the guest rests? What comes from outside waits for nothing else out there. */
  get #isAwaited(): boolean {
    if (this.#arrived.length > 0) return this.#own.busy === 0;
    return this.#works.busy === 0 && (this.#alarms.length > 0 || this.#ranked.length > 0);
  }

  #set(alarms: Alarm[], deadline: number, fn: () => void, order: number): () => void {
    const alarm: Alarm = { deadline, order, fire: AsyncLocalStorage.bind(fn) };
    let place = alarms.length;
    while (place > 0 && order < alarms[place - 1]!.order) place--;
    alarms.splice(place, 0, alarm);
    this.look();
    return () => {
      const index = alarms.indexOf(alarm);
      if (index !== -1) alarms.splice(index, 1);
    };
  }
}

/** Does the promise settle before anything else happens? Each time the same, however long anything takes. */
function settlesWithoutWaiting(promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const settled = (): void => resolve(true);
    promise.then(settled, settled);
    // Node's next tick comes when no promise has anything to do any more, if a promise has asked for it.
    queueMicrotask(() => process.nextTick(resolve, false));
  });
}
