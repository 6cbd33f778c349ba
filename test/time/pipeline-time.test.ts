import { describe, expect, it } from "vitest";
import { RuntimeEngine, setupDefaults } from "../../src/index.ts";
import { stageFunc } from "../../src/pipeline/index.ts";
import { ISOLATIONS, Output } from "../engine/engine-harness.ts";

/** Hands each element on after so many real milliseconds. */
const slow = (ms: number) => () =>
  stageFunc("slow", "transform", async (input, output) => {
    for await (const element of input) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      await output.write(element);
    }
  });

/** Ends with its first element, and never by itself when it is told to stop. */
const deaf = () =>
  stageFunc("deaf", "transform", async (input) => {
    for await (const _ of input) await new Promise(() => {});
  });

async function run(isolation: "process" | "thread", code: string): Promise<string> {
  const output = new Output();
  await using engine = new RuntimeEngine({
    isolation,
    deterministic: true,
    console: output,
    setup: [setupDefaults({ chat: { provider: "embedded" }, stages: { slow: slow(30), slower: slow(60), deaf } })],
  });
  await engine.start();
  const { error } = await engine.runScript({ code, name: "script.js" });
  expect(error).toBeUndefined();
  return output.out;
}

describe.concurrent.each(ISOLATIONS)("virtual time of a pipeline in a %s", (isolation) => {
  it("stands still while a stage of the host's works", async () => {
    const out = await run(
      isolation,
      `const t = Date.now();
      setTimeout(() => console.log("timer", Date.now() - t), 10);
      console.log(await pipeline.chain("slow").startAsync(["a", "b"]), Date.now() - t);`,
    );
    expect(out).toBe("[ 'a', 'b' ] 0\ntimer 10\n");
  });

  it("stands still for it while a function of the script's beside it waits, and goes on then", async () => {
    const out = await run(
      isolation,
      `const t = Date.now();
      const pause = async (x) => (await new Promise((resolve) => setTimeout(resolve, 1000)), "paused " + x);
      const p = pipeline.chain(pipeline.branch(pause, ["slow", "slower"]));
      for await (const result of p.stream(["a", "b"])) console.log(result, Date.now() - t);`,
    );
    expect(out).toBe("a 0\nb 0\npaused a 1000\npaused b 2000\n");
  });

  it("goes on when a stage that is told to stop does not", async () => {
    const out = await run(
      isolation,
      `const stop = new AbortController();
      const stopped = pipeline.chain("deaf").startAsync("x", { signal: stop.signal }).catch(({ name }) => name);
      await doubleStep.startAsync(1);
      stop.abort();
      console.log(await stopped);
      await new Promise((resolve) => setTimeout(resolve, 5));
      console.log("on");`,
    );
    expect(out).toBe("AbortError\non\n");
  });

  it("is what its figures are in", async () => {
    const code = `
      const wait = async (x) => (await new Promise((resolve) => setTimeout(resolve, 7)), x);
      const p = pipeline.chain("slow", wait, "slower", (x) => x);
      p.runWithEvents([1, 2, 3], (event) => {
        if (event.type !== "final") return;
        console.log(JSON.stringify(event));
        console.log(p.toMermaid(event.step.metadata));
      });`;
    const first = await run(isolation, code);
    expect(first).toMatch(/"elapsedMs":21/);
    for (let i = 0; i < 2; i++) expect(await run(isolation, code)).toBe(first);
  });
});
