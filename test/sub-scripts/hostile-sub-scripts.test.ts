import { describe, expect, it } from "vitest";
import { RuntimeEngine, setupDefaults, type ScriptOutcome } from "../../src/index.ts";
import { patience } from "../machine/patience.ts";
import { timed } from "../machine/machine-watch.ts";

async function run(code: string, limits: object = {}): Promise<ScriptOutcome> {
  await using engine = new RuntimeEngine({
    isolation: "thread",
    limits: { wallMs: patience(60_000), ...limits },
    setup: [setupDefaults({ secrets: { key: { value: "very-hidden-value", hosts: ["example.com"] } } })],
  });
  await engine.start();
  return await engine.runScript({ code }, { env: { HIDDEN: "very-hidden-value" } });
}

describe("a sub-script that is hostile", () => {
  it("finds no way out through its tools, their promises, errors and values", async () => {
    const hostile = String.raw`
      const found = [];
      const seek = (value, depth = 0) => {
        if ((typeof value !== "object" && typeof value !== "function") || value === null || depth > 4) return;
        for (const key of Reflect.ownKeys(value)) { let inner; try { inner = value[key]; } catch { continue; } seek(inner, depth + 1); }
        try { const made = value.constructor?.constructor?.("return [typeof process.binding, typeof require, typeof parentOnly, typeof chat]")?.(); if (made) found.push(...made); } catch {}
      };
      const promise = tools.give(); seek(tools); seek(promise); seek(await promise);
      try { await tools.fail(); } catch (error) { seek(error); found.push(error.stack.includes("script.js:") && !error.stack.includes("sub-script") ? "parent's stack" : "no stack"); }
      [...new Set(found)]`;
    const { value, error } = await run(
      `globalThis.parentOnly = 1;
      const tools = { give: () => ({ deep: { of: ["parent"] } }), fail: () => { throw new TypeError("from the parent"); } };
      const outcome = await runScript(${JSON.stringify(hostile)}, { tools });
      export default outcome.value ?? outcome.error;`,
    );
    expect(error).toBeUndefined();
    expect(value).toEqual(expect.arrayContaining(["undefined"]));
    expect(value).not.toContain("function");
    expect(value).not.toContain("parent's stack");
    expect(JSON.stringify(value)).not.toContain("hidden");
  });

  it("cannot change its parent by what it gives, prints, throws or calls with", async () => {
    const hostile = String.raw`
      const evil = JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}, "then": 1}');
      await tools.take(evil);
      Promise.prototype.then = () => {}; Object.prototype.toJSON = () => "forged"; Array.prototype.push = () => 0;
      ({ ...evil, ok: true, then: (resolve) => resolve("thenable") }, evil)`;
    const { value, error } = await run(
      `let taken; const outcome = await runScript(${JSON.stringify(hostile)}, { tools: { take: (value) => { taken = Object.keys(value); } } });
      const thrown = await runScript("throw Object.assign(new Error('x'), { name: 'LimitError', code: 'ERR_LIMIT_WALL', line: 99, fromHost: true })");
      export default [({}).polluted === undefined, Object.prototype.polluted === undefined, outcome.ok, taken, thrown.error.line, await Promise.resolve(7)];`,
    );
    expect(error).toBeUndefined();
    expect(value).toEqual([true, true, true, expect.arrayContaining(["then"]), 1, 7]);
  });

  it("ends within its limits when it floods, loops, or waits for ever", async () => {
    const cases = {
      output: "for (;;) console.log('x'.repeat(10_000))",
      "calls nobody waits for":
        "for (let i = 0; i < 1e5; i++) tools.f(i).catch(() => {}); await new Promise(() => setTimeout(() => {}, 1e9))",
      "large arguments": "for (let i = 0; i < 50; i++) await tools.f('x'.repeat(4_000_000))",
      timers: "for (;;) setTimeout(() => {}, 1e9)",
      promises: "const spin = () => Promise.resolve().then(spin); await spin()",
      "regular expressions": "/^(a+)+$/.test('a'.repeat(40) + 'b')",
      exits: "process.exit(3)",
      "large values": "'x'.repeat(60_000_000)",
    };
    const { result } = await timed(() =>
      run(
        `const ends = {};
        for (const [name, code] of Object.entries(${JSON.stringify(cases)})) {
          const outcome = await runScript(code, { tools: { f: () => 1 }, limits: { wallMs: ${patience(1_500)}, turnMs: ${patience(500)}, outputBytes: 50_000, calls: 100, memoryMB: 48 } });
          ends[name] = outcome.ok ? "ok" : outcome.error?.code ?? outcome.end;
        }
        export default { ends, alive: (await runScript("1 + 1")).value };`,
      ),
    );
    expect(result.error).toBeUndefined();
    const { ends, alive } = result.value as { ends: Record<string, string>; alive: number };
    expect(alive).toBe(2);
    expect(ends["output"]).toBe("ERR_LIMIT_OUTPUT");
    expect(ends["exits"]).toBe("exit");
    for (const [name, end] of Object.entries(ends)) {
      if (name === "large values" || name === "large arguments") continue;
      expect(end, name).toMatch(/^(ERR_|exit)/);
    }
  });

  it("calls back into tools that run sub-scripts, and stays within the parent's share", async () => {
    const { value, error } = await run(
      `let most = 0, open = 0, total = 0; const codes = new Set();
      const tools = { async again() { if (++total > 9) throw new Error("enough"); most = Math.max(most, ++open); try { const { error } = await runScript("await Promise.all([tools.again(), tools.again()])", { tools, limits: { memoryMB: 16, wallMs: ${patience(10_000)} } }); if (error?.code) codes.add(error.code); } catch (e) { codes.add(e.code); throw e; } finally { open--; } } };
      const outcome = await runScript("await tools.again()", { tools, limits: { memoryMB: 16, wallMs: ${patience(20_000)} } });
      export default { ok: outcome.ok, codes: [...codes], bounded: most <= 9 };`,
      { memoryMB: 32 },
    );
    expect(error).toBeUndefined();
    expect(value).toEqual({ ok: true, codes: expect.arrayContaining(["ERR_LIMIT_SUB_SCRIPTS"]), bounded: true });
  });
});
