// How much gets through once something runs.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import ivm from "isolated-vm";
import { getQuickJS } from "quickjs-emscripten";
import { defineStep, MemoryPubSub, RuntimeEngine, setupDefaults } from "../dist/src/index.js";
import { goPeer } from "./go-peers.mjs";
import { compare, printTable, scaled, scriptFile, time, timeWithCpu } from "./measure.mjs";

const ISOLATIONS = ["thread", "process"];
const silent = { stdout() {}, stderr() {} };
const main = fileURLToPath(new URL("../dist/cli/main.cjs", import.meta.url));
const perSecond = (count, ms) => (count / ms) * 1000;

const stream = defineStep({
  name: "stream",
  kind: "text",
  async *run(count, { publish }) {
    for (let i = 0; i < count; i++) await publish({ type: "partial", delta: "delta " });
    yield count;
  },
});

async function withEngine(isolation, use) {
  const engine = new RuntimeEngine({
    isolation,
    console: silent,
    limits: { outputBytes: 1e9 },
    setup: [
      setupDefaults({ chat: { provider: "embedded" } }),
      async (vm) => {
        await vm.registerStep("stream", stream);
        await vm.op("sync", (n) => n, { mode: "sync" });
        await vm.op("async", async (n) => n);
        await vm.op("blocking", async (n) => n, { mode: "blocking" });
      },
    ],
  });
  await engine.start();
  try {
    return await use(engine);
  } finally {
    await engine.close();
  }
}

/** Runs a script that does something `count` times: how often a second, and what one time costs all processes. */
function rateOf(isolation, count, code) {
  return withEngine(isolation, async (engine) => {
    const { ms, cpuMs } = await timeWithCpu(async () => {
      const outcome = await engine.runScript({ code });
      if (!outcome.ok) throw new Error(outcome.error.message);
    });
    return { value: perSecond(count, ms), cpuMicros: (cpuMs / count) * 1000 };
  });
}

/** The same in both kinds of isolation. */
function both(name, count, code) {
  return Object.fromEntries(
    ISOLATIONS.map((isolation) => [`${name}, ${isolation}`, () => rateOf(isolation, count, code)]),
  );
}

/** A frame as long as that of a partial event, parsed in the isolate, 64 entries under way at a time. */
async function bareEvents(count) {
  const isolate = new ivm.Isolate({ memoryLimit: 128 });
  const context = await isolate.createContext();
  const deliver = await context.eval("let n = 0; (text) => { n += JSON.parse(text)[3].delta.length }", {
    reference: true,
  });
  const frame = JSON.stringify([
    1,
    "event",
    "01234567-89ab-4cde-8f01-23456789abcd",
    { type: "partial", seq: 12345, time: Date.now(), delta: "delta " },
  ]);
  const ms = await time(async () => {
    let sent = 0;
    const lane = async () => {
      while (sent++ < count) await deliver.apply(undefined, [frame]);
    };
    await Promise.all(Array.from({ length: 64 }, lane));
  });
  isolate.dispose();
  return perSecond(count, ms);
}

/** The same frames, each entered on the calling thread. */
async function bareEventsSync(count) {
  const isolate = new ivm.Isolate({ memoryLimit: 128 });
  const context = isolate.createContextSync();
  const deliver = context.evalSync("let n = 0; (text) => { n += JSON.parse(text)[3].delta.length }", {
    reference: true,
  });
  const frame = JSON.stringify([1, "event", "01234567", { type: "partial", seq: 12345, delta: "delta " }]);
  const { ms, cpuMs } = await timeWithCpu(async () => {
    for (let i = 0; i < count; i++) deliver.applySync(undefined, [frame]);
  });
  isolate.dispose();
  return { value: perSecond(count, ms), cpuMicros: (cpuMs / count) * 1000 };
}

/** Calls of a function of the host from a bare isolate: the least that such a call costs. */
async function bareOps(count, code) {
  const isolate = new ivm.Isolate({ memoryLimit: 128 });
  const context = await isolate.createContext();
  await context.global.set("host", new ivm.Reference((n) => n));
  await context.eval(`const later = (n) => host.apply(undefined, [n], { result: { promise: true, copy: true } });
    const sync = (n) => host.applySync(undefined, [n]);`);
  const { ms, cpuMs } = await timeWithCpu(() => context.eval(`(async () => { ${code} })()`, { promise: true }));
  isolate.dispose();
  return { value: perSecond(count, ms), cpuMicros: (cpuMs / count) * 1000 };
}

/** The same frames into QuickJS, each parsed there, with the jobs that follow. */
async function quickJsEvents(count) {
  const context = (await getQuickJS()).newContext();
  const deliver = context.unwrapResult(
    context.evalCode("let n = 0; (text) => { n += JSON.parse(text)[3].delta.length }"),
  );
  const frame = JSON.stringify([1, "event", "01234567", { type: "partial", seq: 12345, delta: "delta " }]);
  const { ms, cpuMs } = await timeWithCpu(async () => {
    for (let i = 0; i < count; i++) {
      const text = context.newString(frame);
      context.unwrapResult(context.callFunction(deliver, context.undefined, text)).dispose();
      text.dispose();
      context.runtime.executePendingJobs();
    }
  });
  deliver.dispose();
  context.dispose();
  return { value: perSecond(count, ms), cpuMicros: (cpuMs / count) * 1000 };
}

/** Milliseconds to print `lines` lines into a pipe, spawn included. */
function printLines(args, lines) {
  return time(
    () =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
        let seen = 0;
        child.stdout.on("data", (chunk) => {
          for (const byte of chunk) if (byte === 10) seen++;
        });
        child.on("close", (code) =>
          code === 0 && seen === lines ? resolve() : reject(new Error(`${seen} lines, exit code ${code}`)),
        );
      }),
  );
}

/** Lines per second in what remains when the time of a script without output is taken off. */
async function linesPerSecond(args, lines) {
  const code =
    "for (let i = 0, n = Number(process.argv[2]); i < n; i++) console.log(`line ${i} of what a script prints`);";
  const script = scriptFile("print.js", code);
  const empty = await printLines([...args, script, "0"], 0);
  const full = await printLines([...args, script, String(lines)], lines);
  return perSecond(lines, Math.max(1, full - empty));
}

async function publish(subscribers, count) {
  const bus = new MemoryPubSub();
  const readers = Array.from({ length: subscribers }, async () => {
    let left = count;
    for await (const { ack } of bus.subscribe("step.bench")) {
      ack();
      if (--left === 0) break;
    }
  });
  const ms = await time(async () => {
    for (let i = 0; i < count; i++) await bus.publish("step.bench", i, { bytes: 100 });
    await Promise.all(readers);
  });
  return perSecond(count, ms);
}

/** The least that a bus costs: one call and one promise for each message. */
async function callDirectly(count) {
  let sum = 0;
  const take = async (n) => void (sum += n);
  const ms = await time(async () => {
    for (let i = 0; i < count; i++) await take(i);
  });
  return perSecond(count, ms);
}

export async function benchThroughput() {
  const goja = goPeer("goja");
  const gojaRows = (name, mode, count) => (goja === undefined ? {} : { [name]: async () => goja(mode, count) });
  const events = scaled(20_000);
  const untilFinal = `await new Promise((resolve) => stream.runWithEvents(${events}, ({ type }) => { if (type === "final") resolve() }))`;
  printTable(
    "Events, each a turn of the guest",
    "per second",
    await compare({
      "bare isolate, applySync": () => bareEventsSync(events),
      "bare isolate, pipelined apply": () => bareEvents(events),
      "quickjs-emscripten": () => quickJsEvents(events),
      ...gojaRows("Goja alone", "alone", events),
      ...gojaRows("Goja behind Watermill, with acks", "watermill", events),
      ...both("runWithEvents", events, untilFinal),
      ...both("for await", events, `for await (const _ of stream.stream(${events}));`),
    }),
  );

  const calls = scaled(5000);
  const oneByOne = (call) => `for (let i = 0; i < ${calls}; i++) ${call}(i)`;
  const atOnce = (call) =>
    `for (let i = 0; i < ${calls}; i += 100) await Promise.all(Array.from({ length: 100 }, (_, n) => ${call}(n)))`;
  const ops = {
    "sync op": [oneByOne("sync"), { "bare isolate, applySync": () => bareOps(calls, oneByOne("sync")) }],
    "async op, one by one": [
      oneByOne("await globalThis.async"),
      { "bare isolate": () => bareOps(calls, oneByOne("await later")), ...gojaRows("Goja", "ops", calls) },
    ],
    "async op, 100 at a time": [
      atOnce("globalThis.async"),
      { "bare isolate": () => bareOps(calls, atOnce("later")), ...gojaRows("Goja", "ops-at-once", calls) },
    ],
    "blocking op": [oneByOne("blocking"), {}],
  };
  for (const [name, [code, peers]] of Object.entries(ops))
    printTable(name, "per second", await compare({ ...peers, ...both(name, calls, code) }));

  const runs = scaled(2000);
  const steps5 = "Array.from({ length: 5 }, () => steps.createLambdaStep((n) => n + 1))";
  printTable(
    "Runs of steps that scripts make",
    "per second",
    await compare({
      ...both(
        "lambda",
        runs,
        `const step = steps.createLambdaStep((n) => n + 1); for (let i = 0; i < ${runs}; i++) await step.startAsync(i)`,
      ),
      ...both(
        "compose of 5",
        runs / 4,
        `const step = steps.compose(${steps5}); for (let i = 0; i < ${runs / 4}; i++) await step.startAsync(i)`,
      ),
    }),
  );
  const elements = scaled(20_000);
  printTable(
    "Elements of a map step",
    "per second",
    await compare(
      both(
        "map",
        elements,
        `await steps.createMapStep((n) => n + 1).startAsync(Array.from({ length: ${elements} }, (_, i) => i))`,
      ),
    ),
  );

  const lines = scaled(20_000);
  printTable(
    "console.log into a pipe",
    "lines per second",
    await compare({
      node: () => linesPerSecond([], lines),
      "geppetto-js run": () => linesPerSecond([main, "run", "--no-log"], lines),
    }),
  );

  const messages = scaled(50_000);
  printTable(
    "MemoryPubSub",
    "messages per second",
    await compare({
      "awaited call of a function": () => callDirectly(messages),
      "1 subscriber": () => publish(1, messages),
      "10 subscribers": () => publish(10, messages),
    }),
  );
}
