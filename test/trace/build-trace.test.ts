import { describe, expect, it } from "vitest";
import { setupDefaults } from "../../src/index.ts";
import { buildTrace, findPlaces } from "../../src/replay.ts";
import type { TraceModel, TraceSpan } from "../../src/trace/trace-model.ts";
import { patience } from "../machine/patience.ts";
import { keepRun } from "./trace-fixture.ts";

function spansOf({ spans }: TraceModel, kind: TraceSpan["kind"]): TraceSpan[] {
  return spans.filter((span) => span.kind === kind);
}

const AGENT = `
  const add = { name: "add", description: "adds", input: { type: "object" }, run: ({ a, b }) => a + b };
  const step = new ChatStepFactory().newStep({ tools: [add] });
  console.log((await step.startAsync('call: add {"a":40,"b":2}'))[0].text);
`;

describe("buildTrace()", () => {
  it("shows a run of a model with its tools, tokens and conversation", async () => {
    const { run, ...kept } = await keepRun(AGENT);
    const model = buildTrace(run, kept);
    const [chat] = spansOf(model, "run");
    const [tool] = spansOf(model, "tool");
    expect(chat).toMatchObject({ name: "chat (demo)", state: "ok", after: "[demo] add answered: 42", call: 0 });
    expect(chat!.tokens![1]).toBeGreaterThan(0);
    expect(tool).toMatchObject({ name: "add", state: "ok", after: "42", parent: model.spans.indexOf(chat!) });
    expect(JSON.parse(tool!.before!)).toEqual({ a: 40, b: 2 });
    expect(model.calls[0]).toMatchObject({ kind: "chat", answer: "[demo] add answered: 42", end: "completed" });
    expect(model.calls[0]!.toolCalls).toEqual([{ name: "add", input: '{\n  "a": 40,\n  "b": 2\n}', result: "42" }]);
    expect(model.steps.filter(({ kind }) => kind === "output").map(({ text }) => text)).toEqual([
      "[demo] add answered: 42",
    ]);
    expect(model.steps.at(-1)).toMatchObject({ kind: "script", text: "the script ends: completed" });
    expect(model.notes).toEqual([]);
  });

  it("shows when a conversation was made to fit, by its counts alone where contents are left out", async () => {
    const { run, ...kept } = await keepRun(
      `const context = { maxTokens: 80, compact: "summarize" };
      const messages = Array.from({ length: 9 }, (_, i) => ({ role: "user", content: "note " + i + " about some matter or other" }));
      await new ChatStepFactory().newStep({ context }).startAsync({ messages });`,
    );
    const told = ({ steps }: TraceModel): { text: string; detail?: string | undefined }[] =>
      steps.filter(({ text }) => text.startsWith("context: "));
    const [shown] = told(buildTrace(run, kept));
    expect(shown!.text).toMatch(/^context: summarize, 9 messages to \d$/);
    expect(shown!.detail).toContain("[demo]");
    const [bare] = told(buildTrace(run, { ...kept, contents: false }));
    expect([bare!.text, bare!.detail]).toEqual([shown!.text, undefined]);
  });

  it("tells of ops of all kinds, each with what it was asked and what it gave", async () => {
    const { run, ...kept } = await keepRun(
      `
      orders.add({ id: 7 });
      const found = await orders.find("Ada");
      const slow = orders.wait(1);
      try { await orders.fail({ why: "no" }); } catch (error) { console.error(error.message); }
      `,
      {
        setup: [
          async (vm) => {
            await vm.op("orders.add", ({ id }: { id: number }) => id, { mode: "sync" });
            await vm.op("orders.find", async (name: string) => [{ name }]);
            await vm.op("orders.wait", async (n: number) => n + 1, { mode: "blocking" });
            await vm.op("orders.fail", async () => {
              throw new Error("the shop is closed");
            });
          },
        ],
      },
    );
    const ops = spansOf(buildTrace(run, kept), "op");
    expect(ops.map(({ name, state }) => [name, state])).toEqual([
      ["orders.add", "ok"],
      ["orders.find", "ok"],
      ["orders.wait", "ok"],
      ["orders.fail", "failed"],
    ]);
    expect(JSON.parse(ops[0]!.before!)).toEqual([{ id: 7 }]);
    expect(JSON.parse(ops[1]!.after!)).toEqual([{ name: "Ada" }]);
    expect(ops[2]!.after).toBe("2");
    expect(ops[3]!.after).toContain("the shop is closed");
  });

  it("tells of timers, and of the time in which a script waits for them", async () => {
    const { run, ...kept } = await keepRun(`
      const tick = setInterval(() => {}, 20);
      const never = setTimeout(() => {}, 60_000);
      await new Promise((resolve) => setTimeout(resolve, 120));
      clearTimeout(never);
      clearInterval(tick);
    `);
    const model = buildTrace(run, kept);
    const timers = spansOf(model, "timer");
    expect(timers.map(({ name, state }) => [name, state])).toEqual([
      ["setInterval 20 ms", "cancelled"],
      ["setTimeout 60000 ms", "cancelled"],
      ["setTimeout 120 ms", "ok"],
    ]);
    expect(timers[2]!.end! - timers[2]!.start).toBeGreaterThan(60);
    expect(model.steps.filter(({ text }) => text === "setInterval 20 ms fires").length).toBeGreaterThan(0);
    const { run: idle, ...rest } = await keepRun("await new Promise((resolve) => setTimeout(resolve, 150));");
    const [wait] = spansOf(buildTrace(idle, rest), "wait");
    expect(wait!.name).toBe("waits for setTimeout 150 ms");
    expect(wait!.end! - wait!.start).toBeGreaterThan(50);
  });

  it("puts a run below the one that it is part of, and says which failed or was cancelled", async () => {
    const { run, ...kept } = await keepRun(`
      const fails = steps.createLambdaStep(() => { throw new Error("bad luck"); });
      const line = steps.compose([steps.createLambdaStep((x) => x + 1), fails]);
      await line.startAsync(1).catch(() => {});
    `);
    const model = buildTrace(run, kept);
    const runs = spansOf(model, "run");
    const [line, first, second] = runs;
    expect(runs.map(({ name, state }) => [name, state])).toEqual([
      ["compose", "failed"],
      ["lambda", "ok"],
      ["lambda", "failed"],
    ]);
    expect([first!.parent, second!.parent]).toEqual([model.spans.indexOf(line!), model.spans.indexOf(line!)]);
    expect(second!.after).toContain("bad luck");
  });

  it("says why a script failed, and in which line", async () => {
    const { run, ...kept } = await keepRun(`console.log(1);\nthrow new TypeError("not today");`);
    const model = buildTrace(run, kept);
    expect(model.error).toMatchObject({ title: "TypeError: not today" });
    expect(model.steps.at(-1)).toMatchObject({ text: "the script fails: TypeError: not today", state: "failed" });
    expect(model.sources[0]!.text).toContain("not today");
  });

  it("knows the line that asked for each step, whatever the script has done to stacks", async () => {
    const code = `const step = steps.createLambdaStep((x) => x + 1);
const line = steps.compose([step, step]);
Error.stackTraceLimit = 2;
await line.startAsync(1);
console.log("five");
await new Promise((resolve) =>
  setTimeout(resolve, 5),
);
function deep(n) {
  if (n > 0) return deep(n - 1);
  console.log("eleven");
}
deep(20);
console.log(Error.stackTraceLimit, new Error("x").stack.split("\\n").length);
const recalled = new Error("recalled");
console.log(recalled.stack.includes("script.js:15"));
throw recalled;
`;
    const { run, ...kept } = await keepRun(code);
    const model = buildTrace(run, { ...kept, places: await findPlaces(kept.journal) });
    expect(spansOf(model, "run").map(({ place }) => place)).toEqual([
      [0, 4],
      [0, 4],
      [0, 4],
    ]);
    expect(spansOf(model, "timer")[0]!.place).toEqual([0, 7]);
    const printed = model.steps.filter(({ kind }) => kind === "output");
    expect(printed.map(({ text, place }) => [text, place])).toEqual([
      ["five", [0, 5]],
      ["eleven", [0, 11]],
      ["2 2", [0, 14]],
      ["true", [0, 16]],
    ]);
    // Its end is on record, so it was replayed to that.
    expect(model.steps.at(-1)!.text).toContain("recalled");
  });

  it("leaves a script's own way of making stacks alone", async () => {
    const { run, ...kept } = await keepRun(`
      let made = 0;
      Error.prepareStackTrace = () => { made++; return "mine"; };
      console.log("one");
      console.log(made, new Error("x").stack, made);
    `);
    const places = await findPlaces(kept.journal);
    const model = buildTrace(run, { ...kept, places });
    expect(model.steps.filter(({ kind }) => kind === "output").map(({ text }) => text)).toEqual(["one", "0 mine 1"]);
  });

  it("finds the lines of an endless script as far as it came, and comes back", async () => {
    const { journal } = await keepRun(`console.log("one");\nfor (;;);`, { limits: { wallMs: patience(400) } });
    const places = await findPlaces(journal, { signal: AbortSignal.timeout(patience(5_000)) });
    expect([...places.values()]).toEqual(["file:///script.js:1:9"]);
  });

  it("shows the virtual time of a deterministic run", async () => {
    const { run, ...kept } = await keepRun("await new Promise((resolve) => setTimeout(resolve, 86_400_000));", {
      deterministic: true,
    });
    const model = buildTrace(run, kept);
    const [timer] = spansOf(model, "timer");
    expect(Math.round((timer!.end! - timer!.start) / 1000)).toBe(86_400);
    expect(model.durationMs).toBeGreaterThanOrEqual(86_400_000);
    expect(model.durationMs).toBeLessThan(86_500_000);
  });

  it("gives a run without a journal what the log has, in its order, and says so", async () => {
    const { run, items } = await keepRun(`console.log("before");\n${AGENT}\nconsole.log("after");`);
    const model = buildTrace(run, { items });
    expect(spansOf(model, "tool")).toHaveLength(1);
    const kinds = model.steps.map(({ kind, text }) => (kind === "output" ? text : kind));
    expect(kinds.indexOf("before")).toBeLessThan(kinds.indexOf("run"));
    expect(kinds.indexOf("after")).toBeGreaterThan(kinds.indexOf("before"));
    expect(model.notes.join()).toContain("This run has no journal");
  });

  it("shows a journal that breaks off as far as it goes, and the events of all of the run", async () => {
    const { run, items, journal } = await keepRun(AGENT);
    const cut = { ...journal, records: journal.records.slice(0, 45), damage: "it breaks off" };
    const model = buildTrace(run, { items, journal: cut });
    expect(model.notes.join()).toContain("The journal of this run is not whole: it breaks off.");
    expect(spansOf(model, "run")[0]).toMatchObject({ state: "ok" });
  });

  it("shows a run that still goes on, and one that was killed, as far as they came", async () => {
    const { run, ...kept } = await keepRun(AGENT);
    const { durationMs: _, outcome: __, exitCode: ___, ...open } = run;
    for (const [state, note] of [
      ["running", "has not ended yet"],
      ["killed", "was killed"],
    ] as const) {
      const model = buildTrace({ ...open, state }, kept);
      expect(model.notes.join()).toContain(note);
      expect(model.state).toBe(state);
      expect(model.durationMs).toBeGreaterThan(0);
    }
  });

  it("takes names of ops and kinds of timers that every object has as names", async () => {
    const { run, items, journal } = await keepRun("console.log(1);");
    const hostile = ["constructor", "__proto__", "toString"].flatMap((name) => [
      { kind: "note" as const, text: JSON.stringify([1, name, {}]) },
      { kind: "note" as const, text: JSON.stringify([1, "timer_start", { id: name, ms: 5, kind: name }]) },
    ]);
    const { spans } = buildTrace(run, { items, journal: { ...journal, records: [...journal.records, ...hostile] } });
    const names = spans.slice(-hostile.length).map(({ name }) => name);
    const timer = "setTimeout 5 ms";
    expect(names).toEqual(["constructor", timer, "__proto__", timer, "toString", timer]);
  });

  it("takes what is no text where a text should be", async () => {
    const { run, items, journal } = await keepRun("console.log(1);");
    const odd = { toString: 1, valueOf: 1 };
    const error = { name: odd, message: odd, code: odd };
    const asked = [
      ["run_start", { id: odd }],
      ["script_exit", { code: odd }],
      ["error_report", error],
      ["timer_start", { id: 1, ms: odd }],
    ];
    const hostile = [
      ...asked.map((frame) => ({ kind: "note" as const, text: JSON.stringify([1, ...frame]) })),
      ...[{ ok: false, error }, null].map((answer) => ({
        kind: "call" as const,
        text: JSON.stringify([1, "look", {}]),
        answer: JSON.stringify(answer),
      })),
    ];
    for (const contents of [true, false]) {
      const whole = { ...journal, records: [...journal.records, ...hostile] };
      const { spans } = buildTrace(run, { items, journal: whole, contents });
      expect(spans.slice(-2)).toMatchObject([
        { name: "look", state: "failed" },
        { name: "look", state: "ok" },
      ]);
    }
  });

  it("cuts what is too large for a page, and says what is left out", async () => {
    const { run, ...kept } = await keepRun(`for (let i = 0; i < 300; i++) console.log("line " + i, "x".repeat(500));`);
    const few = buildTrace(run, { ...kept, limits: { steps: 100 } });
    expect(few.steps).toHaveLength(100);
    expect(few.notes.join()).toMatch(/too large for one page: 20\d steps after the first 100 are left out/);
    const short = buildTrace(run, { ...kept, limits: { text: 50 } });
    expect(short.steps.every(({ detail = "" }) => detail.length <= 51)).toBe(true);
    expect(short.notes.join()).toContain("long texts are cut");
    const small = buildTrace(run, { ...kept, limits: { chars: 10_000 } });
    expect(JSON.stringify(small.steps).length).toBeLessThan(40_000);
    expect(small.notes.join()).toContain("too large");
  });

  it("holds nothing of what was asked, answered, printed or thrown where contents are left out", async () => {
    const { run, ...kept } = await keepRun(
      `
      const t = { name: "look", description: "looks", input: { type: "object" }, run: ({ q }) => "toolcanary " + q };
      const step = new ChatStepFactory().newStep({ tools: [t], system: "systemcanary" });
      const [answer] = await step.startAsync('promptcanary\\ncall: look {"q":"argcanary"}');
      console.log("printcanary", answer.text);
      console.error("stderrcanary");
      ask("opcanary");
      await chat("echo: answercanary");
      const failing = steps.createLambdaStep(() => { throw Object.assign(new Error("stepcanary"), { code: "codecanary x" }); });
      await failing.startAsync("inputcanary").catch(() => {});
      throw Object.assign(new Error("throwcanary"), { name: "name canary" });
      `,
      {
        setup: [
          setupDefaults({ chat: { provider: "embedded", deltaMs: 0 } }),
          (vm) => vm.op("ask", (q: string) => `gavecanary ${q}`, { mode: "sync" }),
        ],
      },
    );
    const whole = JSON.stringify(buildTrace(run, kept));
    for (const word of ["prompt", "arg", "tool", "print", "op", "answer", "throw", "input"]) {
      expect(whole).toContain(`${word}canary`);
    }
    const facts = [
      ["input", "factcanary"],
      ["model", "embedded:demo"],
    ] as const;
    for (const journal of [kept.journal, undefined]) {
      const bare = buildTrace(run, { items: kept.items, journal, facts: [...facts], contents: false });
      expect(JSON.stringify(bare)).not.toContain("canary");
      expect(spansOf(bare, "tool").map(({ name }) => name)).toEqual(["look"]);
      expect(bare.calls.map(({ kind, end }) => [kind, end])).toEqual([
        ["chat", "completed"],
        ["chat", "completed"],
      ]);
      expect(bare.facts).toEqual([["model", "embedded:demo"]]);
      expect(bare.usage.calls).toBe(2);
    }
  });
});
