// How much gets through once something runs.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import ivm from "isolated-vm";
import { defineStep, MemoryPubSub, RuntimeEngine } from "../dist/src/index.js";
import { compare, printTable, scaled, scriptFile, time } from "./measure.mjs";

const ISOLATIONS = ["thread", "process"];
const silent = { stdout() {}, stderr() {} };
const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
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

async function runScript(engine, code) {
  const outcome = await engine.runScript({ code });
  if (!outcome.ok) throw new Error(outcome.error.message);
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

function engineEvents(isolation, count) {
  const code = `await new Promise((resolve) => stream.runWithEvents(${count}, ({ type }) => { if (type === "final") resolve() }))`;
  return withEngine(isolation, async (engine) => perSecond(count, await time(() => runScript(engine, code))));
}

function opCalls(isolation, code, count) {
  return withEngine(isolation, async (engine) => perSecond(count, await time(() => runScript(engine, code))));
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
  const events = scaled(10_000);
  printTable(
    "Events to a callback",
    "per second",
    await compare({
      "bare isolate, pipelined apply": () => bareEvents(events),
      "runWithEvents, thread": () => engineEvents("thread", events),
      "runWithEvents, process": () => engineEvents("process", events),
    }),
  );

  const calls = scaled(5000);
  const loops = {
    sync: `for (let i = 0; i < ${calls}; i++) sync(i)`,
    "async, 100 at a time": `for (let i = 0; i < ${calls}; i += 100) await Promise.all(Array.from({ length: 100 }, (_, n) => globalThis.async(n)))`,
    blocking: `for (let i = 0; i < ${calls}; i++) blocking(i)`,
  };
  for (const [mode, code] of Object.entries(loops)) {
    printTable(
      `Op calls, ${mode}`,
      "per second",
      await compare(
        Object.fromEntries(ISOLATIONS.map((isolation) => [isolation, () => opCalls(isolation, code, calls)])),
      ),
    );
  }

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
