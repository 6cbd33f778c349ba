import { describe, expect, it } from "vitest";
import { limitTime, PersonWaits } from "../../../src/base/calls/person-waits.ts";
import { withTimeSource } from "../../../src/base/time/time-source.ts";
import { createDeferred } from "../../../src/base/deferred.ts";
import { VirtualClock } from "../../../src/engine/time/virtual-clock.ts";
import { MemoryJournal } from "../../../src/index.ts";
import { attempt } from "./lasting-fixture.ts";

describe("limitTime()", () => {
  it("counts the time in which nobody is waited for, and no other", async () => {
    const clock = new VirtualClock({ now: 0, seed: 1 });
    const waits = new PersonWaits();
    const signal = new AbortController().signal;
    const over = createDeferred<number>();
    await withTimeSource(clock, async () => {
      limitTime(100, waits, () => over.resolve(clock.steady()));
      await clock.sleep(60, signal);
      await Promise.all([
        waits.during(() => clock.sleep(1_000, signal)),
        waits.during(() => clock.sleep(5_000, signal)),
      ]);
      expect(await over.promise).toBe(5_100);
    });
  });

  it("calls nobody once it is stopped, whoever is waited for", async () => {
    const clock = new VirtualClock({ now: 0, seed: 1 });
    const waits = new PersonWaits();
    const signal = new AbortController().signal;
    let calls = 0;
    await withTimeSource(clock, async () => {
      const stop = limitTime(100, waits, () => calls++);
      await waits.during(() => clock.sleep(10, signal));
      stop();
      await waits.during(() => clock.sleep(10, signal));
      await clock.sleep(1_000, signal);
    });
    expect(calls).toBe(0);
  });
});

describe("An execution whose tool waits for an approval", () => {
  const tool = `{ name: "ask", input: { type: "object" }, timeoutMs: 1000, run: async () => {
    const { approved, by } = await execution.approve("May it?");
    return approved + " by " + by;
  } }`;
  const answer = `await new ChatStepFactory().newStep({ tools: [TOOL] }).startAsync("call ask({})")`;

  it.each(["thread", "process"] as const)(
    "is suspended, and not at the end of the tool's time, in a %s",
    async (isolation) => {
      const code = `export default String(${answer.replace("TOOL", tool)});`;
      await using journal = new MemoryJournal();
      const first = await attempt(journal, code, { isolation });
      expect(first.outcome).toMatchObject({ end: "suspended", waitsFor: [{ kind: "approve", question: "May it?" }] });
      await journal.approve("execution", { approved: true, by: "ann" });
      const second = await attempt(journal, code, { isolation });
      expect(second.outcome).toMatchObject({ ok: true, value: expect.stringContaining("true by ann") });
    },
  );

  it("is suspended likewise where a hook of the script's waits for it", async () => {
    const code = `
      const hooks = { beforeTool: async () => ((await execution.receive("go")) === "yes" ? undefined : { refuse: "no" }) };
      const step = new ChatStepFactory().newStep({ tools: ["stamp"], toolTimeoutMs: 1000, hooks });
      export default String(await step.startAsync('call stamp({"text":"x"})'));`;
    await using journal = new MemoryJournal();
    expect((await attempt(journal, code, {})).outcome).toMatchObject({ end: "suspended" });
    await journal.send("execution", "go", "yes");
    const { outcome } = await attempt(journal, code, {});
    expect(outcome).toMatchObject({ ok: true, value: expect.stringContaining("stamped x") });
  });
});
