import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RuntimeEngine, setupDefaults } from "../../src/index.ts";

/**
 * The laws of steps, on steps that are made of data: an arrow takes a number to a list of numbers, after some time, or
 * fails for one of them.
 */
const arrow = fc.record({
  count: fc.integer({ min: 0, max: 3 }),
  factor: fc.integer({ min: -3, max: 3 }),
  delay: fc.constantFrom(-1, -1, 0, 1, 2),
  bad: fc.option(fc.integer({ min: -5, max: 5 }), { nil: undefined, freq: 6 }),
});
const numbers = fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 5 });
type Arrow = (typeof arrow)["generate"] extends (...args: never[]) => { value: infer T } ? T : never;

/** What the arrow is, without steps. */
function apply({ count, factor, bad }: Arrow, x: number): number[] {
  if (x === bad) throw new Error(`bad ${x}`);
  return Array.from({ length: count }, (_, i) => x * factor + i);
}

function bindAll(values: readonly number[], arrow: Arrow): number[] {
  return values.flatMap((x) => apply(arrow, x));
}

/** The value, or the message of what was thrown. */
function outcome(compute: () => unknown): unknown {
  try {
    return compute();
  } catch (error) {
    return (error as Error).message;
  }
}

const GUEST = `
var pause = (ms) => ms < 0 ? undefined : new Promise((resolve) => setTimeout(resolve, ms));
var listOf = ({ count, factor, bad }, x) => {
  if (x === bad) throw new Error("bad " + x);
  return Array.from({ length: count }, (_, i) => x * factor + i);
};
var stepOf = (arrow) => steps.compose([(x) => arrow.delay < 0 ? listOf(arrow, x) : pause(arrow.delay).then(() => listOf(arrow, x))]);
var of = steps.createLambdaStep((x) => x);
var outcome = (promise) => promise.then((list) => [...list], (error) => error.message);
var isTerminal = (event) => /^(final|error|interrupt)$/.test(event.type);
`;

let engine: RuntimeEngine;
beforeAll(async () => {
  engine = new RuntimeEngine({ isolation: "thread", setup: [setupDefaults()] });
  await engine.start();
  await engine.runOnLoop(GUEST);
});
afterAll(() => engine.close());

const evaluate = (code: string): Promise<unknown> => engine.runOnLoop(`(async () => { ${code} })()`);
const json = JSON.stringify;
const RUNS = { numRuns: 60 };

describe("bind()", () => {
  it("is associative", () =>
    fc.assert(
      fc.asyncProperty(numbers, arrow, arrow, async (values, f, g) => {
        const [left, right, composed] = (await evaluate(`
          const f = stepOf(${json(f)}), g = stepOf(${json(g)}), values = ${json(values)};
          return [
            await outcome(steps.bind(steps.bind(values, f), g)),
            await outcome(steps.bind(values, steps.compose([f, g]))),
            await outcome(steps.compose([(all) => all, f, g]).startAsync(values)),
          ];`)) as unknown[];
        expect(composed).toEqual(outcome(() => bindAll(bindAll(values, f), g)));
        if (typeof left === "string" || typeof right === "string") {
          // The one binds all of f first, the other goes depth first: both fail, maybe with another error.
          expect(typeof left).toBe(typeof right);
        } else expect(left).toEqual(right);
      }),
      RUNS,
    ));

  it("has an identity on both sides", () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: -5, max: 5 }), numbers, arrow, async (x, values, f) => {
        const [left, direct, right] = (await evaluate(`
          const f = stepOf(${json(f)});
          return [
            await outcome(steps.bind(of.startAsync(${x}), f)),
            await outcome(f.startAsync(${x})),
            await outcome(steps.bind(${json(values)}, of)),
          ];`)) as unknown[];
        expect(left).toEqual(direct);
        expect(direct).toEqual(outcome(() => apply(f, x)));
        expect(right).toEqual(values);
      }),
      RUNS,
    ));
});

describe("createMapStep()", () => {
  it("keeps the order of its input whatever the delays", () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: -1, max: 3 }), { maxLength: 8 }), async (delays) => {
        const results = await evaluate(`
          const map = steps.createMapStep(async ([i, delay]) => { await pause(delay); return i });
          return map.startAsync(${json(delays.map((delay, i) => [i, delay]))});`);
        expect(results).toEqual(delays.map((_, i) => i));
      }),
      RUNS,
    ));
});

describe("createParallelStep()", () => {
  it("gives the results in input order for every concurrency and every pattern of delays", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -1, max: 4 }), { maxLength: 10 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 0, max: 2 }),
        async (delays, maxConcurrency, count) => {
          const [results, streamed, most] = (await evaluate(`
            let now = 0, most = 0;
            const inner = steps.compose([async ([i, delay]) => {
              most = Math.max(most, ++now);
              await pause(delay);
              now--;
              return Array.from({ length: ${count} }, (_, k) => i * 10 + k);
            }]);
            const step = steps.createParallelStep({ maxConcurrency: ${maxConcurrency}, step: inner });
            const inputs = ${json(delays.map((delay, i) => [i, delay]))};
            const results = await step.startAsync(inputs);
            const streamed = [];
            for await (const result of step.stream(inputs)) streamed.push(result);
            return [[...results], streamed, most];`)) as [number[], number[], number];
          const expected = delays.flatMap((_, i) => Array.from({ length: count }, (__, k) => i * 10 + k));
          expect(results).toEqual(expected);
          expect(streamed).toEqual(expected);
          expect(most).toBeLessThanOrEqual(Math.min(maxConcurrency, delays.length));
        },
      ),
      RUNS,
    ));
});

describe("withRetry()", () => {
  it("calls at most maxAttempts times and succeeds as soon as one call does", () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 6 }),
        fc.boolean(),
        fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
        async (maxAttempts, failures, blocking, refusedAt) => {
          const start = blocking ? "(async () => step.startBlocking(1))()" : "step.startAsync(1)";
          const [result, calls] = (await evaluate(`
            let calls = 0;
            const flaky = steps.createLambdaStep(() => { if (++calls <= ${failures}) throw new Error("failure " + calls); return "good" });
            const step = steps.withRetry(flaky, {
              maxAttempts: ${maxAttempts},
              backoff: (attempt) => attempt === calls ? 0 : 60_000,
              shouldRetry: (error) => error.message !== "failure ${refusedAt}",
            });
            return [await outcome(${start}), calls];`)) as [unknown, number];
          const last = Math.min(maxAttempts, refusedAt ?? Infinity);
          expect(calls).toBe(Math.min(failures + 1, last));
          expect(result).toEqual(failures < last ? ["good"] : `failure ${last}`);
        },
      ),
      RUNS,
    ));
});

describe("withCache()", () => {
  it("changes nothing of a step but how often it runs, whatever the step is and however it is started", () =>
    fc.assert(
      fc.asyncProperty(
        arrow,
        fc.constantFrom("s", "steps.compose([s, of])", "steps.createParallelStep({ step: s })", "steps.withRetry(s)"),
        fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.constantFrom("startAsync", "events", "stream"), { minLength: 8, maxLength: 8 }),
        async (given, made, inputs, ways) => {
          const [plain, cached, runs] = (await evaluate(`
            let runs = 0;
            const s = steps.compose([(x) => { runs++; return x }, stepOf(${json(given)})]);
            const own = ({ meta, step, time, ...event }) => event;
            const collect = async (iterable, map) => { const all = []; for await (const x of iterable) all.push(map(x)); return all };
            const start = (step, input, way) =>
              outcome(way === "startAsync" ? step.startAsync(input) : collect(step[way](input), way === "events" ? own : String));
            const all = { plain: ${made}, cached: steps.withCache(${made}) };
            const results = [];
            for (const name of ["plain", "cached"]) {
              const list = [];
              runs = 0;
              for (const [i, input] of ${json(inputs)}.entries()) list.push(await start(all[name], input, ${json(ways)}[i]));
              results.push(list);
            }
            return [...results, runs];`)) as [unknown[], unknown[], number];
          expect(cached).toEqual(plain);
          const good = new Set(inputs.filter((x) => x !== given.bad));
          if (made !== "steps.withRetry(s)" && !inputs.includes(given.bad ?? NaN)) expect(runs).toBe(good.size);
          else expect(runs).toBeGreaterThanOrEqual(good.size);
        },
      ),
      RUNS,
    ));
});

describe("a run", () => {
  const wrappers = fc.constantFrom(
    "(s) => s",
    "(s) => steps.compose([s, of])",
    "(s) => steps.compose([(x) => s.startAsync(x)])",
    "(s) => steps.createParallelStep({ maxConcurrency: 2, step: s })",
    "(s) => steps.withRetry(s, { maxAttempts: 2, backoff: () => 1 })",
    "(s) => steps.withTimeout(s, 3)",
    "(s) => steps.withEvents(s, {})",
    "(s) => steps.withCache(s)",
    "(s) => steps.withTimeout(steps.withRetry(steps.compose([s, s]), { backoff: () => 2 }), 6)",
  );

  it("has exactly one terminal event, its last, under random cancels and failures", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            arrow,
            wrapper: wrappers,
            input: fc.integer({ min: -5, max: 5 }),
            cancelAt: fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined }),
            how: fc.constantFrom("cancel", "signal", "callbacks", "first event"),
          }),
          { minLength: 1, maxLength: 6 },
        ),
        async (cases) => {
          const results = (await evaluate(`
            return Promise.all(${json(cases)}.map(async ({ arrow, wrapper, input, cancelAt, how }) => {
              const step = (0, eval)(wrapper)(stepOf(arrow));
              const seen = [];
              let cancelled;
              if (how === "callbacks") {
                await new Promise((resolve) => {
                  const end = (type) => () => { seen.push({ type, seq: seen.length, afterCancel: cancelled }); resolve() };
                  const cancel = step.startWithCallbacks(input, { onDone: end("final"), onError: end("error"), onCancel: end("interrupt") });
                  if (cancelAt !== undefined) pause(cancelAt).then(() => { cancelled = cancel() });
                });
              } else {
                const controller = new AbortController();
                await new Promise((resolve) => {
                  const id = step.runWithEvents(input, (event) => {
                    seen.push({ type: event.type, seq: event.seq, afterCancel: cancelled });
                    if (isTerminal(event)) resolve();
                    if (how === "first event" && seen.length === 1) cancelled = step.cancel(id);
                  }, { signal: controller.signal });
                  if (cancelAt !== undefined && how === "cancel") pause(cancelAt).then(() => { cancelled = step.cancel(id) });
                  if (cancelAt !== undefined && how === "signal") pause(cancelAt).then(() => controller.abort());
                });
              }
              await pause(3);
              return seen;
            }));`)) as { type: string; seq: number; afterCancel?: boolean }[][];
          for (const seen of results) {
            expect(seen.filter(({ type }) => ["final", "error", "interrupt"].includes(type))).toHaveLength(1);
            expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, i) => i));
            expect(["final", "error", "interrupt"]).toContain(seen.at(-1)!.type);
            const after = seen.filter(({ afterCancel }) => afterCancel === true);
            expect(after.every(({ type }) => type === "interrupt")).toBe(true);
          }
        },
      ),
      { numRuns: 80 },
    ));
});

describe("all of these runs", () => {
  it("leave nothing behind", () =>
    expect.poll(() => engine.stats()).toMatchObject({ runs: 0, ops: 0, timers: 0, topics: 0 }));
});
