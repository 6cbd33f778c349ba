import { describe, expect, it } from "vitest";
import { GeppettoError, RuntimeEngine, type SetupFunction } from "../../src/index.ts";
import { RecordedOps } from "../../src/replay.ts";
import { ISOLATIONS, Output } from "../engine/engine-harness.ts";
import { record } from "./journal-fixture.ts";

let asked = 0;

const setup: SetupFunction = async function ops(vm) {
  await vm.op("find", async (query: { a: number; b: number }) => ({ ...query, time: ++asked }));
  await vm.op("sync", (n: number) => n + ++asked, { mode: "sync" });
  await vm.op("wait", async (n: number) => Float32Array.from([n, ++asked]), { mode: "blocking" });
  await vm.op("fail", async () => {
    throw new GeppettoError("StepError", "refused", { code: "ERR_TOOL_INPUT" });
  });
};

describe.each(ISOLATIONS)("RecordedOps, for a script in a %s", (isolation) => {
  it("answer another script by name and arguments, in order where several fit, and ask nobody", async () => {
    const { journal, outcome } = await record(
      `console.log(await Promise.all([find({ a: 1, b: 2 }), find({ a: 1, b: 2 }), find({ a: 3, b: 4 })]), sync(5), wait(6));
      await fail().catch(() => {});`,
      { isolation, setup: [setup] },
    );
    expect(outcome.error).toBeUndefined();
    const before = asked;
    const recordedOps = new RecordedOps(journal);
    const output = new Output();
    await using engine = new RuntimeEngine({ isolation, setup: [setup], recordedOps, console: output });
    await engine.start();
    const other = await engine.runScript({
      code: `console.log(wait(6)[1], sync(5) - 5, (await find({ b: 4, a: 3 })).time);
        console.log((await find({ a: 1, b: 2 })).time, (await find({ a: 1, b: 2 })).time);
        console.log(await fail().catch((error) => error.code + " " + error.message));
        console.log(await find({ a: 9, b: 9 }).catch((error) => error.code + " " + error.message));
        await find({ a: 1, b: 2 });`,
    });
    const [one, two, three, four, five] = [4, 3, 2, 1, 0].map((back) => before - back);
    expect(output.lines).toEqual([
      `${five} ${four} ${three}`,
      `${one} ${two}`,
      "ERR_TOOL_INPUT refused",
      "ERR_REPLAY_MISS Cannot answer find: the run has no recorded answer to these arguments",
    ]);
    expect(asked).toBe(before);
    expect(other).toMatchObject({ end: "uncaught", error: { code: "ERR_REPLAY_MISS", fromHost: true } });
    expect(recordedOps.firstMiss?.code).toBe("ERR_REPLAY_MISS");
  });
});
