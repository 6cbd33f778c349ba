/** The guest's clock: its machine's, or one whose times are the same whenever it runs again. */
import type { ClockConfig, ClockReads } from "../../../src/shared/contract/features.ts";
import { FRAMES } from "../../../src/shared/contract/frame-kinds.ts";
import { OPS } from "../../../src/shared/contract/ops.ts";
import { append, DateNow, MathFloor, MathMax } from "../../../src/shared/primordials.ts";
import { afterWaiting, callSync, onFrame, tellFirst, toCall } from "../core/kernel.ts";

/** Times that are told together at most. */
const MAX_UNTOLD = 4096;

interface Clock {
  /** Milliseconds since the epoch, a whole number. */
  now(): number;
  /** Milliseconds since the realm began, where that is not asked of the host. */
  elapsed?(): number;
}

let clock: Clock = { now: DateNow };

export function currentMs(): number {
  return clock.now();
}

/** The machine's own time, for what no script gets to see. */
export function machineMs(): number {
  return DateNow();
}

/** Undefined where the host is to be asked. */
export function virtualElapsedMs(): number | undefined {
  return clock.elapsed?.();
}

export function setClock(config: ClockConfig): void {
  if (config.mode === "live") clock = liveClock();
  else if (config.mode === "replay") clock = replayedClock(config.reads);
  else if (config.mode === "resume") clock = resumedClock(config.reads, config.attempt);
  else clock = virtualClock(config.now);
}

/**
 * Tells its host what was read, so that it can be read again.
 *
 * @param count how many reads came before
 */
function liveClock(count = 0): Clock {
  let last = NaN;
  let untold: [number, number][] = [];
  let tell!: () => void;
  tellFirst((note) => {
    tell = () => {
      if (untold.length === 0) return;
      const reads = untold;
      untold = [];
      note(toCall(OPS.clock_reads, { reads }));
    };
    return tell;
  });
  return {
    now() {
      const ms = DateNow();
      count++;
      if (ms !== last) {
        last = ms;
        append(untold, [count, ms]);
        if (untold.length >= MAX_UNTOLD) tell();
      }
      return ms;
    },
  };
}

/** Reads what was read, until it is said that this attempt goes on. */
function resumedClock(reads: ClockReads, attempt: number): Clock {
  const then = replayedClock(reads);
  let present: Clock = then;
  onGoingOn = (goesOn) => {
    if (goesOn === attempt) present = liveClock(then.count());
  };
  return { now: () => present.now() };
}

let onGoingOn: (attempt: number) => void = () => {};

/** The attempt of this number at an execution goes on from where the one before it was. */
export function goOn(attempt: number): void {
  onGoingOn(attempt);
}

function replayedClock(reads: ClockReads): Clock & { count(): number } {
  let count = 0;
  let next = 0;
  let ms = 0;
  return {
    count: () => count,
    now() {
      count++;
      while (next < reads.length && reads[next]![0] <= count) ms = reads[next++]![1];
      return ms;
    },
  };
}

/** Each read takes a microsecond of it; the host says when it jumps. */
function virtualClock(start: number): Clock {
  let count = 0;
  let micros = 0;
  let toldMicros = 0;
  onFrame(FRAMES.clock_jump, (elapsedMs) => {
    micros = MathMax(micros, MathFloor(elapsedMs * 1000 + 0.5));
    toldMicros = micros;
  });
  tellFirst((note) => () => {
    if (micros - toldMicros < 1000) return;
    toldMicros = micros;
    note(toCall(OPS.clock_reads, { reads: [[count, micros / 1000]] }));
  });
  // Time passes while the guest waits, and no entry can tell it so.
  afterWaiting(() => {
    micros = MathMax(micros, MathFloor(callSync(OPS.clock_now, {}) * 1000 + 0.5));
    toldMicros = micros;
  });
  const read = (): number => {
    count++;
    return ++micros;
  };
  return {
    now: () => start + MathFloor(read() / 1000),
    elapsed: () => read() / 1000,
  };
}
