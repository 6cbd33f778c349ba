/** What combinators are given, checked when they are called: each error says which argument is wrong, and how. */
import { MAX_TIMER_MS } from "../../../src/shared/limits.ts";
import { isArray, NumberIsInteger, SafeTypeError } from "../../../src/shared/primordials.ts";
import { checkOptions } from "../core/calls.ts";
import { guestError } from "../core/errors.ts";
import type { StepBinding } from "./step-body.ts";
import { bindingOf } from "./steps.ts";

export type ScriptFunction = (...args: never[]) => unknown;

/** A step as a combinator uses it: the object that owns its runs, and what is behind it. */
export interface GivenStep {
  step: object;
  binding: StepBinding;
}

function nameOf(value: unknown): string {
  if (value === undefined) return "it is missing";
  if (value === null) return "not null";
  if (bindingOf(value) !== undefined) return "not a step";
  if (isArray(value)) return "not an array";
  return typeof value === "object" ? "not an object" : `not ${typeof value === "number" ? value : `a ${typeof value}`}`;
}

function refuse(what: string, argument: string, expected: string, value: unknown): Error {
  return new SafeTypeError(`Cannot ${what}: ${argument} must be ${expected}, ${nameOf(value)}`);
}

/** `what` is what was to be done ("create a lambda step"), here and below. */
export function functionArgument(what: string, argument: string, value: unknown): ScriptFunction {
  if (typeof value === "function") return value as ScriptFunction;
  throw refuse(what, argument, "a function", value);
}

export function optionalFunction(what: string, argument: string, value: unknown): ScriptFunction | undefined {
  return value === undefined ? undefined : functionArgument(what, argument, value);
}

export function stepArgument(what: string, argument: string, value: unknown, expected = "a step"): GivenStep {
  const binding = bindingOf(value);
  if (binding === undefined) throw refuse(what, argument, expected, value);
  return { step: value as object, binding };
}

/** `known` are the fields that it may have; without it any. */
export function objectArgument(
  what: string,
  argument: string,
  value: unknown,
  known?: readonly string[],
): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !isArray(value) && bindingOf(value) === undefined) {
    if (known !== undefined) checkOptions(what, value, known);
    return value as Record<string, unknown>;
  }
  throw refuse(what, argument, "an object", value);
}

/** A whole number of at least 1; `fallback` where it is missing. */
export function countArgument(what: string, argument: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== "number") throw refuse(what, argument, "a whole number of at least 1", value);
  if (NumberIsInteger(value) && value >= 1) return value;
  throw guestError("ValidationError", `Cannot ${what}: ${argument} must be a whole number of at least 1, not ${value}`);
}

/** A time in milliseconds that a timer can wait. */
export function msArgument(what: string, argument: string, value: unknown): number {
  if (typeof value !== "number") throw refuse(what, argument, "a number of milliseconds", value);
  if (value >= 0 && value <= MAX_TIMER_MS) return value;
  throw guestError(
    "ValidationError",
    `Cannot ${what}: ${argument} must be between 0 and ${MAX_TIMER_MS} milliseconds, not ${value}`,
  );
}
