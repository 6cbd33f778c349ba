/** The steps that scripts put around another one: what they pass on of it stays what it was, text in pieces included. */
import { MAX_TIMER_MS } from "../../../src/shared/limits.ts";
import { append, MathMin, SafePromise } from "../../../src/shared/primordials.ts";
import {
  countArgument,
  functionArgument,
  msArgument,
  objectArgument,
  optionalFunction,
  stepArgument,
  type GivenStep,
  type ScriptFunction,
} from "./combinator-arguments.ts";
import { callContext, callEffect, createGuestStep, resultCallEffect, resultsLike, runEffect } from "./combinators.ts";
import type { Body, StepBinding } from "./step-body.ts";
import { GUEST_STEP } from "../../../src/shared/contract/runs.ts";
import { guestError } from "../core/errors.ts";
import { guard, reportUncaught } from "../core/kernel.ts";
import { currentGeneration } from "./runs.ts";
import { bindingFor, createStepObject, type StepObject } from "./steps.ts";
import { noteHandled } from "./unread-errors.ts";

/** A step of the inner one's kind, with whatever that depends on. */
export function wrap(type: string, { binding }: GivenStep, body: Body): StepObject {
  const { inputType, kind } = binding;
  const wrapper: StepBinding = { step: GUEST_STEP, type, inputType, ...resultsLike(binding), kind, body };
  if (binding.forInput !== undefined) {
    const forInput = (input: unknown): StepBinding => ({ ...wrapper, kind: bindingFor(binding, input).kind });
    return createStepObject({ ...wrapper, forInput });
  }
  return createStepObject(wrapper);
}

/** A cancel is not a failure: nothing is tried again after it. */
function isAbortError(error: unknown): boolean {
  try {
    return (error as { name?: unknown }).name === "AbortError";
  } catch {
    return false;
  }
}

const DEFAULT_ATTEMPTS = 3;
const RETRY_OPTIONS: readonly string[] = ["maxAttempts", "backoff", "shouldRetry"];

/** `withRetry(step, {maxAttempts, backoff, shouldRetry})`: runs it again when it fails. */
export function withRetry(step: unknown, options: unknown = {}): StepObject {
  const what = "create a step with retries";
  const given = stepArgument(what, "step", step);
  const { maxAttempts, backoff, shouldRetry } = objectArgument(what, "options", options, RETRY_OPTIONS);
  const attempts = countArgument(what, "maxAttempts", maxAttempts, DEFAULT_ATTEMPTS);
  const backoffOf = optionalFunction(what, "backoff", backoff);
  const decide = optionalFunction(what, "shouldRetry", shouldRetry);
  return wrap("retry", given, function* (input, run) {
    // Text that has been seen cannot be taken back; results of a list can wait until the attempt has succeeded.
    const forwards = bindingFor(given.binding, input).kind === "text";
    for (let attempt = 1; ; attempt++) {
      let results: unknown[];
      try {
        results = (yield runEffect(given, input, { forwards })) as unknown[];
      } catch (error) {
        if (attempt >= attempts || run.progress.hasEmitted || isAbortError(error)) throw error;
        let again = true;
        try {
          if (decide !== undefined) again = Boolean(yield callEffect(decide, [error], "shouldRetry"));
        } catch (thrown) {
          reportUncaught(thrown);
          again = false;
        }
        if (!again) throw error;
        let ms = 0;
        try {
          if (backoffOf !== undefined) ms = toWaitingTime(yield callEffect(backoffOf, [attempt], "backoff"));
        } catch (thrown) {
          reportUncaught(thrown);
        }
        if (ms > 0) yield { do: "sleep", ms };
        continue;
      }
      if (!forwards) for (let i = 0; i < results.length; i++) yield { do: "result", value: results[i] };
      return;
    }
  });
}

function toWaitingTime(value: unknown): number {
  if (typeof value === "number" && value >= 0) return MathMin(value, MAX_TIMER_MS);
  const found = typeof value === "number" ? value : value === null ? "null" : typeof value;
  throw guestError(
    "ValidationError",
    `Cannot wait before the next attempt: backoff must give a number of milliseconds, not ${found}`,
  );
}

/** `withTimeout(step, ms)`: ends in a TimeoutError when the step takes longer. */
export function withTimeout(step: unknown, ms: unknown): StepObject {
  const what = "create a step with a timeout";
  const given = stepArgument(what, "step", step);
  const timeoutMs = msArgument(what, "ms", ms);
  return wrap("timeout", given, function* (input) {
    yield runEffect(given, input, { forwards: true, timeoutMs });
  });
}

/** `withEvents(step, {onStart, onResult, onComplete, onError})`: tells the hooks what happens; it happens all the same. */
export function withEvents(step: unknown, hooks: unknown): StepObject {
  const what = "create a step with events";
  const given = stepArgument(what, "step", step);
  const named = objectArgument(what, "hooks", hooks, ["onStart", "onResult", "onComplete", "onError"]);
  const hookOf = (name: string): ((...args: unknown[]) => void) => {
    const hook = optionalFunction(what, name, named[name]);
    return (...args) => {
      if (hook !== undefined) guard(hook, args);
    };
  };
  const onStart = hookOf("onStart");
  const onResult = hookOf("onResult");
  const onComplete = hookOf("onComplete");
  const onError = hookOf("onError");
  const hasErrorHook = named["onError"] !== undefined;
  return wrap("events", given, function* (input) {
    onStart(input);
    try {
      yield runEffect(given, input, { forwards: true, onResult });
    } catch (error) {
      if (hasErrorHook) noteHandled(error);
      onError(error);
      throw error;
    }
    onComplete();
  });
}

/** Executions of one step, one at a time, in the order in which they came. */
class Turnstile {
  readonly #waiting: Ticket[] = [];
  #isTaken = false;
  #generation = currentGeneration();

  /** Undefined where the way is free; a promise that is fulfilled when it is. */
  take(ticket: Ticket): Promise<void> | undefined {
    if (this.#generation !== currentGeneration()) {
      // The executions of a script that has ended never leave.
      this.#waiting.length = 0;
      this.#isTaken = false;
      this.#generation = currentGeneration();
    }
    if (!this.#isTaken) {
      this.#isTaken = true;
      ticket.isInside = true;
      return undefined;
    }
    return new SafePromise((resolve) => {
      ticket.enter = () => {
        ticket.isInside = true;
        resolve();
      };
      append(this.#waiting, ticket);
    });
  }

  /** Lets the next one in; a ticket that still waits gives up its place. */
  leave(ticket: Ticket): void {
    if (ticket.isInside) {
      const next = this.#waiting[0];
      this.#drop(next);
      if (next === undefined) this.#isTaken = false;
      else next.enter();
    } else this.#drop(ticket);
  }

  #drop(ticket: Ticket | undefined): void {
    let kept = 0;
    for (let i = 0; i < this.#waiting.length; i++) {
      if (this.#waiting[i] !== ticket) this.#waiting[kept++] = this.#waiting[i]!;
    }
    this.#waiting.length = kept;
  }
}

interface Ticket {
  isInside: boolean;
  enter(): void;
}

/** `withState({initialState, step(input, state)})`: the state lasts over executions, which never overlap. */
export function withState(options: unknown): StepObject {
  const what = "create a step with state";
  const { initialState, step } = objectArgument(what, "options", options, ["initialState", "step"]);
  const state = objectArgument(what, "initialState", initialState);
  const fn: ScriptFunction = functionArgument(what, "step", step);
  const turnstile = new Turnstile();
  return createGuestStep({
    type: "state",
    kind: "single",
    *body(input, run) {
      const ticket: Ticket = { isInside: false, enter() {} };
      try {
        yield callEffect(() => turnstile.take(ticket), [], "another execution of the step with state");
        yield {
          do: "result",
          value: yield resultCallEffect(fn, [input, state, callContext(run)], "the function of the step with state"),
        };
      } finally {
        turnstile.leave(ticket);
      }
    },
  });
}
