import { describe, expect, it } from "vitest";
import { MemoryJournal, type RuntimeEngine } from "../../../src/index.ts";
import { attempt } from "./lasting-fixture.ts";

const SCRIPT = `
  const step = new ChatStepFactory().newStep();
  const seen = [];
  const watch = (name, run) => run.then((value) => seen.push(name + " " + value), (error) => seen.push(name + " " + error.name));
  const first = watch("first", step.startAsync("one two three"));
  const lambda = watch("lambda", steps.createLambdaStep(() => new Promise(() => {})).startAsync(1));
  console.log("begun");
  await Promise.all([first, lambda]);
  seen.push(String(await step.startAsync("four")));
  await execution.receive("go");
  export default seen;`;

/** Cancels all runs as soon as there are two. */
function cancelsRuns(counts: number[]): (engine: RuntimeEngine) => void {
  return (engine) => {
    const look = (): void => {
      if (engine.stats().runs < 2) return void setImmediate(look);
      counts.push(engine.cancelRuns());
    };
    look();
  };
}

describe("engine.cancelRuns() of an execution that lasts", () => {
  it.each(["thread", "process"] as const)("is on record: every further attempt has it, in a %s", async (isolation) => {
    await using journal = new MemoryJournal();
    const counts: number[] = [];
    const first = await attempt(journal, SCRIPT, { isolation, act: cancelsRuns(counts) });
    expect([first.outcome?.end, counts]).toEqual(["suspended", [2]]);
    await journal.send("execution", "go");
    const second = await attempt(journal, SCRIPT, { isolation });
    expect(second.outcome).toMatchObject({ ok: true });
    const seen = second.outcome!.value as string[];
    expect(seen.slice(0, 2).toSorted()).toEqual(["first AbortError", "lambda AbortError"]);
    expect(String(seen[2])).toContain("four");
  });

  it("survives a kill at any moment after it", async () => {
    const whole = await attempt(new MemoryJournal(), SCRIPT, { act: cancelsRuns([]) });
    let cancelled = 0;
    for (let at = 4; at < whole.writes; at += 2) {
      await using journal = new MemoryJournal();
      const counts: number[] = [];
      await attempt(journal, SCRIPT, { act: cancelsRuns(counts), crash: { at, when: "after" } });
      const kinds: string[] = [];
      for await (const { kind } of journal.records("execution")) kinds.push(kind);
      const isOnRecord = kinds.includes("cancel");
      if (isOnRecord) cancelled++;
      const act = isOnRecord ? {} : { act: cancelsRuns([]) };
      expect((await attempt(journal, SCRIPT, act)).outcome?.end).toBe("suspended");
      await journal.send("execution", "go");
      const { outcome } = await attempt(journal, SCRIPT, {});
      expect(outcome).toMatchObject({ ok: true });
      expect((outcome!.value as string[]).slice(0, 2).toSorted()).toEqual(["first AbortError", "lambda AbortError"]);
    }
    expect(cancelled).toBeGreaterThan(0);
  });
});
