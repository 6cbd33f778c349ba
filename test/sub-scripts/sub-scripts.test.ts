import { describe, expect, it } from "vitest";
import { Budget, EnginePool, RuntimeEngine, setupDefaults } from "../../src/index.ts";
import { ISOLATIONS } from "../engine/engine-harness.ts";
import { runChat } from "../chat/run-chat.ts";
import { patience } from "../machine/patience.ts";

describe.each(ISOLATIONS)("runScript() in a script (%s)", (isolation) => {
  it("gives the value, the output and the calls of code that has only what is passed on", async () => {
    const { value, error, printed } = await runChat(
      `const seen = [];
      const tools = { add: async (a, b) => a + b, note: (text) => { seen.push(text); } };
      const heard = [];
      const outcome = await runScript(\`
        const { left, right } = JSON.parse(input());
        console.log("adding", left);
        const sum: number = await tools.add(left, right);
        await tools.note("sum " + sum);
        console.error("done");
        ({ sum, at: new Date(0), all: new Map([[1, [2]]]) })\`, { input: { left: 1, right: 2 }, tools, onOutput: (text) => heard.push(text) });
      export default { ...outcome, heard: heard.join(""), seen };`,
      { isolation },
    );
    expect(error).toBeUndefined();
    expect(printed).toBe("");
    expect(value).toEqual({
      ok: true,
      end: "completed",
      value: { sum: 3, at: new Date(0), all: new Map([[1, [2]]]) },
      text: expect.stringContaining("sum: 3"),
      calls: 2,
      output: "adding 1\ndone\n",
      heard: "adding 1\ndone\n",
      seen: ["sum 3"],
    });
  });

  it("says where the code failed, and what a tool threw", async () => {
    const { value } = await runChat(
      `const errors = [];
      for (const code of ["const x = 1;\\nx.y.z()", "let a = ;", "\\n\\nawait tools.fails()", "await tools.missing()", "throw 5"])
        errors.push((await runScript(code, { tools: { fails: () => { throw new Error("no luck"); } } })).error);
      export default errors;`,
      { isolation },
    );
    expect(value).toEqual([
      expect.objectContaining({ name: "TypeError", line: 2, message: expect.stringContaining("reading 'z'") }),
      expect.objectContaining({ name: "SyntaxError", line: 1 }),
      expect.objectContaining({ message: "no luck", line: 3 }),
      expect.objectContaining({ name: "TypeError", line: 1 }),
      expect.objectContaining({ message: expect.stringContaining("5") }),
    ]);
  });

  // The host waits 150 ms to be told; on a busy machine that is now and then too short.
  it("says where a limit of time met the code, but where time is virtual", { retry: 5 }, async () => {
    const script = `const { error } = await runScript("for (;;);", { limits: { turnMs: ${patience(300)} } }); export default error;`;
    const real = await runChat(script, { isolation });
    expect(real.value).toMatchObject({ code: "ERR_LIMIT_TURN", line: 1 });
    const virtual = await runChat(script, { isolation, deterministic: true });
    expect(virtual.value).toEqual({ name: "LimitError", code: "ERR_LIMIT_TURN", message: expect.any(String) });
  });
});

describe("runScript() in a script", () => {
  it("gives the code nothing of the parent's: no models, files, network, secrets, variables, modules, globals", async () => {
    await using engine = new RuntimeEngine({
      isolation: "thread",
      permissions: { read: ["."], env: ["PATH"], net: ["example.com"], import: ["."] },
      setup: [setupDefaults({ secrets: { token: { value: "very-hidden-value", hosts: ["example.com"] } } })],
    });
    await engine.start();
    const code = `globalThis.shared = 1; store.set("k", "parent's");
      const names = ["chat", "ChatSession", "fetch", "secrets", "embeddings", "openai", "Conversation", "steps", "pipeline", "shared", "require", "tools", "input", "mcp"];
      const outcome = await runScript(\`
        const names = \${JSON.stringify(names)}.filter((name) => name in globalThis);
        const kept = await store.get("k");
        const file = await import("./package.json").catch((e) => e.name);
        ({ names, kept: kept ?? null, file, env: Object.keys(process.env), argv: process.argv.length })\`);
      export default outcome.value ?? outcome.error;`;
    const { value, error } = await engine.runScript({ code }, { env: { SECRET: "x" } });
    expect(error).toBeUndefined();
    expect(value).toMatchObject({ names: [], kept: null, env: [], file: expect.stringMatching(/Error$/) });
  });

  it("bounds time, memory, output, calls and turns, and goes on afterwards", async () => {
    const { value, error } = await runChat(
      `const end = async (code, limits, tools = {}) => { const { ok, error } = await runScript(code, { limits, tools }); return [ok, error?.code]; };
      export default {
        wall: await end("await new Promise(() => setTimeout(() => {}, 1e9))", { wallMs: 300 }),
        loop: await end("for (;;);", { turnMs: 200 }),
        memory: await end("const all = []; for (;;) all.push(new Array(1e5).fill(Math.random()))", { memoryMB: 16 }),
        output: await end("for (;;) console.log('x'.repeat(1000))", { outputBytes: 20_000 }),
        calls: await end("for (let i = 0; i < 5; i++) await tools.f(i)", { calls: 3 }, { f: () => 1 }),
        stalled: await end("await new Promise(() => {})", {}),
        after: (await runScript("6 * 7")).value,
      };`,
      { isolation: "process" },
    );
    expect(error).toBeUndefined();
    expect(value).toEqual({
      wall: [false, "ERR_LIMIT_WALL"],
      loop: [false, "ERR_LIMIT_TURN"],
      memory: [false, "ERR_LIMIT_MEMORY"],
      output: [false, "ERR_LIMIT_OUTPUT"],
      calls: [false, "ERR_LIMIT_TOOL_CALLS"],
      stalled: [false, expect.stringMatching(/^ERR_/)],
      after: 42,
    });
  });

  it("takes a share: of memory as much as the parent may have, and no more of anything", async () => {
    await using engine = new RuntimeEngine({
      isolation: "thread",
      limits: { memoryMB: 64, wallMs: patience(20_000) },
      setup: [setupDefaults()],
    });
    await engine.start();
    const code = `const open = []; const wait = () => new Promise((resolve) => open.push(resolve));
      const two = [1, 2].map(() => runScript("await tools.wait()", { tools: { wait }, limits: { memoryMB: 32 } }));
      while (open.length < 2) await new Promise((r) => setTimeout(r, 5));
      const third = await runScript("1", { limits: { memoryMB: 16 } }).catch((e) => [e.name, e.code, e.message]);
      for (const end of open) end();
      await Promise.all(two);
      export default [third, (await runScript("1", { limits: { memoryMB: 1e6 } })).value];`;
    const { value, error } = await engine.runScript({ code });
    expect(error).toBeUndefined();
    expect(value).toEqual([
      [
        "LimitError",
        "ERR_LIMIT_SUB_SCRIPTS",
        "Cannot run the sub-script: it needs 16 MB, and those that run have 64 of 64 MB",
      ],
      1,
    ]);
  });

  it("bounds how many a script has, those within others included, and each script anew", async () => {
    await using engine = new RuntimeEngine({
      isolation: "thread",
      limits: { subScripts: 3, wallMs: patience(20_000) },
      setup: [setupDefaults()],
    });
    await engine.start();
    const code = `const inner = 'const one = await runScript("1", { limits: { memoryMB: 16 } }); one.value';
      const first = await runScript(inner, { limits: { memoryMB: 16 } });
      const second = await runScript(inner, { limits: { memoryMB: 16 } });
      const third = await runScript("1").catch((e) => [e.name, e.code, e.message]);
      export default [first.value, second.error.code, third];`;
    for (let run = 0; run < 2; run++) {
      const { value, error } = await engine.runScript({ code });
      expect(error).toBeUndefined();
      const message = "The script exceeded the limit of sub-scripts of 3; raise it with limits.subScripts";
      expect(value).toEqual([1, "ERR_LIMIT_SUB_SCRIPTS", ["LimitError", "ERR_LIMIT_SUB_SCRIPTS", message]]);
    }
  });

  it("has what its tools ask models counted for its parent", async () => {
    await using engine = new RuntimeEngine({
      isolation: "thread",
      budget: new Budget({ maxCalls: 3 }),
      setup: [setupDefaults()],
    });
    await engine.start();
    const code = `const tools = { ask: (n) => chat("echo: " + n) };
      const ask = "const got = []; for (let n = 0; n < 2; n++) got.push(await tools.ask(n).catch((e) => e.code)); got";
      export default [await chat("echo: own"), (await runScript(ask, { tools })).value, (await runScript(ask, { tools })).value];`;
    const { value, error } = await engine.runScript({ code });
    expect(error).toBeUndefined();
    const over = "ERR_LIMIT_CALLS";
    expect(value).toEqual(["own", ["0", "1"], [over, over]]);
  });

  it("may be nested, and not without end", async () => {
    const { value } = await runChat(
      `const code = 'typeof runScript + (depth = Number(input())) + await (async () => { const r = await runScript(source, { input: depth + 1, tools: { source: tools.source }, limits: { memoryMB: 16 } }).catch((e) => ({ error: e })); return r.value ?? (r.error.code); })()';
      const source = "var depth, source = await tools.source(); " + code;
      export default (await runScript(source, { input: 1, tools: { source: () => source }, limits: { memoryMB: 64 } })).value;`,
    );
    expect(value).toBe("function1function2function3ERR_LIMIT_SUB_SCRIPTS");
  });

  it("calls tools re-entrantly, while the parent works and while other calls are open", async () => {
    const { value, error } = await runChat(
      `let depth = 0, most = 0;
      const tools = {
        echo: (value) => value,
        slow: async (n) => { most = Math.max(most, ++depth); await new Promise((r) => setTimeout(r, 1)); depth--; return n; },
        again: async (n) => (n === 0 ? 0 : 1 + (await runScript("await tools.again(" + (n - 1) + ")", { tools, limits: { memoryMB: 16 } })).value),
      };
      const { value } = await runScript(\`
        const all = await Promise.all(Array.from({ length: 20 }, (_, i) => tools.slow(i)));
        const bytes = await tools.echo(new Uint8Array([1, 2]));
        const bad = await tools.echo(new Map([["a", 1n]])).catch((e) => e.message);
        ({ sum: all.reduce((a, b) => a + b), bytes, bad, again: await tools.again(2) })\`, { tools, limits: { memoryMB: 16 } });
      export default { ...value, parallel: most > 1 };`,
    );
    expect(error).toBeUndefined();
    expect(value).toEqual({
      sum: 190,
      bytes: new Uint8Array([1, 2]),
      bad: new Map([["a", 1n]]),
      again: 2,
      parallel: true,
    });
  });

  it("ends with its signal, and with its parent", async () => {
    const { value } = await runChat(
      `const controller = new AbortController();
      const asked = runScript("await tools.begin(); await new Promise(() => setTimeout(() => {}, 1e9))", { signal: controller.signal, tools: { begin: () => controller.abort(new Error("enough")) } });
      const reason = await asked.catch((e) => e.message);
      const early = await runScript("1", { signal: AbortSignal.abort(new Error("early")) }).catch((e) => e.message);
      runScript("await tools.begin(); for (;;) await new Promise((r) => setTimeout(r, 1))", { tools: { begin: () => done([reason, early]) } });
      await new Promise(() => setTimeout(() => {}, 1e9));`,
      { isolation: "process" },
    );
    expect(value).toEqual(["enough", "early"]);
  });

  it("leaves no child running when it is aborted", async () => {
    const { value, error } = await runChat(
      `const controller = new AbortController();
      const limits = { memoryMB: 128, wallMs: 600_000 };
      const asked = runScript("await tools.begin(); await new Promise(() => setTimeout(() => {}, 1e9))", { limits, signal: controller.signal, tools: { begin: () => controller.abort() } });
      await asked.catch(() => {});
      // It has given its memory back, which is all there is.
      for (;;) { try { const { value } = await runScript("7", { limits }); export_(value); break; } catch (e) { if (e.code !== "ERR_LIMIT_SUB_SCRIPTS") throw e; await new Promise((r) => setTimeout(r, 10)); } }
      function export_(value) { done(value); }`,
      { isolation: "process" },
    );
    expect(error).toBeUndefined();
    expect(value).toBe(7);
  });

  it("is a run below the one that started it, whose output is its text", async () => {
    const events: { type: string; id: string; parent: string | undefined; step: string }[] = [];
    await using engine = new RuntimeEngine({ isolation: "thread", setup: [setupDefaults()] });
    await engine.start();
    const code = `const step = steps.createLambdaStep(async () => (await runScript("console.log('hi'); 5")).value);
      export default (await step.startAsync(1))[0];`;
    const { value } = await engine.runScript(
      { code },
      {
        onEvent: ({ type, step: { stepId, parentRunId, type: step } }) => {
          events.push({ type, id: stepId, parent: parentRunId, step });
        },
      },
    );
    expect(value).toBe(5);
    const own = events.filter(({ step }) => step === "sub-script");
    expect(own.map(({ type }) => type)).toEqual(["start", "partial", "final"]);
    const [outer] = events.filter(({ step }) => step !== "sub-script");
    expect(own.every(({ parent }) => parent === outer!.id)).toBe(true);
  });

  it("refuses what is no code, no tool and no limit, by its name", async () => {
    const { value } = await runChat(
      `const say = async (...args) => { try { return await runScript(args[0], args[1]); } catch (e) { return e.name + ": " + e.message; } };
      export default [await say(5), await say("1", 5), await say("1", { tool: {} }), await say("1", { tools: { f: 5 } }), await say("1", { tools: { "a b": () => 1 } }),
        await say("1", { tools: JSON.parse('{"__proto__": 1}') }), await say("1", { limits: { wallMS: 5 } }), await say("1", { limits: { wallMs: -1 } }), await say("1", { input: () => 1 }), await say("1", { name: "../x" })];`,
    );
    expect(value).toEqual([
      "TypeError: Cannot run the sub-script: the code must be a string, not number",
      "TypeError: Cannot run the sub-script: options must be an object",
      'ValidationError: Cannot run the sub-script: there is no option "tool"; did you mean "tools"?',
      "TypeError: Cannot run the sub-script: tools.f must be a function",
      "ValidationError: Cannot run the sub-script: tools.a b is not a name that code can call",
      "TypeError: Cannot run the sub-script: tools.__proto__ must be a function",
      'ValidationError: Cannot run the sub-script: there is no limit "wallMS", did you mean "wallMs"?',
      "ValidationError: Cannot run the sub-script: limits.wallMs must be a positive number, at most 2147483647",
      expect.stringMatching(/Error: .*function/i),
      "ValidationError: Cannot run the sub-script: name must have letters, digits, dots, _ and -, at most 64",
    ]);
  });

  it("leaves nothing behind in a pool", async () => {
    await using pool = new EnginePool({ size: 1, isolation: "process", setup: [setupDefaults()] });
    const outcome = await pool.run({ code: `export default (await runScript("1 + 1")).value` }, { tenant: "anna" });
    expect(outcome.value).toBe(2);
  });
});
