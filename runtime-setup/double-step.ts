import type { SetupFunction } from "../src/engine/engine.ts";
import { GeppettoError } from "../src/shared/errors.ts";
import { defineStep } from "../src/steps/define-step.ts";

function parseNumber(value: unknown): number {
  if (typeof value === "number") return value;
  const found = value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
  throw new GeppettoError("ValidationError", `Cannot double the input: expected a number, not ${found}`);
}

/** `doubleStep`: the step to try steps with; a number in, twice the number out. */
export function setupDoubleStep(): SetupFunction {
  const double = defineStep({
    name: "double",
    inputType: "number",
    outputType: "number",
    input: parseNumber,
    effect: "none",
    async *run(input) {
      yield input * 2;
    },
  });
  return function doubleStep(vm) {
    vm.host.later(vm.registerStep("doubleStep", double));
  };
}
