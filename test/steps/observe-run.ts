/** A step run on its own: no bus, no guest, no clock. */
import { expect } from "vitest";
import { isTerminal, type StepEvent, type StepKind } from "../../src/shared/step-events.ts";
import { StepRun, type StepRunOptions } from "../../src/steps/step-run.ts";
import type { StepContext, StepSource } from "../../src/steps/step.ts";

export interface ObservedRun {
  run: StepRun;
  /** What has been handed over so far. */
  events: StepEvent[];
  types(): string[];
}

type Body = (context: StepContext, input: unknown) => AsyncIterable<unknown>;

export function sourceOf(kind: StepKind, body: Body): StepSource {
  return {
    info: { type: "test", inputType: "any", outputType: "any", kind },
    run: (input, context) => body(context, input),
  };
}

/** A run whose clock moves by one with each look at it. */
export function observe(source: StepSource, options: Partial<StepRunOptions> = {}): ObservedRun {
  const events: StepEvent[] = [];
  let time = 1000;
  const run = new StepRun({
    id: "run-1",
    source,
    now: () => time++,
    ...options,
    publish(event, error) {
      const published = options.publish?.(event, error) ?? Promise.resolve();
      events.push(event);
      return published;
    },
  });
  return { run, events, types: () => events.map(({ type }) => type) };
}

/** A step that says these pieces of a text. */
export function saying(...deltas: readonly string[]): StepSource {
  return sourceOf("text", async function* ({ publish }) {
    for (const delta of deltas) await publish({ type: "partial", delta });
    yield deltas.join("");
  });
}

/** A step that has these pieces of a text to say and never ends, whatever its signal says. */
export function hanging(...deltas: readonly string[]): StepSource {
  return sourceOf("text", async function* ({ publish }) {
    for (const delta of deltas) await publish({ type: "partial", delta });
    await new Promise(() => {});
    yield "never";
  });
}

/** A start first, one terminal event, the last, and numbers without a gap. */
export function expectOneEnd(events: readonly StepEvent[]): void {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i));
  expect(events[0]?.type).toBe("start");
  expect(events.map(({ type }, i) => isTerminal(type) === (i === events.length - 1))).not.toContain(false);
}
