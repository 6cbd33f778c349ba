import { describe, expect, it } from "vitest";
import {
  MemoryJournal,
  RuntimeEngine,
  setupDefaults,
  type RunScriptOptions,
  type ScriptOutcome,
} from "../../../src/index.ts";
import { Output } from "../engine-harness.ts";
import { attempt, Effects } from "./lasting-fixture.ts";

const GATE = `
  const order = { total: 10 };
  const consent = await execution.approve("Pay 10?", { data: order });
  console.log(consent.approved, consent.by, consent.note);
  export default consent.approved ? await pay(order.total) : "refused";`;

describe("runScript()", () => {
  it("refuses what is no journal", async () => {
    await using engine = new RuntimeEngine({ isolation: "thread" });
    await engine.start();
    for (const journal of [{}, null, "runs.db"] as unknown as MemoryJournal[])
      await expect(engine.runScript({ code: "1" }, { journal, id: "one" })).rejects.toThrow(
        "Cannot run a script: journal must be a journal of executions",
      );
  });
});

describe("a suspended execution", () => {
  it("says what it waits for, and goes on with the answer", async () => {
    await using journal = new MemoryJournal();
    const effects = new Effects();
    const first = await attempt(journal, GATE, { effects });
    expect(first.outcome).toMatchObject({
      ok: true,
      end: "suspended",
      waitsFor: [{ kind: "approve", number: 1, question: "Pay 10?", data: { total: 10 } }],
    });
    await journal.approve("execution", { approved: true, by: "ann", note: "fine" });
    const second = await attempt(journal, GATE, { effects });
    expect(second.output.out).toBe("true ann fine\n");
    expect(second.outcome).toMatchObject({ ok: true, end: "completed", value: "paid 10" });
    expect(effects.keyed.size).toBe(1);
  });

  it("takes a refusal for a value", async () => {
    await using journal = new MemoryJournal();
    await attempt(journal, GATE, {});
    await journal.approve("execution", { approved: false, by: "bob" });
    const { outcome } = await attempt(journal, GATE, {});
    expect(outcome).toMatchObject({ ok: true, value: "refused" });
  });

  it.each([
    [
      "try and finally",
      `try { await gate; console.log("gone on"); } catch { console.log("caught"); } finally { console.log("finally"); }`,
    ],
    ["race", `await Promise.race([gate, new Promise(() => {})]); console.log("gone on");`],
    ["allSettled", `const [one] = await Promise.allSettled([gate]); console.log("gone on", one.status);`],
  ])("is not seen by %s", async (_, code) => {
    await using journal = new MemoryJournal();
    const script = `const gate = execution.approve("Go?");\n${code}`;
    const first = await attempt(journal, script, {});
    expect(first.outcome?.end).toBe("suspended");
    expect(first.output.out).toBe("");
    await journal.approve("execution", { approved: true, by: "ann" });
    const second = await attempt(journal, script, {});
    expect(second.outcome).toMatchObject({ ok: true, end: "completed" });
    expect(second.output.out).toMatch(/^gone on/);
    expect(second.output.out).not.toContain("caught");
  });

  it("has its questions answered one by one", async () => {
    await using journal = new MemoryJournal();
    const script = `
      const [a, b] = await Promise.all([execution.approve("A?"), execution.approve("B?")]);
      export default [a.note, b.note];`;
    await attempt(journal, script, {});
    await journal.approve("execution", { approved: true, by: "ann", note: "for B", question: 2 });
    const between = await attempt(journal, script, {});
    expect(between.outcome).toMatchObject({ end: "suspended", waitsFor: [{ number: 1, question: "A?" }] });
    await journal.approve("execution", { approved: true, by: "ann", note: "for A" });
    const last = await attempt(journal, script, {});
    expect(last.outcome?.value).toEqual(["for A", "for B"]);
  });

  it("gets what was sent in order, each once", async () => {
    await using journal = new MemoryJournal();
    const script = `
      const first = await execution.receive("paid");
      console.log(first.n);
      const second = await execution.receive("paid");
      export default [first.n, second.n];`;
    await attempt(journal, script, {});
    await journal.send("execution", "other", 1);
    await journal.send("execution", "paid", { n: 1 });
    const between = await attempt(journal, script, {});
    expect(between.outcome).toMatchObject({ end: "suspended", waitsFor: [{ kind: "receive", name: "paid" }] });
    await journal.send("execution", "paid", { n: 2 });
    const last = await attempt(journal, script, {});
    expect(last.outcome?.value).toEqual([1, 2]);
  });

  it("meets a timeout that passed meanwhile", async () => {
    await using journal = new MemoryJournal();
    const script = `
      try { await execution.receive("never", { timeout: "200ms" }); } catch (error) { console.log(error.name, error.code); }`;
    const first = await attempt(journal, script, { suspendAfterMs: 0 });
    expect(first.outcome?.end).toBe("suspended");
    const second = await attempt(journal, script, {});
    expect(second.output.out).toBe("TimeoutError ERR_TIMEOUT\n");
  });

  it("gets an answer that was given in time, however late it is resumed", async () => {
    await using journal = new MemoryJournal();
    const script = `
      const consent = await execution.approve("Go?", { timeout: 300 }).catch((error) => error);
      export default consent.approved ?? consent.name;`;
    await attempt(journal, script, { suspendAfterMs: 0 });
    await journal.approve("execution", { approved: true, by: "ann" });
    const { dueAt = 0 } = (await journal.get("execution"))!;
    await expect.poll(() => Date.now()).toBeGreaterThan(dueAt);
    const { outcome } = await attempt(journal, script, {});
    expect(outcome?.value).toBe(true);
  });

  it("is suspended from within steps and tools, too", async () => {
    await using journal = new MemoryJournal();
    const script = `
      const gated = steps.createLambdaStep(async (x) => ((await execution.approve("Go " + x + "?")).approved ? x : 0));
      const [result] = await steps.compose([gated, gated]).startAsync(7);
      export default result;`;
    const first = await attempt(journal, script, {});
    expect(first.outcome).toMatchObject({ end: "suspended", waitsFor: [{ question: "Go 7?" }] });
    await journal.approve("execution", { approved: true, by: "ann" });
    const second = await attempt(journal, script, {});
    expect(second.outcome).toMatchObject({ end: "suspended", waitsFor: [{ number: 2, question: "Go 7?" }] });
    await journal.approve("execution", { approved: true, by: "ann" });
    const last = await attempt(journal, script, {});
    expect(last.outcome).toMatchObject({ ok: true, value: 7 });
  });

  it("is not suspended while something else goes on", async () => {
    await using journal = new MemoryJournal();
    const script = `
      const gate = execution.receive("go");
      const first = await Promise.race([gate, new Promise((resolve) => setTimeout(() => resolve("timer"), 50))]);
      console.log(first);
      await gate;`;
    const { output, outcome } = await attempt(journal, script, {});
    expect(output.out).toBe("timer\n");
    expect(outcome?.end).toBe("suspended");
  });

  it("ends when it is cancelled", async () => {
    await using journal = new MemoryJournal();
    await attempt(journal, GATE, {});
    await journal.cancel("execution");
    const { outcome } = await attempt(journal, GATE, {});
    expect(outcome).toMatchObject({ ok: false, end: "aborted", isCancelled: true });
  });
});

describe("a call that is to be made once", () => {
  const script = `
    const answer = await send("the letter").catch((error) => "failed: " + error.message);
    export default answer;`;

  /** Loses the answer of the call in an attempt at an execution, and gives the execution's id. */
  async function interrupt(journal: MemoryJournal): Promise<string> {
    // The write that keeps the answer is lost: it is that after the intent.
    const whole = await attempt(new MemoryJournal(), script, {});
    for (let at = whole.writes; at > 0; at--) {
      const id = `try-${at}`;
      await attempt(journal, script, { id, crash: { at, when: "before" } });
      const { outcome } = await attempt(journal, script, { id });
      if (outcome?.end === "suspended") {
        expect(outcome.waitsFor).toMatchObject([{ kind: "ambiguous", name: "send" }]);
        return id;
      }
    }
    throw new Error("no place leaves it ambiguous");
  }

  it.each<[string, Parameters<MemoryJournal["resolve"]>[1], unknown, number]>([
    ["is made again when somebody says so", { retry: true }, "sent the letter", 1],
    ["has the value that somebody gives", { value: "it was sent" }, "it was sent", 0],
    ["has no value where somebody says that it gave none", { value: undefined }, undefined, 0],
    ["fails where somebody says so", { error: "no letter" }, "failed: no letter", 0],
  ])("%s", async (_, how, value, calls) => {
    await using journal = new MemoryJournal();
    const id = await interrupt(journal);
    const again = await attempt(journal, script, { id });
    expect(again.outcome?.end).toBe("suspended");
    await journal.resolve(id, how);
    const effects = new Effects();
    const last = await attempt(journal, script, { id, effects });
    expect(last.outcome).toMatchObject({ ok: true });
    expect(last.outcome?.value).toBe(value);
    expect(effects.once.get("the letter") ?? 0).toBe(calls);
  });

  it("has what somebody said of it in every further attempt, whatever of it had come before", async () => {
    const script = `
      const answer = await mcp.app.send({ text: "the letter" });
      export default [answer, await execution.approve("go on")];`;
    const { writes } = await attempt(new MemoryJournal(), script, {});
    let told = 0;
    for (let at = 1; at <= writes; at++) {
      await using journal = new MemoryJournal();
      await attempt(journal, script, { crash: { at, when: "after" } });
      const { outcome } = await attempt(journal, script, {});
      if (outcome?.waitsFor?.[0]?.kind !== "ambiguous") continue;
      told++;
      await journal.resolve("execution", { value: "it was sent" });
      await attempt(journal, script, {});
      await journal.approve("execution", { approved: true, by: "ann" });
      const last = await attempt(journal, script, {});
      expect(last.outcome).toMatchObject({ ok: true, value: ["it was sent", { approved: true }] });
    }
    expect(told).toBeGreaterThan(1);
  });
});

describe("an execution that has ended", () => {
  it("gives its outcome and its output again, and does nothing", async () => {
    await using journal = new MemoryJournal();
    const script = `console.log("paid", await pay(1)); process.exitCode = 3; export default 5;`;
    const first = await attempt(journal, script, {});
    const effects = new Effects();
    const second = await attempt(journal, script, { effects, printsAgain: true });
    expect(second.output.out).toBe(first.output.out);
    const { stats: _, ...outcome } = first.outcome as ScriptOutcome;
    expect(second.outcome).toMatchObject(outcome);
    expect(effects.keyed.size).toBe(0);
    expect(await journal.get("execution")).toMatchObject({ state: "failed", exitCode: 3 });
  });
});

describe("a further attempt", () => {
  it("refuses another script, and goes on with it where that is accepted and does the same", async () => {
    await using journal = new MemoryJournal();
    await attempt(journal, GATE, {});
    const comment = `${GATE}\n// a comment`;
    await expect(attempt(journal, comment, {})).rejects.toMatchObject({ code: "ERR_EXECUTION_SOURCE" });
    expect(await journal.get("execution")).toMatchObject({ state: "suspended", waitsFor: [{ number: 1 }] });
    await journal.approve("execution", { approved: true, by: "ann" });
    const { outcome } = await attempt(journal, comment, { acceptSource: true });
    expect(outcome).toMatchObject({ ok: true, value: "paid 10" });
  });

  it("names the first thing that a changed script does in another way", async () => {
    await using journal = new MemoryJournal();
    await attempt(journal, GATE, {});
    const changed = GATE.replace("Pay 10?", "Pay 20?");
    await expect(attempt(journal, changed, { acceptSource: true })).rejects.toMatchObject({
      code: "ERR_EXECUTION_DIFFERS",
      message: expect.stringMatching(
        /message 3 .*"execution_approve" differs at "question": "Pay 20\?" now, "Pay 10\?" then/,
      ),
    });
  });

  it("begins with the state of the last checkpoint", async () => {
    await using journal = new MemoryJournal();
    const script = `
      const { i = 0 } = execution.state ?? {};
      console.log("from", i);
      if (i < 2) {
        await pay(i);
        await execution.checkpoint({ i: i + 1 });
        await execution.receive("go");
      }
      export default i;`;
    const effects = new Effects();
    for (const i of [0, 1]) {
      const { output, outcome } = await attempt(journal, script, { effects });
      expect(output.out).toBe(`from ${i}\n`);
      expect(outcome?.end).toBe("suspended");
    }
    const last = await attempt(journal, script, { effects });
    expect(last.outcome?.value).toBe(2);
    expect(effects.keyed.size).toBe(2);
  });

  it("tells a run whose text was seen that it was interrupted, and asks anew where nothing was", async () => {
    const script = `
      const seen = [];
      const done = Promise.withResolvers();
      new ChatStepFactory().newStep().runWithEvents("one two three four five six", (event) => {
        if (event.type === "partial") seen.push(event.delta);
        if (event.type === "final") done.resolve("final " + event.text);
        if (event.type === "error") done.resolve(event.code + " " + (seen.length > 0));
      });
      export default await done.promise;`;
    const whole = await attempt(new MemoryJournal(), script, {});
    const ends = new Set<unknown>();
    for (let at = 1; at <= whole.writes; at += 2) {
      await using journal = new MemoryJournal();
      await attempt(journal, script, { crash: { at, when: "after" } });
      const { outcome } = await attempt(journal, script, {});
      ends.add(outcome?.value);
    }
    expect(ends).toEqual(new Set([whole.outcome?.value, "ERR_RUN_INTERRUPTED true"]));
  });
});

describe("an execution that does not last", () => {
  async function run(
    code: string,
    act: (engine: RuntimeEngine) => Promise<void>,
    options: RunScriptOptions = {},
  ): Promise<{ outcome: ScriptOutcome; output: Output }> {
    const output = new Output();
    await using engine = new RuntimeEngine({ isolation: "thread", console: output, setup: [setupDefaults()] });
    await engine.start();
    const running = engine.runScript({ code }, options);
    await act(engine);
    return { outcome: await running, output };
  }

  it("sleeps, receives and asks within the life of its process", async () => {
    const code = `
      await execution.sleep(5);
      const got = await execution.receive("greeting");
      const { approved, by } = await execution.approve("Go?");
      export default [got, approved, by, execution.durable, execution.attempt, execution.id.length];`;
    const { outcome } = await run(code, async (engine) => {
      await engine.send("greeting", "hello");
      await expect.poll(() => engine.waits.waitsFor.some(({ kind }) => kind === "approve")).toBe(true);
      await engine.approve({ approved: true, by: "ann" });
    });
    expect(outcome.value).toEqual(["hello", true, "ann", false, 1, 36]);
  });

  it("takes nothing but true and false for an answer", async () => {
    const said = { approved: "false", by: "ann" } as never;
    const code = `export default await execution.approve("Go?").then((a) => a.approved, (e) => [e.name, e.message])`;
    const { outcome } = await run(code, async (engine) => {
      await expect.poll(() => engine.waits.waitsFor.length).toBe(1);
      await expect(engine.approve(said)).rejects.toThrow("Cannot answer: approved must be true or false");
      await engine.approve({ approved: false, by: "ann" });
    });
    expect(outcome.value).toBe(false);
    await using engine = new RuntimeEngine({ isolation: "thread", answers: { approve: async () => said } });
    await engine.start();
    const { value } = await engine.runScript({ code });
    expect(value).toEqual(["ValidationError", "Cannot answer: approved must be true or false"]);
  });

  it("rejects where nobody could ever answer", async () => {
    await using engine = new RuntimeEngine({ isolation: "thread", answers: { receive: false, approve: false } });
    await engine.start();
    const code = `
      const codes = [];
      for (const wait of [() => execution.receive("x"), () => execution.approve("y")]) {
        try { await wait(); } catch (error) { codes.push(error.code); }
      }
      export default codes;`;
    const { value } = await engine.runScript({ code });
    expect(value).toEqual(["ERR_NOT_DURABLE", "ERR_NOT_DURABLE"]);
  });
});

describe("a run that was interrupted", () => {
  it("is told so in every further attempt", async () => {
    const script = `
      const step = new ChatStepFactory().newStep();
      const ask = async () => {
        let text = "";
        for await (const delta of step.stream("one two three four five six")) text += delta;
        return text;
      };
      let answer;
      try { answer = await ask(); } catch (error) { answer = error.code + " " + (await ask()); }
      console.log(answer);
      const { approved } = await execution.approve("Go?");
      const again = await ask();
      export default [answer, approved, again];`;
    const text = "you said one two three four five six";
    const whole = await attempt(new MemoryJournal(), script, {});
    const answers = new Set<string>();
    for (let at = 4; at < whole.writes; at += 3) {
      await using journal = new MemoryJournal();
      await attempt(journal, script, { crash: { at, when: "after" } });
      expect((await attempt(journal, script, {})).outcome?.end).toBe("suspended");
      await journal.approve("execution", { approved: true, by: "ann" });
      const { outcome } = await attempt(journal, script, {});
      expect(outcome).toMatchObject({ ok: true, value: [expect.stringContaining(text), true, text] });
      answers.add(String((outcome!.value as unknown[])[0]));
    }
    expect(answers).toEqual(new Set([text, `ERR_RUN_INTERRUPTED ${text}`]));
  });
});
