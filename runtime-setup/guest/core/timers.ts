import { NumberIsFinite, SafeMap, SafeNumber, SafeTypeError } from "../../../src/shared/primordials.ts";
import { MAX_TIMER_MS } from "../../../src/shared/limits.ts";
import { FRAMES } from "../../../src/shared/contract/frame-kinds.ts";
import { OPS } from "../../../src/shared/contract/ops.ts";
import { defineOperation } from "../web/define-class.ts";
import { callNote, checkLimit, currentCause, guard, onFrame, onReset, setCause } from "./kernel.ts";

interface Timer {
  callback: (...args: never[]) => unknown;
  args: unknown[];
  repeat: boolean;
  /** What it was started for. */
  cause: string | undefined;
}

const timers = new SafeMap<number, Timer>();
let nextId = 1;

function start(
  timer: Omit<Timer, "cause">,
  delay: unknown,
  kind: "timeout" | "interval" | "immediate" | "weak",
): number {
  const asked = typeof delay === "number" ? delay : SafeNumber(delay);
  // A longer delay becomes 1 ms in browsers and Node too.
  const ms = NumberIsFinite(asked) && asked >= 1 && asked <= MAX_TIMER_MS ? asked : 1;
  checkLimit("timers", timers.size + 1);
  const id = nextId++;
  callNote(OPS.timer_start, { id, ms, kind });
  const { callback, args, repeat } = timer;
  timers.set(id, { callback, args, repeat, cause: currentCause() });
  return id;
}

/** Starts a timer of our own. A weak one does not keep a settled script alive. */
export function startTimer(
  callback: () => void,
  ms: number,
  options: { weak?: boolean; repeat?: boolean; immediate?: boolean } = {},
): number {
  const repeat = options.repeat ?? false;
  const kind = options.immediate ? "immediate" : options.weak ? "weak" : repeat ? "interval" : "timeout";
  return start({ callback, args: [], repeat }, ms, kind);
}

/** Stops a timer; an id that is unknown or no longer pending is ignored. */
export function clearTimer(id: number): void {
  if (timers.delete(id)) callNote(OPS.timer_clear, { id });
}

function checked(callback: unknown, name: string): Timer["callback"] {
  if (typeof callback === "function") return callback as Timer["callback"];
  throw new SafeTypeError(`Cannot call ${name}: the callback must be a function, not ${typeof callback}`);
}

function clear(id: unknown): void {
  const known = typeof id === "object" || id === undefined ? NaN : SafeNumber(id);
  if (NumberIsFinite(known)) clearTimer(known);
}

export function installTimers(): void {
  onFrame(FRAMES.timer_fire, (id) => {
    const timer = timers.get(id);
    if (timer === undefined) return;
    if (!timer.repeat) timers.delete(id);
    setCause(timer.cause);
    guard(timer.callback, timer.args);
  });
  onReset(() => timers.clear());
  const timed = (name: string, kind: "timeout" | "interval"): ((callback: unknown, delay: unknown) => number) =>
    ({
      [name](callback: unknown, delay: unknown, ...args: unknown[]): number {
        return start({ callback: checked(callback, name), args, repeat: kind === "interval" }, delay, kind);
      },
    })[name]!;
  defineOperation("setTimeout", timed("setTimeout", "timeout"));
  defineOperation("setInterval", timed("setInterval", "interval"));
  defineOperation("setImmediate", function setImmediate(callback: unknown, ...args: unknown[]): number {
    return start({ callback: checked(callback, "setImmediate"), args, repeat: false }, 1, "immediate");
  });
  defineOperation("clearTimeout", function clearTimeout(id: unknown): void {
    clear(id);
  });
  defineOperation("clearInterval", function clearInterval(id: unknown): void {
    clear(id);
  });
  defineOperation("clearImmediate", function clearImmediate(id: unknown): void {
    clear(id);
  });
}
