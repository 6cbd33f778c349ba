import { FRAMES } from "../../src/shared/contract/frame-kinds.ts";
import { OPS } from "../../src/shared/contract/ops.ts";
import { limitError } from "../../src/engine/limits.ts";
import type { SetupFunction } from "../../src/engine/engine.ts";
import { parseFields } from "../../src/engine/guest-messages.ts";
import type { VmHost } from "../../src/engine/setup/vm-host.ts";
import { GeppettoError } from "../../src/shared/errors.ts";
import { MAX_TIMER_MS } from "../../src/shared/limits.ts";

type TimerKind = "timeout" | "interval" | "immediate" | "weak";

interface Timer {
  id: number;
  kind: TimerKind;
  ms: number;
  deadline: number;
  release(): void;
}

/** What the guest asked for, checked. */
function parseTimer(args: unknown): Pick<Timer, "id" | "kind" | "ms"> {
  const { id, kind, ms } = parseFields(args);
  const known = kind === "timeout" || kind === "interval" || kind === "immediate" || kind === "weak";
  if (!known || !Number.isSafeInteger(id) || typeof ms !== "number" || !(ms >= 0 && ms <= MAX_TIMER_MS)) {
    throw new GeppettoError("ValidationError", "Cannot start a timer: the request is malformed");
  }
  return { id: id as number, kind, ms };
}

/** Timers beyond the limit that a guest may start of whose last ticks the host has not yet heard that they are over. */
const UNHEARD_TIMERS = 128;

/** Turns that a due timer lets go first while the guest is busy, so that a long stream cannot starve it. */
const MAX_TURNS_FIRST = 256;

/**
 * The pending timers of one engine. Their order depends on what the script said, not on how busy the host is: timers
 * that one turn starts count from the same moment, and the due ones go in one deadline at a time, each when everything
 * that the guest can do without waiting has been done.
 */
class TimerQueue {
  readonly #host: VmHost;
  readonly #timers = new Map<number, Timer>();
  /** By deadline, then by when they were started. */
  #due: Timer[] = [];
  #disarm: () => void = () => {};
  #ringing = false;
  /** Ticks of timers that are done with, on their way into the guest. */
  #firing = 0;
  #turn = -1;
  #turnTime = 0;

  constructor(host: VmHost) {
    this.#host = host;
  }

  start(args: unknown): void {
    const { id, kind, ms } = parseTimer(args);
    const { timers: limit } = this.#host.limits;
    if (this.#timers.size + this.#firing >= limit + UNHEARD_TIMERS) {
      this.#host.endScript(limitError("timers", limit));
      return;
    }
    if (this.#timers.has(id)) throw new GeppettoError("ValidationError", "Cannot start a timer: its id is taken");
    const release = this.#host.hold("timer", { weak: kind === "weak" });
    const timer: Timer = { id, kind, ms, deadline: this.#now() + ms, release };
    this.#timers.set(id, timer);
    if (kind === "immediate") this.#fire(timer);
    else this.#schedule(timer);
  }

  clear(id: unknown): void {
    const timer = this.#timers.get(id as number);
    if (timer !== undefined) this.#remove(timer);
  }

  clearAll(): void {
    this.#disarm();
    this.#due = [];
    for (const timer of this.#timers.values()) timer.release();
    this.#timers.clear();
  }

  /** The time at which the present turn began, as far as the host can tell. */
  #now(): number {
    const turn = this.#host.turns();
    if (turn !== this.#turn || this.#host.clock !== undefined) {
      this.#turn = turn;
      this.#turnTime = this.#elapsed();
    }
    return this.#turnTime;
  }

  /** Milliseconds since some moment. */
  #elapsed(): number {
    return this.#host.clock?.guestElapsed ?? this.#host.pace.steady();
  }

  /** The timer goes off, whatever the time is: an execution is brought back to where it did. */
  fire(id: number): void {
    const timer = this.#timers.get(id);
    if (timer === undefined) return;
    const index = this.#due.indexOf(timer);
    if (index >= 0) this.#due.splice(index, 1);
    this.#fire(timer);
  }

  /** Time goes on. */
  resume(): void {
    this.#arm();
  }

  #schedule(timer: Timer): void {
    let low = 0;
    let high = this.#due.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#due[middle]!.deadline <= timer.deadline) low = middle + 1;
      else high = middle;
    }
    this.#due.splice(low, 0, timer);
    if (low === 0) this.#arm();
  }

  #arm(): void {
    this.#disarm();
    const [next] = this.#due;
    const { clock, pace } = this.#host;
    if (next === undefined || this.#ringing || pace.isHeld) return;
    if (clock !== undefined) {
      // It rings when nothing else is under way.
      this.#disarm = clock.at(next.deadline, () => {
        this.#fireNext();
        this.#arm();
      });
      return;
    }
    const alarm = setTimeout(() => void this.#ring(), Math.max(1, Math.ceil(next.deadline - pace.steady())));
    this.#disarm = () => clearTimeout(alarm);
  }

  async #ring(): Promise<void> {
    this.#ringing = true;
    while (this.#isDue) {
      await this.#host.quiet(MAX_TURNS_FIRST);
      // What was due may have been cleared meanwhile.
      if (this.#isDue) this.#fireNext();
    }
    this.#ringing = false;
    this.#arm();
  }

  get #isDue(): boolean {
    return this.#due.length > 0 && this.#due[0]!.deadline <= this.#host.pace.steady();
  }

  /** Fires the timers of the next deadline. */
  #fireNext(): void {
    const deadline = this.#due[0]?.deadline;
    let count = 0;
    while (count < this.#due.length && this.#due[count]!.deadline === deadline) count++;
    for (const timer of this.#due.splice(0, count)) this.#fire(timer);
  }

  #fire(timer: Timer): void {
    const fired = this.#host.enter(FRAMES.timer_fire, timer.id);
    if (timer.kind !== "interval") {
      this.#remove(timer);
      this.#firing++;
      void fired.then(() => void this.#firing--);
      return;
    }
    // The next tick counts from the end of this one, so a slow callback never piles up ticks.
    void fired.then(() => {
      if (this.#timers.get(timer.id) !== timer) return;
      timer.deadline = this.#elapsed() + timer.ms;
      this.#schedule(timer);
    });
  }

  #remove(timer: Timer): void {
    this.#timers.delete(timer.id);
    const index = this.#due.indexOf(timer);
    if (index >= 0) this.#due.splice(index, 1);
    timer.release();
  }
}

/** setTimeout, setInterval, setImmediate and what clears them. */
export function setupTimers(): SetupFunction {
  return function timers(vm) {
    const queue = new TimerQueue(vm.host);
    vm.host.setOp(OPS.timer_start, (args) => queue.start(args));
    vm.host.setOp(OPS.timer_clear, (args) => queue.clear(parseFields(args).id));
    vm.host.pace.onDue(FRAMES.timer_fire.name, (id) => queue.fire(Number(id)));
    vm.host.pace.onRelease(() => queue.resume());
    vm.host.onReset(() => queue.clearAll());
    vm.host.later(vm.install("timers"));
  };
}
