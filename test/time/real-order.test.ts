import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { defineStep, RuntimeEngine, setupDefaults, setupTools, type SetupFunction } from "../../src/index.ts";
import { stageFunc } from "../../src/pipeline/index.ts";
import { ISOLATIONS, Output } from "../engine/engine-harness.ts";

/** Real work that takes another time each time. */
const work = async (): Promise<unknown> => pause(Math.random() * 6);

const slowStage = () =>
  stageFunc("slow", "transform", async (input, output) => {
    for await (const element of input) {
      await work();
      await output.write(element);
      await work();
    }
  });

/** Gives what has come together as one. */
const batches = () =>
  stageFunc("batches", "transform", async (input, output) => {
    for (let batch = await input.readBatch(); batch !== undefined; batch = await input.readBatch()) {
      await work();
      await output.writeBatch(batch.map((element) => ({ ...element, metadata: { together: batch.length } })));
    }
  });

const slowStep = defineStep({
  name: "slow",
  many: true,
  async *run(input: unknown, context) {
    await work();
    await context.publish({ type: "partial", delta: `${String(input)} ` });
    yield `${String(input)} a`;
    await work();
    yield `${String(input)} b`;
  },
});

const slowThings: SetupFunction = async (vm) => {
  await vm.registerStep("slowStep", slowStep);
  await vm.op("slowOp", async (value) => (await work(), value));
};

const setup = [
  setupDefaults({ chat: { provider: "embedded" }, stages: { slow: slowStage, batches } }),
  setupTools({ clock: { input: { type: "object" }, run: async () => (await work(), "noon") } }),
  slowThings,
];

async function run(isolation: "process" | "thread", code: string): Promise<object> {
  const output = new Output();
  const events: string[] = [];
  await using engine = new RuntimeEngine({ isolation, deterministic: true, console: output, setup });
  await engine.start();
  const { stats: _, ...outcome } = await engine.runScript(
    { code, name: "script.js" },
    {
      // Whoever hears of events has no time for them now and then.
      onEvent: (event) => {
        events.push(JSON.stringify(event));
        return Math.random() < 0.3 ? pause(Math.random() * 3) : undefined;
      },
    },
  );
  expect(outcome.error).toBeUndefined();
  return { out: output.out, events, outcome };
}

const TOGETHER = `
  const turns = async (n) => { for (let i = 0; i < n; i++) { await new Promise((go) => setTimeout(go, 0)); log.push("turn " + n + "." + i); } };
  const log = [];`;

/** Scripts in which more than one thing goes on at a time. */
const SCRIPTS: Record<string, string> = {
  "ways of functions": `
    const p = pipeline.chain(pipeline.branch((x) => x + "a", [(x) => x + "b", async (x) => x + "c"], async function* (x) { yield x; yield x + "d"; }), (x) => x);
    for await (const event of p.stream(Array.from({ length: 100 }, (_, i) => String(i)))) console.log(event.type, event.delta);`,
  "ways of the host's stages": `
    const p = pipeline.chain(pipeline.branch(pipeline.stage("one", "slow"), pipeline.stage("two", "slow"), [(x) => x + "!", pipeline.stage("three", "slow")]), (x) => x);
    console.log(await p.startAsync(["a", "b", "c"]));`,
  "what comes to a stage together": `
    console.log(await pipeline.chain(pipeline.branch((x) => x, "slow"), "batches", (x, { metadata }) => [x, metadata.together]).startAsync(["a", "b", "c", "d"]));`,
  "steps of the host's beside each other": `
    const seen = [];
    for (const name of ["x", "y", "z"]) slowStep.runWithEvents(name, (e) => seen.push([name, e.type, e.delta]));
    console.log(await Promise.all([slowStep.startAsync("p"), steps.createParallelStep({ maxConcurrency: 2, step: slowStep }).startAsync(["q", "r", "s"])]));
    console.log(JSON.stringify(seen));`,
  "ops of the host's beside each other": `${TOGETHER}
    await Promise.all([turns(3), ...["a", "b", "c"].map(async (x) => { log.push(await slowOp(x)); log.push(await slowOp(x + x)); })]);
    console.log(log.join());`,
  "tools of the host's": `${TOGETHER}
    const step = new ChatStepFactory().newStep({ tools: ["clock"] });
    await Promise.all([turns(2), ...["a", "b"].map(async (x) => log.push(x, await step.startAsync("call: clock {}")))]);
    console.log(log.join());`,
  "answers that fit a schema": `${TOGETHER}
    const step = new ChatStepFactory().newStep({ responseFormat: { type: "json_schema", name: "n", schema: { type: "object", properties: { n: { type: "number" } }, required: ["n"], additionalProperties: false } } });
    const p = pipeline.chain((x) => x, pipeline.branch((x) => x, (x) => x));
    await Promise.all([turns(2), step.startAsync("one").then((x) => log.push(JSON.stringify(x))), p.startAsync([1, 2, 3]).then((x) => log.push(x.join())), step.startAsync("two").then((x) => log.push(JSON.stringify(x)))]);
    console.log(log.join());`,
};

describe.concurrent.each(Object.entries(SCRIPTS))("Where time is virtual, the order of %s", (_, code) => {
  it("is the same each time, in both kinds of isolation, however long the host takes", async () => {
    const first = await run("thread", code);
    for (const isolation of [...ISOLATIONS, ...ISOLATIONS, ...ISOLATIONS])
      expect(await run(isolation, code)).toEqual(first);
  });
});
