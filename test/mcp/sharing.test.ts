import { describe, expect, it } from "vitest";
import { EnginePool, RuntimeEngine, setupMcp, type McpSettings } from "../../src/index.ts";
import { patience } from "../machine/patience.ts";
import { scripted } from "./run-mcp.ts";

const PID = { code: "export default await mcp.test.pid()" };

function isThere(pid: unknown): boolean {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch {
    return false;
  }
}

async function pidsOf(
  settings: McpSettings,
  tenants: readonly string[],
): Promise<{ pids: unknown[]; close(): Promise<void> }> {
  const setup = setupMcp({ servers: { test: scripted() }, onServerOutput: () => {}, ...settings });
  await using pool = new EnginePool({ size: 1, isolation: "thread", permissions: { mcp: true }, setup: [setup] });
  const pids: unknown[] = [];
  for (const tenant of tenants) pids.push((await pool.run(PID, { tenant })).value);
  return { pids, close: () => setup.close() };
}

describe("setupMcp({ share })", () => {
  it("gives each engine its own servers by default, which end with it", async () => {
    const { pids } = await pidsOf({}, ["anna", "anna"]);
    expect(new Set(pids).size).toBe(2);
    for (const pid of pids) await expect.poll(() => isThere(pid)).toBe(false);
  });

  it("gives the scripts of a named tenant one server, and others theirs; close() ends them", async () => {
    const { pids, close } = await pidsOf({ share: "tenant" }, ["anna", "bob", "anna", "", ""]);
    const [anna, bob, again, ...alone] = pids;
    expect(again).toBe(anna);
    expect(new Set([anna, bob, ...alone]).size).toBe(4);
    expect([isThere(anna), isThere(bob)]).toEqual([true, true]);
    await close();
    for (const pid of pids) await expect.poll(() => isThere(pid)).toBe(false);
  });

  it("ends a shared server when no engine has used it for a while", async () => {
    const { pids } = await pidsOf({ share: "tenant", idleMs: 10 }, ["anna"]);
    await expect.poll(() => isThere(pids[0])).toBe(false);
  });

  it("refuses what is neither, and a time that is none", () => {
    expect(() => setupMcp({ share: "all" as never })).toThrow(/share must be "engine" or "tenant"/);
    expect(() => setupMcp({ idleMs: 0 })).toThrow(/idleMs must be a positive number/);
  });
});

describe("an engine that is closed", () => {
  it("does not wait for a server that never gets ready", async () => {
    const setup = setupMcp({ servers: { test: scripted("silent") }, onServerOutput: () => {} });
    const engine = new RuntimeEngine({ isolation: "thread", permissions: { mcp: true }, setup: [setup] });
    await engine.start();
    const started = performance.now();
    const running = engine.runScript(PID, { signal: AbortSignal.timeout(500) });
    expect((await running).end).toBe("aborted");
    await engine.close();
    expect(performance.now() - started).toBeLessThan(patience(20_000));
  });
});
