import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { timeSource, type TimeSource } from "../../src/base/time/time-source.ts";
import { ExecutionClock } from "../../src/engine/execution/execution-clock.ts";
import { MAX_TIMER_MS } from "../../src/shared/limits.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const lasting = (): TimeSource =>
  new ExecutionClock(
    1,
    () => {},
    () => {},
  );

it.each<[string, () => TimeSource]>([
  ["this machine's", timeSource],
  ["that of an execution that lasts", lasting],
])("A time longer than a timer can measure is waited for whole, by %s", (_, source) => {
  const time = source();
  const rung: string[] = [];
  time.after(2 * MAX_TIMER_MS + 1000, () => rung.push("long"));
  const stop = time.after(MAX_TIMER_MS + 1000, () => rung.push("stopped"));
  vi.advanceTimersByTime(MAX_TIMER_MS + 500);
  stop();
  vi.advanceTimersByTime(MAX_TIMER_MS);
  expect(rung).toEqual([]);
  vi.advanceTimersByTime(500);
  expect(rung).toEqual(["long"]);
});
