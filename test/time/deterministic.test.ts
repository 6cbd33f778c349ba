import { afterAll, describe, expect, it } from "vitest";
import { RuntimeEngine, setupDefaults, type DeterministicOptions } from "../../src/index.ts";
import { runCli, ScriptFolder } from "../cli/run-cli.ts";

const folder = new ScriptFolder();
afterAll(() => folder.remove());

interface Ran {
  output: string;
  events: string[];
}

/** Runs a script in an engine of its own; what it prints, how it ends, and its events as JSON. */
async function run(
  isolation: "process" | "thread",
  code: string,
  deterministic: boolean | DeterministicOptions = true,
): Promise<Ran> {
  let output = "";
  const sink = (text: string): void => void (output += text);
  await using engine = new RuntimeEngine({
    isolation,
    deterministic,
    limits: { wallMs: 60_000 },
    console: { stdout: sink, stderr: sink },
    setup: [setupDefaults({ chat: { provider: "embedded" } })],
  });
  engine.addSetupFunction((vm) =>
    vm.op("nap", (ms: number) => new Promise((resolve) => setTimeout(resolve, ms, "slept"))),
  );
  await engine.start();
  const events: string[] = [];
  const outcome = await engine.runScript(
    { code },
    { onEvent: (event) => void events.push(JSON.stringify([event.type, event.time, event.seq, event.meta])) },
  );
  return { output: `${output}${outcome.end} ${String(outcome.value)} ${outcome.error?.message ?? ""}`, events };
}

const SOURCES = `
  console.log(Date.now(), performance.now(), performance.timeOrigin, Math.random(), crypto.randomUUID());
  console.log(new Date().getTimezoneOffset(), String(new Date()), Date(), [...crypto.getRandomValues(new Uint8Array(4))]);
  console.log(new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" }).format());
  console.log(new Intl.DateTimeFormat().formatToParts().map((part) => part.value).join(""), (1234.5).toLocaleString());
  if (globalThis.Temporal) console.log(String(Temporal.Now.instant()), String(Temporal.Now.zonedDateTimeISO()), String(Temporal.Now.plainDateISO()));
  class Later extends Date {}
  console.log(new Later().getTime(), new Date(5).getTime(), new Date(2026, 1).toISOString(), Date.length, Date.name, Math.random.name);
  const conversation = new Conversation();
  const id = conversation.addMessage("user", "x");
  conversation.updateMetadata(id, { y: 1 });
  console.log(JSON.stringify(conversation), JSON.stringify(conversation.getMessages()));
  console.log(JSON.stringify(await new ChatStepFactory().newStep().startAsync(conversation)));
  const races = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map(async (i) => {
    await new ChatStepFactory().newStep().startAsync("echo: " + "word ".repeat(i + 1));
    console.log("answer", i, Date.now());
    return i;
  });
  console.log("first", await Promise.race(races));
  await Promise.all(races);
  export default crypto.randomUUID();`;

/** What takes virtual time, and how much of it. */
const TAKES: readonly [name: string, code: string, ms: number][] = [
  ["a timer of an hour", `await new Promise((resolve) => setTimeout(resolve, 3_600_000));`, 3_600_000],
  ["a loop that reads the clock", `for (const t = Date.now(); Date.now() - t < 100;);`, 100],
  [
    "a timer after such a loop",
    `for (const t = Date.now(); Date.now() - t < 100;); await new Promise((resolve) => setTimeout(resolve, 50));`,
    150,
  ],
  [
    "an interval",
    `await new Promise((resolve) => { let n = 0; const id = setInterval(() => { if (++n === 10) { clearInterval(id); resolve(); } }, 20); });`,
    200,
  ],
  [
    "AbortSignal.timeout",
    `const signal = AbortSignal.timeout(700); const keep = setInterval(() => {}, 10_000); await new Promise((resolve) => signal.addEventListener("abort", resolve)); clearInterval(keep);`,
    700,
  ],
  [
    "a step that waits",
    `await steps.createLambdaStep(async () => { await new Promise((resolve) => setTimeout(resolve, 1000)); }).startAsync(1);`,
    1000,
  ],
  [
    "a step that waits, while its script waits for it",
    `steps.withRetry(steps.createLambdaStep((n) => { if (Date.now() - t0 < 500) throw new Error("again"); return n; }), { maxAttempts: 9, backoff: () => 100 }).startBlocking(1);`,
    500,
  ],
  [
    "a time limit of a step",
    `await steps.withTimeout(steps.createLambdaStep(() => new Promise(() => {})), 60_000).startAsync(1).catch((error) => { if (error.name !== "TimeoutError") throw error; });`,
    60_000,
  ],
  ["pauses of the demo model", `await new ChatStepFactory().newStep().startAsync("echo: four words in all");`, 60],
  ["a chat that its script waits for", `new ChatStepFactory().newStep().startBlocking("echo: four words in all");`, 60],
  [
    "a tool that waits",
    `await new ChatStepFactory().newStep({ tools: [{ name: "wait", description: "", input: { type: "object" }, run: async () => { await new Promise((resolve) => setTimeout(resolve, 5000)); return "x"; } }] }).startAsync('call: wait {}');`,
    5075,
  ],
  [
    "stages that wait",
    `await pipeline.chain(async (x) => { await new Promise((resolve) => setTimeout(resolve, 100)); return x; }, async function* (x) { yield x; await new Promise((resolve) => setTimeout(resolve, 50)); yield x; }).startAsync(1);`,
    150,
  ],
  ["work of the host's, which takes none", `await nap(30);`, 0],
  [
    "a timer beside work of the host's",
    `setTimeout(() => {}, 10); await nap(30); if (Date.now() !== t0) throw new Error("the clock went on");`,
    0,
  ],
  [
    "immediates, which take none",
    `await new Promise((resolve) => { let n = 0; (function again() { if (++n === 5) resolve(); else setImmediate(again); })(); });`,
    0,
  ],
];

describe.each(["process", "thread"] as const)("a deterministic engine with a %s", (isolation) => {
  it("gives the same output and events each time", async () => {
    const first = await run(isolation, SOURCES);
    for (let i = 0; i < 3; i++) expect(await run(isolation, SOURCES)).toEqual(first);
    expect(first.output).toContain("1767225600000 0.00");
    expect(first.output).toContain("completed");
    expect(first.events.length).toBeGreaterThan(20);
  });

  it.concurrent.each(TAKES)("takes as long as it says for %s", async (_, code, ms) => {
    const { output } = await run(
      isolation,
      `const t0 = Date.now(); ${code}\nexport default Math.floor((Date.now() - t0) / 5) * 5;`,
    );
    expect(output).toBe(`completed ${ms} `);
  });

  it("begins when it is told, with the seed that it is given", async () => {
    const code = "export default [Date.now(), Math.random(), crypto.randomUUID()].join(' ');";
    const at = Date.UTC(2030, 4, 6, 7);
    const [one, other] = [
      await run(isolation, code, { seed: 5, now: at }),
      await run(isolation, code, { seed: 6, now: at }),
    ];
    expect(one.output).toContain(`completed ${at} `);
    expect(other.output).toContain(`completed ${at} `);
    expect(one.output).not.toBe(other.output);
    expect(await run(isolation, code, { seed: 5, now: "2030-05-06T07:00:00Z" })).toEqual(one);
  });
});

it("sleeps without taking time, in order with the other timers", async () => {
  const code = `
    const begin = Date.now();
    const seen = [];
    const after = (name) => () => seen.push(name + " " + (Date.now() - begin));
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 90_000_000);
    await Promise.all([
      execution.sleep(10).then(after("b")),
      execution.sleep("5ms").then(after("a")),
      new Promise((resolve) => setTimeout(resolve, 7)).then(after("timer")),
    ]);
    await execution.sleep("3d", { signal: stop.signal }).catch(({ name }) => after(name)());
    await execution.sleep("100w").then(after("c"));
    export default seen;`;
  const { output } = await run("process", code);
  expect(output).toBe("completed a 5,timer 7,b 10,AbortError 90000000,c 60570000000 ");
});

it("is the same in a process and in a thread", async () => {
  const ran = await Promise.all([run("process", SOURCES), run("thread", SOURCES)]);
  expect(ran[1]).toEqual(ran[0]);
});

it.each([
  [{ seed: 1.5 }, "seed must be a whole number, got 1.5"],
  [{ now: "tomorrow" }, 'now "tomorrow": it must be a date'],
  [{ now: Number.NaN }, "now NaN"],
  [{ timeZone: "Mars/Base" }, "Mars/Base"],
])("refuses %j in the constructor", (deterministic, why) => {
  expect(() => new RuntimeEngine({ deterministic })).toThrow(why);
});

describe("geppetto-js run --deterministic", () => {
  const script = folder.file(
    "time.js",
    "console.log(Date.now(), Math.random(), crypto.randomUUID(), String(new Date()));",
  );

  it("prints the same each time, and something else with another seed and time", async () => {
    const of = async (...args: string[]): Promise<string> =>
      (await runCli(["run", "-q", "--no-log", ...args, script])).stdout;
    const first = await of("--deterministic");
    expect(first).toContain("1767225600000");
    expect(await of("--deterministic", "--isolation", "thread")).toBe(first);
    expect(await of("--seed", "1")).toBe(first);
    const other = await of("--deterministic", "--seed", "2", "--now", "2027-01-01");
    expect(other).toContain("1798761600000");
    expect(other.split(" ")[1]).not.toBe(first.split(" ")[1]);
  });

  it.each([
    ["--seed", "x", "Expected a whole number"],
    ["--now", "soon", "Expected a date"],
  ])("refuses %s %s", async (flag, value, why) => {
    const { code, stderr } = await runCli(["run", flag, value, script]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(why) as string });
  });
});
