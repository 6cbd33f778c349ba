import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EnginePool, setupDoneCallback, type ScriptOutcome } from "../../src/index.ts";
import { partOf } from "../machine/part-of.ts";
import { patience } from "../machine/patience.ts";
import { killRealmChildren } from "../sandbox/realm-children.ts";

/** Descriptors of this process. */
function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** Each with the end and the code that it may have. */
const HOSTILE: [string, RegExp][] = [
  ["for (;;);", /^limit ERR_LIMIT_WALL$/],
  ["'x'.repeat(2 ** 28).split('')", /^(limit ERR_LIMIT_MEMORY|crashed ERR_ENGINE_CRASHED)$/],
  ["const a = []; for (;;) a.push(new Array(1000).fill(a.length))", /^limit ERR_LIMIT_MEMORY$/],
  ["Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)", /^limit ERR_LIMIT_WALL$/],
  ["for (;;) console.log('x'.repeat(1000))", /^limit ERR_LIMIT_OUTPUT$/],
  ["throw { toString() { for (;;); } }", /^uncaught undefined$/],
  ["const f = () => Promise.resolve().then(f); f(); await new Promise(() => {})", /^limit ERR_LIMIT_(WALL|MEMORY)$/],
  ["for (let i = 0; ; i++) setTimeout(() => {}, 1e6)", /^uncaught ERR_LIMIT_TIMERS$/],
  ["process.exit(3)", /^exit undefined$/],
  ["globalThis.planted = 'found'; Object.prototype.planted = 'found'", /^completed undefined$/],
];

describe("EnginePool", () => {
  it(
    "gives every honest script its own answer among hostile ones, and leaves nothing",
    { timeout: patience(300_000) },
    async () => {
      const before = descriptors();
      const pool = new EnginePool({
        size: 3,
        limits: { wallMs: patience(1500), memoryMB: 32, outputBytes: 200_000, timers: 1000 },
        console: { stdout() {}, stderr() {} },
      });
      const runs = Array.from({ length: partOf(1000) }, async (_, i): Promise<string> => {
        const tenant = `t${i % 7}`;
        if (i % 10 === 3) {
          const [code, expected] = HOSTILE[Math.floor(i / 10) % HOSTILE.length]!;
          const outcome = await pool.run({ code }, { tenant });
          const ended = `${outcome.end} ${outcome.error?.code}`;
          return expected.test(ended) ? "" : `${code}: ${ended}`;
        }
        const code = `if (globalThis.planted) throw new Error("planted");
        await new Promise((resolve) => setTimeout(resolve, 1)); export default ${i} * 2`;
        const outcome = await pool.run({ code }, { tenant });
        return outcome.ok && outcome.value === i * 2 ? "" : `honest ${i}: ${outcome.end} ${outcome.error?.message}`;
      });
      const results = await Promise.all(runs);
      expect(results.filter((wrong) => wrong !== "")).toEqual([]);
      expect(pool.stats()).toEqual({ running: 0, waiting: 0, tenants: 0 });
      await pool.close();
      await expect.poll(descriptors).toBeLessThanOrEqual(before + 1);
    },
  );

  it("lets a modest tenant through at once, however greedy another is", async () => {
    await using pool = new EnginePool({ size: 1, isolation: "thread" });
    const order: string[] = [];
    const run = async (tenant: string): Promise<void> => {
      await pool.run({ code: "await new Promise((r) => setTimeout(r, 2))" }, { tenant });
      order.push(tenant);
    };
    const greedy = Array.from({ length: 30 }, () => run("greedy"));
    const modest = run("modest");
    await modest;
    // The one that was running, and at most one more turn of the other's.
    expect(order.indexOf("modest")).toBeLessThanOrEqual(2);
    await Promise.all(greedy);
  });

  it("keeps to each tenant's quota, and refuses what is over it", async () => {
    await using pool = new EnginePool({ size: 4, isolation: "thread", quota: { running: 1, waiting: 2 } });
    const wait = { code: "await new Promise((r) => setTimeout(r, 30))" };
    const own = [1, 2, 3].map(() => pool.run(wait, { tenant: "a" }));
    expect(pool.stats()).toMatchObject({ running: 1, waiting: 2 });
    await expect(pool.run(wait, { tenant: "a" })).rejects.toMatchObject({ code: "ERR_LIMIT_QUEUE" });
    expect((await pool.run({ code: "export default 1" }, { tenant: "b" })).value).toBe(1);
    await Promise.all(own);
  });

  it("withdraws what waits when its signal is aborted, and refuses it when the pool is closed", async () => {
    const pool = new EnginePool({ size: 1, isolation: "thread" });
    const running = pool.run({ code: "await new Promise((r) => setTimeout(r, 5000))" });
    const abort = new AbortController();
    const withdrawn = pool.run({ code: "1" }, { signal: abort.signal });
    const refused = pool.run({ code: "1" });
    abort.abort(new Error("changed my mind"));
    await expect(withdrawn).rejects.toThrow("changed my mind");
    const closing = pool.close();
    await expect(refused).rejects.toMatchObject({ code: "ERR_ENGINE_CLOSED" });
    await closing;
    const outcome: ScriptOutcome | undefined = await running.catch(() => undefined);
    expect(outcome?.ok ?? false).toBe(false);
    await expect(pool.run({ code: "1" })).rejects.toMatchObject({ code: "ERR_ENGINE_CLOSED" });
  });

  it("runs strict children when asked", async () => {
    await using pool = new EnginePool({ size: 1, hardening: "strict" });
    expect(await pool.run({ code: "export default 6 * 7" })).toMatchObject({ ok: true, value: 42 });
  });

  it("takes null for no signal, and a list alone for setup functions", async () => {
    await using pool = new EnginePool({ size: 1, isolation: "thread" });
    expect(await pool.run({ code: "export default 1" }, { signal: null as never })).toMatchObject({ value: 1 });
    await expect(pool.run({ code: "1" }, { setup: (() => {}) as never })).rejects.toThrow(
      "Cannot run the script: setup must be a list of functions",
    );
  });

  it("gives each script its own console and setup", async () => {
    await using pool = new EnginePool({ size: 1, isolation: "thread", setup: [setupDoneCallback()] });
    const run = async (tenant: string): Promise<string> => {
      let out = "";
      const keep = (text: string): void => void (out += text);
      await pool.run(
        { code: "console.log(await name()); done()" },
        { tenant, console: { stdout: keep, stderr: keep }, setup: [async (vm) => vm.op("name", () => tenant)] },
      );
      return out;
    };
    expect(await Promise.all([run("anna"), run("ben")])).toEqual(["anna\n", "ben\n"]);
    expect(await pool.run({ code: "export default typeof name" })).toMatchObject({ value: "undefined" });
  });

  it.each(["thread", "process"] as const)(
    "close({ drainMs }) lets scripts end, then aborts (%s)",
    async (isolation) => {
      const pool = new EnginePool({ size: 1, isolation });
      const begun = Promise.withResolvers<void>();
      const first = pool.run(
        { code: "begin(); await new Promise((r) => setTimeout(r, 50)); export default 1" },
        { setup: [async (vm) => vm.op("begin", () => begun.resolve(), { mode: "sync" })] },
      );
      const second = pool.run({ code: "export default 2" });
      await begun.promise;
      const closing = pool.close({ drainMs: 60_000 });
      await expect(pool.run({ code: "1" })).rejects.toMatchObject({ code: "ERR_ENGINE_CLOSED" });
      expect(await first).toMatchObject({ ok: true, value: 1 });
      expect(await second).toMatchObject({ ok: true, value: 2 });
      await closing;

      const busy = new EnginePool({ size: 1, isolation });
      const endless = busy.run({ code: "setInterval(() => {}, 1000)" });
      const waiting = busy.run({ code: "export default 2" });
      waiting.catch(() => {});
      await busy.close({ drainMs: 20 });
      expect(await endless).toMatchObject({ ok: false, end: "aborted", error: { code: "ERR_ABORTED" } });
      await expect(waiting).rejects.toMatchObject({ code: "ERR_ENGINE_CLOSED" });
    },
  );

  it("gives an outcome for a script whose child is killed, at any moment and during close", async () => {
    for (let i = 0; i < 4; i++) {
      const pool = new EnginePool({ size: 1 });
      const begun = Promise.withResolvers<void>();
      const running = pool.run(
        { code: "begin(); setInterval(() => {}, 1000)" },
        { setup: [async (vm) => vm.op("begin", () => begun.resolve(), { mode: "sync" })] },
      );
      await begun.promise;
      const closing = i % 2 === 0 ? pool.close() : undefined;
      killRealmChildren();
      expect((await running).end).toMatch(/^(aborted|crashed)$/);
      await closing;
      await pool.close();
    }
  });
});
