/** What scripts use to watch runs, and what holds for the events of every run. */
import { expect } from "vitest";
import type { StepEvent } from "../../src/index.ts";
import { isTerminal } from "../../src/shared/step-events.ts";

/**
 * A script's prelude on one line: `watch(step, input, act?)` resolves with the events of a run, some time after the
 * last one, so that one that should not follow would be seen. `act(event, id)` is called with each.
 */
export const WATCH: string =
  "const watch = (step, input, act = () => {}, options) => new Promise((resolve) => {" +
  " const events = []; const id = step.runWithEvents(input, (event) => { events.push({ ...event, id });" +
  ' if (["final", "error", "interrupt"].includes(event.type)) setTimeout(() => resolve(events), 15);' +
  " act(event, id); }, options); });\n";

/** An event as the guest got it, with the id that runWithEvents() returned. */
export type Watched = StepEvent & { id: string };

/** One start, one terminal event, the last; seq from 0 without a gap; completions that grow by their deltas. */
export function expectWellFormed(value: unknown): Watched[] {
  const events = value as Watched[];
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i));
  expect(events.filter(({ type }) => type === "start")).toHaveLength(1);
  expect(events[0]?.type).toBe("start");
  expect(events.filter(({ type }) => isTerminal(type))).toHaveLength(1);
  expect(isTerminal(events.at(-1)!.type)).toBe(true);
  for (const { id, step, time } of events) {
    expect(step.stepId).toBe(id);
    expect(time).toBeTypeOf("number");
  }
  return events;
}

/** The text that the partials brought, which is the last one's completion. */
export function deliveredText(events: readonly StepEvent[]): string {
  let text = "";
  for (const event of events) {
    if (event.type !== "partial") continue;
    text += event.delta;
    expect(event.completion).toBe(text);
  }
  return text;
}
