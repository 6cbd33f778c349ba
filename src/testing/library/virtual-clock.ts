import { parseMoment } from "../../base/time/parse-moment.ts";
import { sleepBy, timeSource } from "../../base/time/time-source.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";

interface Alarm {
  at: number;
  fire: () => void;
}

/** Turns of the event loop that whatever follows from an alarm has, before the next one. */
const SETTLE_TURNS = 3;

/**
 * A clock for tests: time passes when the test says so. Code of a host app that takes its time from one can be tested
 * without waiting. While it works for a script of `runScript`, as an op does, it has that script's time, which passes by
 * itself when nothing else is under way.
 *
 * @example
 * const clock = new VirtualClock({ now: "2026-03-01T09:00:00Z" });
 * clock.setTimeout(() => console.log("half past nine"), 30 * 60_000);
 * await clock.advance(60 * 60_000);
 */
export class VirtualClock {
  #now: number;
  /** By time, and by when they were set. */
  readonly #alarms: Alarm[] = [];

  /**
   * @param options `now`: a date, milliseconds since the epoch, or a text such as "2026-01-01T00:00:00Z", the default
   * @throws {GeppettoError} ConfigError for anything else.
   */
  constructor(options: { now?: number | string | Date } = {}) {
    refuseWrong("make a clock", options, { now: true });
    const { now = "2026-01-01T00:00:00Z" } = options;
    const start = parseMoment(now);
    if (start === undefined) {
      throw new GeppettoError(
        "ConfigError",
        `Cannot make a clock that begins at ${String(now)}: it must be a date such as "2026-01-01T00:00:00Z", or milliseconds since 1970`,
      );
    }
    this.#now = start;
  }

  /** Milliseconds since the epoch. */
  now(): number {
    const time = timeSource();
    if (time.isVirtual) this.#now = Math.max(this.#now, time.now());
    return this.#now;
  }

  /** How many timers and sleeps wait for `advance()`. */
  get pending(): number {
    return this.#alarms.length;
  }

  /** Resolves when so many milliseconds have passed, or rejects with the signal's reason. */
  sleep(ms: number, signal: AbortSignal = new AbortController().signal): Promise<void> {
    const time = timeSource();
    if (time.isVirtual) return time.sleep(ms, signal);
    return sleepBy({ after: (wait, fn) => this.setTimeout(fn, wait) }, ms, signal);
  }

  /** Calls `fn` when so many milliseconds have passed. The function that it returns stops that. */
  setTimeout(fn: () => void, ms: number): () => void {
    const time = timeSource();
    if (time.isVirtual) return time.after(ms, fn);
    const alarm: Alarm = { at: this.#now + Math.max(0, ms), fire: fn };
    const place = this.#alarms.findIndex(({ at }) => at > alarm.at);
    this.#alarms.splice(place < 0 ? this.#alarms.length : place, 0, alarm);
    return () => {
      const index = this.#alarms.indexOf(alarm);
      if (index >= 0) this.#alarms.splice(index, 1);
    };
  }

  /**
   * Lets so many milliseconds pass. Whatever becomes due meanwhile, also by what is set on the way, happens in its order
   * and at its time; what promises bring about follows before the next.
   */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0))
      throw new GeppettoError("ConfigError", `Cannot advance the clock by ${ms}: expected milliseconds from 0`);
    const end = this.#now + ms;
    await settle();
    for (let alarm = this.#alarms[0]; alarm !== undefined && alarm.at <= end; alarm = this.#alarms[0]) {
      this.#alarms.shift();
      this.#now = Math.max(this.#now, alarm.at);
      alarm.fire();
      await settle();
    }
    this.#now = Math.max(this.#now, end);
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}
