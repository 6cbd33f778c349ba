import fc from "fast-check";

/**
 * Scripts that do what depends on when things happen: timers, races, streams, parallel steps, tools, aborts, throwing
 * callbacks, steps of their own, pipelines. Each prints what it sees, with the time and with random numbers.
 */
const TASKS: readonly ((a: number, b: number, c: number) => string)[] = [
  (a, b, c) =>
    `for (const ms of [${a}, ${b}, ${c}]) { await pause(ms); log("timer", ms, Date.now(), performance.now()); }`,
  (a, b) =>
    `log(await Promise.race([chat("slow: ${a}ms echo: a b c"), chat("slow: ${b}ms echo: d e"), pause(${a + b}, "late")]));`,
  (a, b) =>
    `log(await Promise.any([chat("error: 400"), chat("slow: ${a}ms echo: any"), pause(${b}).then(() => { throw 1; })]));`,
  (a, b, c) =>
    `for await (const piece of new ChatStepFactory().newStep().stream("slow: ${a % 3}ms echo: ${"word ".repeat(b + c)}")) log(piece, Math.random());`,
  (a, b) => `const step = steps.createParallelStep({ maxConcurrency: ${1 + (a % 4)}, step: doubleStep });
    for await (const event of step.events(Array.from({ length: ${b + 1} }, (_, i) => i))) log(event.type, event.seq, event.time);`,
  (
    a,
    b,
  ) => `const add = { name: "add", input: { type: "object" }, run: async ({ x }) => { log("tool", x); await pause(${b}); return x + ${a}; } };
    log(await chat('call: add {"x": ${a}}', { tools: [add] }));`,
  (a, b) => `const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), ${a});
    log(await chat("slow: ${b}ms echo: one two three four", { signal: controller.signal }).catch((error) => error.message));`,
  (a) => `log(await new Promise((resolve) => {
      const seen = [];
      doubleStep.runWithEvents(${a}, (event) => {
        seen.push(event.type);
        if (event.type === "final") resolve(seen.join());
        if (event.type === "partial" && ${a} > 17) throw new Error("from a callback");
      });
    }));`,
  (
    a,
    b,
  ) => `const own = steps.createLambdaStep(async (x) => { if (x % 3 === 0) await pause(${b % 4}); return x + Math.random(); });
    const results = await steps.createMapStep((x) => x * 2).startAsync([...(await own.startAsync(${a})), 1]);
    log([...results].join());`,
  (a) => `const lengths = pipeline.chain((text) => text.length, (n) => n * ${a}, [1] && String);
    log([...(await lengths.startAsync(["one", "three", "seven"]))].join());`,
  (a) =>
    `log(doubleStep.startBlocking(${a})[0], steps.createLambdaStep((x) => x + 1).startBlocking(${a})[0], Date.now());`,
  (a) =>
    `log(crypto.randomUUID(), new URL("../${a}?q=1", "http://example.com/a/b").href, Temporal.Now.instant().toString(), structuredClone({ a: ${a} }).a);`,
  (a, b) =>
    `log(await steps.withTimeout(steps.createLambdaStep(() => pause(${b * 2}, "in time")), ${a + 1}).startAsync(1).then(([first]) => first, (error) => error.name));`,
  (a) => `setTimeout(() => { if (${a} > 18) throw new TypeError("from a timer"); }, ${a});
    const interval = setInterval(() => log("tick", Date.now()), 2); await pause(${a}); clearInterval(interval);`,
  (a) => `const { readable, writable } = new TransformStream();
    const writer = writable.getWriter();
    writer.write("${a}"); pause(${a}).then(() => writer.close());
    for await (const chunk of readable) log(chunk);`,
  (a) =>
    `await Promise.allSettled(Array.from({ length: ${a} }, (_, i) => chat("slow: " + (i % 3) + "ms echo: " + i).then(log)));`,
  (
    a,
  ) => `queueMicrotask(() => log("microtask")); setTimeout(log, 0, "zero"); await null; log(new Date().toString(), ${a});
    for (const start = Date.now(); Date.now() - start < ${a % 5}; ) ;`,
];

const TASK = fc.tuple(fc.nat(TASKS.length - 1), fc.integer({ min: 0, max: 20 }), fc.nat(20), fc.nat(6));

/** Tasks that run at the same time. */
export const PROGRAM: fc.Arbitrary<string> = fc.array(TASK, { minLength: 2, maxLength: 7 }).map(
  (tasks) => `
    const pause = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));
    const log = (...values) => console.log(...values);
    await Promise.all([${tasks.map(([kind, a, b, c]) => `async () => {\n${TASKS[kind]!(a, b, c)}\n}`).join(",\n")}].map((task, i) =>
      task().then(() => log("done", i), (error) => console.error(i, error.name, error.message))));
    export default Math.random();`,
);
