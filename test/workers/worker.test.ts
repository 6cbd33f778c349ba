import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NatsJournal, openExecution, type FollowedEvent } from "../../src/workers/index.ts";
import { hasNatsServer } from "../events/nats-server.ts";
import { patience } from "../machine/patience.ts";
import { follow, printed, WorkerFixture } from "./worker-fixture.ts";

let at: WorkerFixture;

describe.skipIf(!hasNatsServer)("A worker", () => {
  beforeEach(async () => {
    at = await WorkerFixture.start();
  });
  afterEach(() => at[Symbol.asyncDispose]());

  it("runs what is submitted, and tells those who follow it what it does", async () => {
    await at.worker();
    const code = `console.log(process.argv[2], process.env.NAME, input());
      export default await chat("echo: hello there");`;
    const execution = await at.submit(code, { args: ["a"], env: { NAME: "b" }, input: "c", id: "one" });
    expect([execution.id, execution.isNew, execution.workers]).toEqual(["one", true, 1]);
    const items = await follow(execution);
    expect(printed(items)).toBe("a b c\n");
    expect(items.at(-1)).toMatchObject({ type: "end", outcome: { ok: true, value: "hello there" } });
    const events = items.flatMap((item) => (item.type === "event" ? [item.event] : []));
    expect(events[0]!.type).toBe("start");
    expect(events.at(-1)).toMatchObject({ type: "final", text: "hello there" });
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i));
    expect(await execution.outcome).toMatchObject({ ok: true, end: "completed", value: "hello there" });
    const middle = items[3]!.seq;
    expect(await follow(execution, middle)).toEqual(items.slice(3));
  });

  it("suspends an execution that waits, and goes on when it is answered or its time has come", async () => {
    await at.worker();
    const execution = await at.submit(`
      const { by } = await execution.approve("Go on?");
      await execution.sleep(300);
      export default [by, execution.attempt, await execution.receive("word")];`);
    const journal = await NatsJournal.open(at.nats);
    try {
      await expect.poll(async () => (await execution.facts())?.state).toBe("suspended");
      expect((await execution.facts())!.holder).toBeUndefined();
      await journal.approve(execution.id, { approved: true, by: "ann" });
      await expect.poll(async () => (await execution.facts())?.waitsFor.map(({ kind }) => kind)).toEqual(["receive"]);
      await journal.send(execution.id, "word", "yes");
    } finally {
      await journal.close();
    }
    expect(await execution.outcome).toMatchObject({ ok: true, value: ["ann", expect.any(Number), "yes"] });
  });

  it("is told of by its absence, with the number of jobs that wait", async () => {
    const first = await at.submit("export default 1");
    const started = performance.now();
    const second = await at.submit("export default 2");
    expect([first.workers, first.waiting, second.workers, second.waiting]).toEqual([0, 1, 0, 2]);
    expect(performance.now() - started).toBeLessThan(patience(5000));
    await at.worker();
    expect(await Promise.all([first.outcome, second.outcome])).toMatchObject([{ value: 1 }, { value: 2 }]);
  });

  it("runs a script once that is submitted twice under one id, and no other one under it", async () => {
    await at.worker();
    const one = await at.submit("export default 1", { id: "same" });
    const again = await at.submit("export default 1", { id: "same" });
    expect([one.isNew, again.isNew]).toEqual([true, false]);
    await expect(at.submit("export default 2", { id: "same" })).rejects.toThrow(
      "there is one with the id same already",
    );
    expect(await again.outcome).toMatchObject({ value: 1 });
    expect((await again.facts())!.attempt).toBe(1);
  });

  it("of a name that is taken is refused", async () => {
    const first = await at.worker({ name: "w1" });
    await expect(at.worker({ name: "w1" })).rejects.toMatchObject({ code: "ERR_WORKER_NAME" });
    await at.worker({ name: "w1", pool: "other" });
    await first.close();
    await at.worker({ name: "w1" });
  });

  it("says what a script may do: the submitter does not", async () => {
    await at.worker({ engine: { permissions: { env: ["GEPPETTO_TEST_SEEN"] } } });
    process.env["GEPPETTO_TEST_SEEN"] = "seen";
    const execution = await at.submit(`
      export const options = { permissions: { env: true, net: true } };
      export default [process.env.GEPPETTO_TEST_SEEN, "HOME" in process.env, await fetch("http://127.0.0.1:1/").catch((e) => e.name)];`);
    expect(await execution.outcome).toMatchObject({ value: ["seen", false, "PermissionError"] });
  });

  it("ends one that is cancelled, whether it runs, waits, or has not begun", async () => {
    const early = await at.submit("export default 1");
    await early.cancel();
    await early.cancel();
    await at.worker();
    expect(await early.outcome).toMatchObject({ ok: false, isCancelled: true });
    const waiting = await at.submit(`await execution.receive("never")`);
    await expect.poll(async () => (await waiting.facts())?.state).toBe("suspended");
    await waiting.cancel();
    expect(await follow(waiting).then((items) => items.at(-1))).toMatchObject({ type: "end", outcome: { ok: false } });
    const running = await at.submit(`setInterval(() => {}, 600_000)`);
    await expect.poll(async () => (await running.facts())?.holder).toBeDefined();
    await running.cancel();
    expect(await running.outcome).toMatchObject({ ok: false, isCancelled: true });
  });

  it("that stops puts back what it was at, and another one goes on with it", async () => {
    const calls: string[] = [];
    const engine = {
      setup: [
        async function ops(vm: { op(name: string, run: (n: string) => string, options: object): Promise<unknown> }) {
          await vm.op("mark", (n) => (calls.push(n), n), { effect: "keyed" });
        },
      ],
    } as object;
    const first = await at.worker({ engine });
    const execution = await at.submit(`await mark("a");
      await new Promise((resolve) => setTimeout(resolve, ${patience(1500)}));
      await mark("b"); export default execution.attempt;`);
    await expect.poll(() => calls).toEqual(["a"]);
    await first.close();
    await at.worker({ engine });
    expect(await execution.outcome).toMatchObject({ ok: true, value: 2 });
    expect(calls).toEqual(["a", "b"]);
  });

  it("tells those who follow from where events come again of an answer that broke off with it", async () => {
    const first = await at.worker();
    const words = Array.from({ length: 12 }, (_, i) => `word${i}`).join(" ");
    const execution = await at.submit(`export default await chat("slow: 300ms\\necho: ${words}")`);
    const events: FollowedEvent[] = [];
    const again: { stepId: string; from: number }[] = [];
    for await (const item of execution.follow()) {
      if (item.type === "event") events.push(item.event);
      if (item.type === "event" && item.event.type === "partial" && again.length === 0 && events.length === 3) {
        await first.close();
        await at.worker();
      }
      if (item.type !== "again") continue;
      again.push(item);
      const begun = events.findIndex(({ step, seq }) => step.stepId === item.stepId && seq === item.from);
      expect(begun).toBeGreaterThanOrEqual(0);
      events.splice(begun);
    }
    expect(again.length).toBe(1);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i));
    expect(events.flatMap((event) => (event.type === "partial" ? [event.delta] : [])).join("")).toBe(words);
    expect(await execution.outcome).toMatchObject({ ok: true, value: words });
    expect((await execution.facts())!.attempt).toBe(2);
  });

  it("finds what was submitted before", async () => {
    await at.worker();
    await at.submit("export default 7", { id: "seven" });
    await using found = await openExecution("seven", at.nats);
    expect(await found.outcome).toMatchObject({ value: 7 });
    for (const id of ["none", "*", ">", "a b", ""])
      await expect(openExecution(id, at.nats)).rejects.toMatchObject({ code: "ERR_EXECUTION_UNKNOWN" });
  });
});
