import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it } from "vitest";
import { EnginePool, type EnginePoolOptions } from "../../src/index.ts";
import { patience } from "../machine/patience.ts";

const silent = { stdout() {}, stderr() {} };
const SIX = { code: "export default 6" };

function warmPool(options: EnginePoolOptions = {}): EnginePool {
  return new EnginePool({ size: 1, reuse: "tenant", console: silent, ...options });
}

/** Processes that are started while something is done. */
async function countProcesses(work: () => Promise<void>): Promise<number> {
  let started = 0;
  const count = (): void => void started++;
  subscribe("child_process", count);
  try {
    await work();
  } finally {
    unsubscribe("child_process", count);
  }
  return started;
}

/** As many as a pool of one starts for so many scripts: one for each that needs its own, and one that is kept ready. */
const forScripts = (count: number): number => count + 1;

async function runAll(pool: EnginePool, tenants: readonly (string | undefined)[]): Promise<void> {
  for (const tenant of tenants) {
    const { value } = await pool.run(SIX, tenant === undefined ? {} : { tenant });
    expect(value).toBe(6);
  }
}

describe("A pool that uses processes again", () => {
  it("has one for the scripts of one tenant", async () => {
    const started = await countProcesses(async () => {
      await using pool = warmPool();
      await runAll(pool, Array<string>(10).fill("anna"));
    });
    expect(started).toBe(forScripts(1));
  });

  it("gives no tenant the process of another", async () => {
    const started = await countProcesses(async () => {
      await using pool = warmPool({ size: 2, quota: { running: 1 } });
      // Both are kept, and nobody else gets either.
      await runAll(pool, ["anna", "ben", "anna", "ben", "cleo", "cleo"]);
    });
    expect(started).toBe(forScripts(3) + 1);
  });

  it("keeps no more than its size, and ends the one that has waited longest", async () => {
    const started = await countProcesses(async () => {
      await using pool = warmPool();
      await runAll(pool, ["anna", "ben", "anna"]);
    });
    expect(started).toBe(forScripts(3));
  });

  it.each([
    ["scripts of nobody in particular", undefined, "tenant"],
    ["scripts of a tenant, unless it is asked to", "anna", undefined],
    ["scripts of a tenant where it is never to", "anna", "never"],
  ] as const)("gives each a process of its own: %s", async (_, tenant, reuse) => {
    const started = await countProcesses(async () => {
      await using pool = new EnginePool({ size: 1, console: silent, ...(reuse === undefined ? {} : { reuse }) });
      await runAll(pool, Array<typeof tenant>(3).fill(tenant));
    });
    expect(started).toBe(forScripts(3));
  });

  it("leaves nothing of one script for the next", async () => {
    await using pool = warmPool();
    const options = { tenant: "anna" };
    await pool.run(
      {
        code: `globalThis.planted = 1; Object.prototype.planted = 1; Array.prototype.map = () => "planted";
        process.argv.push("planted"); setTimeout(() => console.log("late"), 1e6); console.log = () => {};
        new Promise((_, reject) => setTimeout(reject, 1e6)); done();`,
      },
      options,
    );
    let printed = "";
    const outcome = await pool.run(
      {
        code: "console.log(globalThis.planted, ({}).planted, [1].map((n) => n + 1), process.argv.length, process.env.KEY)",
      },
      { ...options, console: { stdout: (text) => void (printed += text), stderr() {} } },
    );
    expect(outcome).toMatchObject({ ok: true });
    expect(printed).toBe("undefined undefined [ 2 ] 2 undefined\n");
  });

  it.each([
    ["that never ends", "for (;;);", "ERR_LIMIT_WALL"],
    ["that fills its memory", "const a = []; for (;;) a.push(new Array(1000).fill(a.length))", "ERR_LIMIT_MEMORY"],
    [
      "whose promises never end",
      "const f = () => Promise.resolve().then(f); f(); await new Promise(() => {})",
      /ERR_LIMIT/,
    ],
  ])("ends the process of a script %s", async (_, code, ends) => {
    const started = await countProcesses(async () => {
      await using pool = warmPool({ limits: { wallMs: patience(1500), memoryMB: 32 } });
      await runAll(pool, ["anna"]);
      const { error } = await pool.run({ code }, { tenant: "anna" });
      expect(error?.code).toMatch(ends);
      await runAll(pool, ["anna", "anna"]);
    });
    expect(started).toBe(forScripts(2));
  });

  it("counts the time of each script alone", async () => {
    await using pool = warmPool();
    // A count and not a time: on a busy machine most of a time is others'.
    const burn = { code: "let x = 1; for (let i = 0; i < 5e8; i++) x ^= i; export default x" };
    const first = await pool.run(burn, { tenant: "anna" });
    const second = await pool.run(SIX, { tenant: "anna" });
    expect(second.stats.cpuMs).toBeLessThan(first.stats.cpuMs);
  });

  it(
    "gives each script the memory that it may have, however many there were",
    { timeout: patience(60_000) },
    async () => {
      await using pool = warmPool({ limits: { memoryMB: 32 } });
      for (let i = 0; i < 60; i++) {
        const code =
          "const kept = []; for (let i = 0; i < 15; i++) kept.push(new Array(1e5).fill(i)); export default kept.length";
        const { value, error } = await pool.run({ code }, { tenant: "anna" });
        expect(value, error?.message).toBe(15);
      }
    },
  );

  it("refuses threads, and words that it does not know", () => {
    expect(() => new EnginePool({ reuse: "tenant", isolation: "thread" })).toThrow(/reuse "tenant" needs a process/);
    expect(() => new EnginePool({ reuse: "always" as "never" })).toThrow(
      /reuse must be "never" or "tenant", got "always"/,
    );
  });
});
