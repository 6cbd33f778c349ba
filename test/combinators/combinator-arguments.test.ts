import { describe, expect, it } from "vitest";
import { withEngine } from "../engine/engine-harness.ts";
import { valueOf } from "./script-value.ts";

describe("a script that has poisoned the prototypes", () => {
  it("neither breaks the combinators nor sees what passes through them", async () => {
    const value = await valueOf(`
      const seen = [];
      const double = steps.createLambdaStep(async (x) => x * 2);
      const now = steps.createLambdaStep((x) => x * 2);
      let n = 0;
      const flaky = steps.createLambdaStep((x) => { if (++n % 2 === 1) throw new Error("odd"); return x });
      const made = [
        steps.compose([(x) => [x, x + 1], double]), steps.createMapStep((x) => x),
        steps.createParallelStep({ maxConcurrency: 2, step: double }), steps.withRetry(flaky, { backoff: () => 1 }),
        steps.withTimeout(double, 1000), steps.withEvents(double, { onResult() {} }),
        steps.withState({ initialState: {}, step: (x) => x }), steps.createStep({ process: (x) => x }),
      ];
      const generator = Object.getPrototypeOf(Object.getPrototypeOf((function* () {})()));
      const each = (list, f) => { for (let i = 0; i < list.length; i++) f(list[i]) };
      const spoil = (owner, names) => each(names, (name) => { owner[name] = function () { seen[seen.length] = name; throw new Error("poisoned") } });
      const results = [], keep = (list) => { results[results.length] = list[0] };
      // From here on nothing of this script uses what it has spoiled.
      spoil(Array.prototype, ["push", "shift", "splice", "slice", "map", "forEach", "join", "concat", Symbol.iterator]);
      spoil(generator, ["next", "return", "throw", Symbol.iterator]);
      spoil(Promise, ["all", "resolve", "reject", "race"]);
      spoil(Map.prototype, ["get", "set", "delete", "has", "forEach"]);
      spoil(Set.prototype, ["add", "delete", "has", "forEach"]);
      spoil(JSON, ["stringify", "parse"]);
      spoil(Function.prototype, ["call", "apply", "bind"]);
      each(["kind", "forInput", "signal", "value", "done", "step", "input", "body", "failure", "enter"], (name) => {
        Object.defineProperty(Object.prototype, name, { __proto__: null, set() { seen[seen.length] = name }, get() { return undefined }, configurable: true });
      });
      for (let i = 0; i < made.length; i++) keep(await made[i].startAsync(i + 1));
      for (let i = 0; i < made.length; i++) if (i !== 0 && i !== 2 && i !== 4 && i !== 5) keep(made[i].startBlocking(i + 1));
      keep(await steps.bind([9], now));
      let text = "";
      for (let i = 0; i < seen.length; i++) text += (typeof seen[i] === "symbol" ? "symbol" : seen[i]) + " ";
      let shown = "";
      for (let i = 0; i < results.length; i++) shown += results[i] + " ";
      export default text + " " + shown;`);
    expect(value).toBe(" 2 2 6 4 10 12 7 8 2 4 7 8 18 ");
  });
});

describe("a wrong argument", () => {
  const wrong: [string, string][] = [
    ["steps.createLambdaStep()", "TypeError: Cannot create a lambda step: fn must be a function, it is missing"],
    ["steps.createLambdaStep(doubleStep)", "TypeError: Cannot create a lambda step: fn must be a function, not a step"],
    ["steps.createMapStep([1])", "TypeError: Cannot create a map step: fn must be a function, not an array"],
    ["steps.createStep()", "TypeError: Cannot create a step: options must be an object, it is missing"],
    ["steps.createStep({ output: 'x' })", "TypeError: Cannot create a step: output must be a function, not a string"],
    [
      "steps.compose(doubleStep)",
      "TypeError: Cannot compose steps: stages must be an array of steps and functions, not object",
    ],
    ["steps.compose([doubleStep, null])", "TypeError: Cannot compose steps: stages[1] must be a step, not null"],
    ["steps.bind([1], (x) => x)", "TypeError: Cannot bind results: step must be a step, not a function"],
    [
      "steps.bind(1, doubleStep)",
      "TypeError: Cannot bind results: results must be an array, or a promise of one, not number",
    ],
    [
      "steps.createParallelStep({ step: doubleStep, maxConcurrency: 0 })",
      "ValidationError: Cannot create a parallel step: maxConcurrency must be a whole number of at least 1, not 0",
    ],
    [
      "steps.createParallelStep({ maxConcurrency: 1 })",
      "TypeError: Cannot create a parallel step: step must be a step, it is missing",
    ],
    [
      "steps.withRetry(doubleStep, { maxAttempts: 1.5 })",
      "ValidationError: Cannot create a step with retries: maxAttempts must be a whole number of at least 1, not 1.5",
    ],
    [
      "steps.withRetry(doubleStep, { backoff: 100 })",
      "TypeError: Cannot create a step with retries: backoff must be a function, not 100",
    ],
    [
      "steps.withTimeout(doubleStep, -1)",
      "ValidationError: Cannot create a step with a timeout: ms must be between 0 and 2147483647 milliseconds, not -1",
    ],
    [
      "steps.withTimeout(doubleStep)",
      "TypeError: Cannot create a step with a timeout: ms must be a number of milliseconds, it is missing",
    ],
    [
      "steps.withState({ step() {} })",
      "TypeError: Cannot create a step with state: initialState must be an object, it is missing",
    ],
    [
      "steps.withState({ initialState: {}, step: doubleStep })",
      "TypeError: Cannot create a step with state: step must be a function, not a step",
    ],
    [
      "steps.withEvents(doubleStep, { onResult: 1 })",
      "TypeError: Cannot create a step with events: onResult must be a function, not 1",
    ],
    ["doubleStep.runWithEvents(1)", "TypeError: Cannot start the step: onEvent is missing, it must be a function"],
    [
      "doubleStep.startWithCallbacks(1, { onDone: 1 })",
      "TypeError: Cannot start the step: onDone must be a function, not number",
    ],
    [
      "doubleStep.startWithCallbacks(1, 5)",
      "TypeError: Cannot start the step: callbacks must be an object, not number",
    ],
    ["doubleStep.startAsync(1, { signal: {} })", "TypeError: Cannot use options.signal: it must be an AbortSignal"],
    [
      "embeddings.createStep({ dimensions: 0 })",
      "ValidationError: Cannot create an embedding step: dimensions must be a whole number of at least 1",
    ],
  ];

  it("is named by an error at the call", () =>
    withEngine({ isolation: "thread" }, async ({ run }) => {
      const calls = wrong.map(([code]) => `() => ${code}`).join(",\n");
      const { value } = await run(
        `export default [${calls}].map((f) => { try { f(); return "accepted" } catch (e) { return e.name + ": " + e.message } })`,
      );
      expect(value).toEqual(wrong.map(([, message]) => message));
    }));
});
