import { describe, expect, it } from "vitest";
import { encodeValue } from "../../src/shared/codec.ts";
import { FRAMES } from "../../src/shared/contract/frame-kinds.ts";
import { FRAME_VERSION } from "../../src/shared/frames.ts";
import { timed } from "../machine/machine-watch.ts";
import { ORDERLY_REALMS, REALMS, RealmFixture } from "./realm-fixture.ts";

describe.each(REALMS)("$name", ({ create }) => {
  it("makes each entry a turn with its own microtasks, in order, also when 200 are pipelined", async () => {
    await using fixture = await RealmFixture.create(create);
    const { bridge } = fixture;
    await fixture.run(`for (let i = 0; i < 200; i++) setTimeout(() => {
      note("turn " + i);
      Promise.resolve().then(() => note("microtask " + i)).then(() => queueMicrotask(() => note("last " + i)));
    })`);
    const failures = await Promise.all(bridge.timers.map((id) => fixture.enter(FRAMES.timer_fire, id)));
    expect(failures).toEqual(Array.from({ length: 200 }, () => undefined));
    const expected = Array.from({ length: 200 }, (_, i) => [`turn ${i}`, `microtask ${i}`, `last ${i}`]).flat();
    expect(bridge.notes).toEqual(expected);
  });

  it("reports a failing entry as a value and goes on with the next ones", async () => {
    await using fixture = await RealmFixture.create(create);
    const outcomes = await Promise.all([
      fixture.run("note(1); throw new RangeError('bad')"),
      fixture.run("note(2)"),
      fixture.run("Promise.reject(new TypeError('unhandled')); note(3)"),
      fixture.run("note(4)"),
    ]);
    expect(outcomes).toMatchObject([
      { kind: "thrown", error: { name: "RangeError", message: "bad" } },
      undefined,
      { kind: "thrown", error: { name: "TypeError", message: "unhandled" } },
      undefined,
    ]);
    expect(fixture.bridge.notes).toEqual([1, 2, 3, 4]);
  });

  it("lets a guest start and clear timers without waiting for the host", async () => {
    await using fixture = await RealmFixture.create(create);
    const { bridge } = fixture;
    bridge.answered = 0;
    await fixture.run(
      "for (let i = 0; i < 1000; i++) { setTimeout(() => {}, 5); clearTimeout(setTimeout(() => {}, 5)); }",
    );
    expect(bridge.timers).toHaveLength(2000);
    // Now and then one is, so that what is under way stays bounded, and the end of the script.
    expect(bridge.answered).toBeLessThan(10);
  });

  it("reports what a callback throws through the bridge, and the entry itself as ended", async () => {
    await using fixture = await RealmFixture.create(create);
    await fixture.run("setTimeout(() => { throw new RangeError('late') })");
    expect(await fixture.enter(FRAMES.timer_fire, fixture.bridge.timers[0]!)).toBeUndefined();
    expect(fixture.bridge.uncaught).toMatchObject([{ name: "RangeError", message: "late" }]);
  });

  it("survives a frame of an unknown kind, of another version and one that is no JSON", async () => {
    await using fixture = await RealmFixture.create(create);
    for (const text of ['[1,"no-such-kind"]', `[99,"${FRAMES.timer_fire.name}",1]`, "{", "", "null", '"text"']) {
      expect(await fixture.realm.invoke({ text })).toBeUndefined();
    }
    expect(fixture.bridge.uncaught).toHaveLength(6);
    expect(await fixture.run("note('alive')")).toBeUndefined();
    expect(fixture.bridge.notes).toEqual(["alive"]);
  });

  it.each([
    "null",
    "undefined",
    "true",
    "'text'",
    "'x'.repeat(1e6)",
    "42",
    "10n",
    "Symbol('s')",
    "{ a: 1 }",
    "[]",
    "() => {}",
    "new Proxy({}, { get() { throw 1 } })",
    "new Proxy(Error('x'), { get() { throw 1 } })",
    "Object.defineProperty(new Error('x'), 'stack', { get() { throw 1 } })",
    "Object.assign(new Error('x'), { message: {}, name: 5 })",
    "new Error('x'.repeat(1e6))",
    "Object.create(Error.prototype)",
    "Object.create(null)",
    "globalThis",
  ])("gives a bounded record when %s is thrown or rejected", async (thrown) => {
    await using fixture = await RealmFixture.create(create);
    for (const code of [`throw (${thrown})`, `Promise.reject(${thrown})`, `(async () => { throw (${thrown}) })()`]) {
      const failure = await fixture.run(code);
      // A promise that is the completion value is the host's to settle; every other way is a failure of the entry.
      if (failure === undefined) continue;
      expect(failure.kind).toBe("thrown");
      const { error } = failure as { error: { name: string; message: string; stack?: string } };
      expect(error.name).toBeTypeOf("string");
      expect(error.message).toBeTypeOf("string");
      expect(JSON.stringify(error).length).toBeLessThan(40_000);
    }
    expect(await fixture.run("note('alive')")).toBeUndefined();
    expect(fixture.bridge.notes).toEqual(["alive"]);
  });

  it("settles a classic script with its completion value and a module with its default export", async () => {
    await using fixture = await RealmFixture.create(create);
    await fixture.run("6 * 7", { token: 1001 });
    await fixture.run("Promise.resolve('later')", { token: 1002 });
    const rejected = await fixture.run("Promise.reject(new RangeError('no'))", { token: 1003 });
    expect(rejected).toMatchObject({ kind: "thrown", error: { name: "RangeError", message: "no" } });
    await fixture.run("export default await Promise.resolve([1])", { token: 1004, kind: "module" });
    await fixture.run("export const other = 1", { token: 1005, kind: "module" });
    const { settled } = fixture.bridge;
    await expect.poll(() => settled.size).toBe(4);
    expect(settled.get(1001)).toMatchObject({ value: 42, text: "42" });
    expect(settled.get(1002)).toMatchObject({ value: "later" });
    expect(settled.get(1004)).toMatchObject({ value: [1] });
    expect(settled.get(1005)).not.toHaveProperty("value");
  });

  it("keeps a module's top-level await open until the guest resolves it in a later turn", async () => {
    await using fixture = await RealmFixture.create(create);
    const { bridge } = fixture;
    const code = "await new Promise((resolve) => setTimeout(resolve)); note('woken'); export default 1";
    expect(await fixture.run(code, { kind: "module", token: 1006 })).toBeUndefined();
    expect(bridge.settled.has(1006)).toBe(false);
    await fixture.enter(FRAMES.timer_fire, bridge.timers[0]!);
    await expect.poll(() => bridge.settled.get(1006)).toMatchObject({ value: 1 });
    expect(bridge.notes).toEqual(["woken"]);
  });

  it.each(["classic", "module"] as const)("says where a %s does not parse, without host frames", async (kind) => {
    await using fixture = await RealmFixture.create(create);
    const failure = await fixture.run("let a = 1;\nlet a = 2;", { kind, filename: "file:///broken.js" });
    expect(failure).toMatchObject({ kind: "load", error: { name: "SyntaxError" } });
    const { error } = failure as { error: { message: string; stack?: string } };
    expect(error.message).toContain("file:///broken.js:2:5");
    expect(error.stack).toBeUndefined();
    expect(JSON.stringify(failure)).not.toMatch(/node_modules|\.ts|realm-child|thread-realm/);
  });

  it("refuses a module that imports, naming what, in the message only", async () => {
    await using fixture = await RealmFixture.create(create);
    for (const specifier of ["node:fs", "./other.js", "isolated-vm", "hooks", "script"]) {
      const failure = await fixture.run(`import x from ${JSON.stringify(specifier)}`, { kind: "module" });
      expect(failure).toEqual({
        kind: "load",
        error: {
          name: "PermissionError",
          message: `import denied: ${specifier}: nothing may be imported; allow it with --allow-import=${specifier}`,
        },
      });
    }
    expect(await fixture.run("await import('node:fs')", { kind: "module" })).toMatchObject({ kind: "thrown" });
  });

  it("leaves the prologue and the offset out of line numbers", async () => {
    await using fixture = await RealmFixture.create(create);
    const failure = await fixture.run("\n\nthrow new Error('x')", { kind: "module", lineOffset: 1 });
    expect((failure as { error: { stack: string } }).error.stack).toBe("Error: x\n    at file:///script.js:2:7");
  });

  it("hands buffers over as ArrayBuffers of the guest's own, with a frame and in the answer to a blocking call", async () => {
    await using fixture = await RealmFixture.create(create);
    const { bridge, realm } = fixture;
    const vector = new Float32Array([0.5, -2]);
    bridge.serveBlocking = () => {
      const buffers: ArrayBuffer[] = [];
      return Promise.resolve({ text: encodeAnswer(vector, buffers), buffers });
    };
    const check =
      "(v) => [v instanceof Float32Array, Object.getPrototypeOf(v.buffer) === ArrayBuffer.prototype, v[0], v[1], v.length]";
    await fixture.run(`note(...(${check})(wait()))`);
    expect(bridge.notes.splice(0)).toEqual([true, true, 0.5, -2, 2]);

    const buffers: ArrayBuffer[] = [];
    await realm.invoke({ text: encodeFrame([FRAMES.global_set.name, "given", vector], buffers), buffers });
    await fixture.run(`note(...(${check})(given))`);
    expect(bridge.notes).toEqual([true, true, 0.5, -2, 2]);
    expect(vector[0]).toBe(0.5);
  });

  it("refuses a value whose frame would be too long, catchably, and goes on", async () => {
    await using fixture = await RealmFixture.create(create);
    await fixture.run("try { note('x'.repeat(17 * 1024 * 1024)) } catch (e) { note(e.name, e.code) }");
    await fixture.run("try { const a = 'x'.repeat(1e6); note(Array(17).fill(a)) } catch (e) { note(e.name, e.code) }");
    expect(fixture.bridge.notes).toEqual(["LimitError", "ERR_LIMIT_MESSAGE", "LimitError", "ERR_LIMIT_MESSAGE"]);
  });

  it("ends an entry at its time with a value", async () => {
    await using fixture = await RealmFixture.create(create);
    const { result, ms, allow } = await timed(() => fixture.run("for (;;);", {}, { timeoutMs: 60 }));
    expect(result).toMatchObject({ kind: "timeout" });
    expect(ms).toBeLessThan(allow(60 + 250));
  });

  it("does not take a script's word that it timed out, ran out of memory or was disposed", async () => {
    await using fixture = await RealmFixture.create(create);
    for (const text of [
      "Script execution timed out.",
      "Isolate was disposed during execution due to memory limit",
      "Isolate is disposed",
    ]) {
      const failure = await fixture.run(`throw new Error(${JSON.stringify(text)})`, {}, { timeoutMs: 100_000 });
      expect(failure).toMatchObject({ kind: "thrown", error: { message: text } });
    }
  });

  it("ends an endless loop when it is disposed, and says so to every entry", async () => {
    await using fixture = await RealmFixture.create(create);
    const loop = fixture.run("for (;;);");
    await new Promise((resolve) => setTimeout(resolve, 30));
    const entries = [loop, fixture.run("note('never')"), fixture.enter(FRAMES.timer_fire, 1)];
    setTimeout(() => fixture.realm.dispose(), 30);
    expect(await Promise.all(entries)).toEqual(entries.map(() => ({ kind: "disposed" })));
    expect(fixture.bridge.notes).toEqual([]);
  });

  it("ends a guest that waits in a blocking call when it is disposed", async () => {
    await using fixture = await RealmFixture.create(create);
    const entry = fixture.run("wait(); note('never')");
    await expect.poll(() => fixture.bridge.blocked).toBe(1);
    fixture.realm.dispose();
    expect(await entry).toEqual({ kind: "disposed" });
    expect(fixture.bridge.notes).toEqual([]);
  });

  it("may be disposed twice, and then answers every entry with a value", async () => {
    await using fixture = await RealmFixture.create(create);
    fixture.realm.dispose();
    fixture.realm.dispose();
    expect(fixture.realm.disposed).toBe(true);
    expect(await fixture.run("1")).toEqual({ kind: "disposed" });
    expect(await fixture.run("export default 1", { kind: "module" })).toEqual({ kind: "disposed" });
    expect(await fixture.enter(FRAMES.timer_fire, 1)).toEqual({ kind: "disposed" });
    expect(fixture.realm.stats().cpuMs).toBeGreaterThanOrEqual(0);
  });

  it("counts the guest's CPU time", async () => {
    await using fixture = await RealmFixture.create(create);
    await fixture.run("const end = Date.now() + 60; while (Date.now() < end);");
    expect(fixture.realm.stats().cpuMs).toBeGreaterThan(10);
  });
});

describe("ThreadRealm", () => {
  it("lives on after an endless loop that was ended at its time", async () => {
    await using fixture = await RealmFixture.create(REALMS[0]!.create);
    expect(await fixture.run("for (;;);", {}, { timeoutMs: 30 })).toMatchObject({ kind: "timeout" });
    expect(await fixture.run("note('alive')")).toBeUndefined();
    expect(fixture.bridge.notes).toEqual(["alive"]);
  });
});

function encodeAnswer(value: unknown, buffers: ArrayBuffer[]): string {
  return encodeValue({ ok: true, value }, { buffers });
}

function encodeFrame(body: unknown[], buffers: ArrayBuffer[]): string {
  return encodeValue([FRAME_VERSION, ...body], { buffers });
}

describe.each(ORDERLY_REALMS)("$name", ({ create }) => {
  it("tells the end of a turn after what was told in it, and before what is told in the next one", async () => {
    await using fixture = await RealmFixture.create(create);
    const { bridge } = fixture;
    await fixture.run("for (let i = 0; i < 100; i++) setTimeout(() => console.log(i))");
    const told: string[] = [];
    bridge.note = () => void told.push("note");
    await Promise.all(
      bridge.timers.map(async (id) => {
        await fixture.enter(FRAMES.timer_fire, id);
        told.push("end");
      }),
    );
    expect(told).toEqual(Array.from({ length: 100 }, () => ["note", "end"]).flat());
  });
});
