import { describe, expect, it } from "vitest";
import { codeTool, type CodeProgress, type CodeResult, type CodeToolOptions, resultText } from "../../src/index.ts";
import { patience } from "../machine/patience.ts";
import { SHOP } from "./shop.ts";

async function run(code: string, options: CodeToolOptions = {}, input?: unknown): Promise<CodeResult> {
  await using tool = codeTool({ tools: SHOP, check: false, isolation: "thread", ...options });
  return await tool.execute({ code, ...(input === undefined ? {} : { input }) });
}

describe("codeTool()", () => {
  it("gives the value of code that calls functions of the host's, and what it printed and used", async () => {
    const result = await run(`
      const orders = await Promise.all((await tools.orders.list()).map((id) => tools.orders.find({ id })));
      console.log(orders.length);
      return orders.filter(({ state }) => state === "open").map(({ id }) => id);`);
    expect(result).toMatchObject({ ok: true, value: [1, 3], console: "4\n", usage: { toolCalls: 5, calls: 0 } });
    expect(result.error).toBeUndefined();
  });

  it.each([
    ["the value of the last expression", "const a = 20; a + 1", 21],
    ["what is returned", "if (true) return 21; 5", 21],
    ["the default export", "export default 21", 21],
    ["what a function as a whole gives", "async () => { return 21 }", 21],
    ["TypeScript", "const a: number = 21; a as number", 21],
    ["TypeScript that returns", "const a: number = 21\nreturn await Promise.resolve(a)", 21],
    ["code between marks of Markdown", "```ts\nconst a = 21; a\n```", 21],
    ["an object", "({ a: [1] })", { a: [1] }],
  ])("gives %s", async (_, code, value) => {
    expect(await run(code)).toMatchObject({ ok: true, value });
  });

  it("gives the code its input, as a text or as JSON", async () => {
    expect((await run("input()", {}, "plain")).value).toBe("plain");
    expect((await run("JSON.parse(input()).n + 1", {}, { n: 1 })).value).toBe(2);
    expect((await run("input()")).error).toMatchObject({ hint: "nothing was given as input" });
  });

  it("gives what is no JSON as a text, and of what is long the beginning", async () => {
    expect(await run("new Map([[1, 2n]])")).toMatchObject({ ok: true, text: "Map(1) { 1 => 2n }" });
    const long = await run("'x'.repeat(100)", { maxResultChars: 10 });
    expect(long).toMatchObject({ ok: true, text: '"xxxxxxxxx' });
    expect(long.notes![0]).toContain("return less");
    const printed = await run("for (let n = 0; n < 1000; n++) console.log(n)", { maxConsoleChars: 40 });
    expect(printed.console).toMatch(/^0\n1\n[^]*characters are left out[^]*\n999\n$/);
  });

  it("says where an error is, and what to do about it", async () => {
    const { ok, error } = await run("const a = 1;\nconst b = await tools.orders.fnd({ id: a });");
    expect(ok).toBe(false);
    expect(error).toMatchObject({ name: "TypeError", line: 2 });
    expect(error!.frame).toContain("> 2 | const b");
    expect(error!.hint).toContain("tools.orders.find");
    expect((await run("x = = 1")).error).toMatchObject({ name: "SyntaxError", line: 1 });
  });

  it("says of input that does not fit what the function takes, and of a function that fails why", async () => {
    const { error } = await run('await tools.orders.find({ id: "7" })');
    expect(error).toMatchObject({ name: "ValidationError", line: 1 });
    expect(error!.message).toContain("find(input: { id: number })");
    expect((await run("await tools.fails()")).error!.message).toBe("the shop is closed");
    expect((await run("await tools.fails().catch((e) => e.message)")).value).toBe("the shop is closed");
    expect((await run("await tools.orders.find(1, 2)")).error!.message).toContain("it takes one object");
  });

  it("says so where the code itself says that it failed", async () => {
    for (const code of ["process.exit(3)", "console.log(1); process.exit(3)"]) {
      const result = await run(code);
      expect(result.ok).toBe(false);
      expect(resultText(result)).toContain("with exit code 3");
    }
  });

  it("says of a value that holds promises what to do", async () => {
    const { value, notes } = await run("(await tools.orders.list()).map((id) => tools.orders.find({ id }))");
    expect(value).toHaveLength(4);
    expect(notes![0]).toContain("await Promise.all(");
    expect((await run("[{}, 'Promise {']")).notes).toBeUndefined();
  });

  it("says that a function was declared and not called", async () => {
    expect((await run("async function main() { return 5 }")).notes![0]).toContain("main is never called");
    expect((await run("const a = 5")).notes![0]).toContain("last expression");
  });

  it("asks before each call, one at a time, and tells the code of a refusal", async () => {
    const asked: string[] = [];
    let waiting = 0;
    const result = await run("return Promise.allSettled([10, 100, 20].map((amount) => tools.refund({ amount })))", {
      async onApprove({ name, input }) {
        expect(++waiting).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        waiting--;
        asked.push(`${name} ${String(input["amount"])}`);
        return Number(input["amount"]) <= 50;
      },
    });
    expect(asked).toEqual(["refund 10", "refund 100", "refund 20"]);
    expect(JSON.stringify(result.value ?? result.text)).toContain("the call was not approved");
    const denied = await run("return tools.refund({ amount: 1 }).catch((e) => e.code)", {
      onApprove: (() => ({ approved: false })) as never,
    });
    expect(denied.value).toBe("ERR_PERMISSION");
  });

  it("ends code at its limits, and says what to do instead", async () => {
    const late = await run("while (true) {}", { isolation: "process", limits: { wallMs: patience(300) } });
    expect(late.error).toMatchObject({ code: "ERR_LIMIT_WALL", hint: expect.stringContaining("do less") as string });
    expect(late.error!.message).not.toContain("raise it");
    const calls = await run("for (let n = 0; ; n++) await tools.orders.list()", { perRun: { maxToolCalls: 3 } });
    expect(calls).toMatchObject({ error: { code: "ERR_LIMIT_TOOL_CALLS" }, usage: { toolCalls: 3 } });
  });

  it("has nobody who answers execution.approve and receive: the code does not wait in vain", async () => {
    await using tool = codeTool({ check: false });
    const code = `return [await execution.approve("x").catch((e) => e.code), await execution.receive("x").catch((e) => e.code)]`;
    expect(await tool.execute({ code })).toMatchObject({ value: ["ERR_NOT_DURABLE", "ERR_NOT_DURABLE"] });
  });

  it("tells of output and calls while the code runs, under the run that they belong to", async () => {
    const told: CodeProgress[] = [];
    await using tool = codeTool({ tools: SHOP, check: false, isolation: "thread" });
    await tool.execute(
      { code: 'console.log("begins"); await tools.refund({ amount: 1 }); await tools.fails().catch(() => {})' },
      { runId: "run-7", onProgress: (progress) => void told.push(progress) },
    );
    expect(told.map(({ type, runId }) => `${type} ${runId}`)).toEqual([
      "output run-7",
      "tool-call run-7",
      "tool-result run-7",
      "tool-call run-7",
      "tool-result run-7",
    ]);
    expect(told[1]).toMatchObject({ id: "call-1", name: "refund", input: { amount: 1 } });
    expect(told[2]).toMatchObject({ id: "call-1", result: "paid back 1" });
    expect(told[4]).toMatchObject({ id: "call-2", error: "the shop is closed" });
  });

  it("ends the code at its caller's signal, and waits for nothing when it is closed", async () => {
    const tool = codeTool({ isolation: "thread", check: false });
    const controller = new AbortController();
    const running = tool.execute(
      { code: 'console.log("begins"); await new Promise((resolve) => setTimeout(resolve, 600_000))' },
      { signal: controller.signal, onProgress: () => controller.abort() },
    );
    expect(await running).toMatchObject({ ok: false, error: { code: "ERR_ABORTED" } });
    const other = tool.execute({ code: "await new Promise((resolve) => setTimeout(resolve, 600_000))" });
    await tool.close();
    expect(await other).toMatchObject({ ok: false, error: { code: "ERR_ABORTED" } });
    await expect(tool.execute({ code: "1" })).rejects.toMatchObject({ code: "ERR_ENGINE_CLOSED" });
  });

  it("refuses what is no code, as a result", async () => {
    await using tool = codeTool({ isolation: "thread" });
    for (const input of [undefined, null, 7, {}, { code: 7 }]) {
      expect(await tool.execute(input as never)).toMatchObject({ ok: false, error: { code: "ERR_VALIDATION" } });
    }
  });

  it("has no modules and no files, unless its host gives it some", async () => {
    for (const code of [
      'import p from "./package.json"; p',
      'await import("./package.json")',
      'import fs from "node:fs"; fs',
      'import "zod"',
    ]) {
      const { ok, error } = await run(code);
      expect({ ok, hint: error?.hint }, code).toMatchObject({
        ok: false,
        hint: expect.stringContaining("no modules") as string,
      });
    }
    const given = await run('import p from "./package.json"; p.name', { permissions: { import: ["./package.json"] } });
    expect(given).toMatchObject({ ok: true, value: "geppetto-js" });
  });

  it("refuses names that no script can write, at once", () => {
    const run = (): number => 1;
    for (const name of ["a-b", "", "a..b", "__proto__", "a.constructor", "1a"])
      expect(() => codeTool({ tools: Object.fromEntries([[name, { run }]]) }), name).toThrow(/Cannot give scripts/);
    expect(() => codeTool({ tools: { a: { run }, "a.b": { run } } })).toThrow(/"a" is a function already/);
  });

  it("puts a result into words", async () => {
    const text = resultText(await run('console.log("hi");\nreturn [1]'));
    expect(text).toBe("Output:\nhi\nValue: [1]");
    expect(resultText(await run("null.x"))).toMatch(/^TypeError: Cannot read[^]*> 1 \| null\.x/);
  });
});

describe("codeTool({ session: true })", () => {
  const withSession = (options: CodeToolOptions = {}) =>
    codeTool({ tools: SHOP, session: true, check: false, isolation: "thread", ...options });

  it("keeps what a run declares, lets it be declared again, and forgets it when it is asked to", async () => {
    await using tool = withSession();
    await tool.execute({ code: "const orders = await tools.orders.list(); function first() { return orders[0] }" });
    expect((await tool.execute({ code: "first()" })).value).toBe(1);
    await tool.execute({ code: "const orders = [9]" });
    expect((await tool.execute({ code: "first()" })).value).toBe(9);
    const anew = await tool.execute({ code: "typeof first", restart: true });
    expect(anew.value).toBe("undefined");
  });

  it("begins anew when its guest has gone, and says so", async () => {
    await using tool = withSession({ isolation: "process" });
    await tool.execute({ code: "const kept = 1" });
    const ended = await tool.execute({ code: "process.exit(0)" });
    expect(ended.notes!.join()).toContain("the session is over");
    const next = await tool.execute({ code: "typeof kept" });
    expect(next).toMatchObject({ ok: true, value: "undefined" });
    expect(next.notes!.join()).toContain("begun anew");
  });

  it("serves no call of what goes on between runs", async () => {
    const told: unknown[] = [];
    let calls = 0;
    await using tool = withSession({
      tools: { note: { run: () => void calls++ } },
      setup: [(vm) => vm.op("tell", (code: unknown) => void told.push(code))],
    });
    await tool.execute({ code: "setInterval(async () => tell(await tools.note().catch((e) => e.code)), 1)" });
    await expect.poll(() => told, { timeout: patience(10_000) }).toContain("ERR_ABORTED");
    const before = calls;
    await expect.poll(() => told.length, { timeout: patience(10_000) }).toBeGreaterThan(20);
    expect(calls).toBe(before);
  });

  it("runs code one at a time", async () => {
    await using tool = withSession();
    const codes = ["let order = []; await 0; order.push(1)", "order.push(2)", "order.push(3); order"];
    const results = await Promise.all(codes.map((code) => tool.execute({ code })));
    expect(results[2]!.value).toEqual([1, 2, 3]);
  });
});
