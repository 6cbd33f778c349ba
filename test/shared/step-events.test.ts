import { expect, test } from "vitest";
import { isTerminal, type StepEventType } from "../../src/shared/step-events.ts";

const IS_TERMINAL: Record<StepEventType, boolean> = {
  start: false,
  partial: false,
  reasoning: false,
  "tool-call": false,
  "tool-result": false,
  context: false,
  progress: false,
  log: false,
  final: true,
  error: true,
  interrupt: true,
};

test.each(Object.entries(IS_TERMINAL))("isTerminal() says of %s: %s", (type, expected) => {
  expect(isTerminal(type)).toBe(expected);
});
