import { spawn, type ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { defineStep, EnginePool, RuntimeEngine, type ScriptOutcome, type Vm } from "../../src/index.ts";
import { FRAMES } from "../../src/shared/contract/frame-kinds.ts";
import { Output } from "../engine/engine-harness.ts";
import { timed } from "../machine/machine-watch.ts";
import { realmChildren } from "./realm-children.ts";

const onLinux = process.platform === "linux";
if (!onLinux) console.warn("SKIPPED: children are found through /proc, which only Linux has");

function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
  } catch {
    return false;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Streams for ever, one delta a millisecond. */
const drip = defineStep({
  name: "drip",
  kind: "text",
  async *run(_, { publish }) {
    for (;;) {
      await publish({ type: "partial", delta: "x" });
      await pause(1);
      if (Date.now() < 0) yield "never";
    }
  },
});

async function startEngine(): Promise<{ engine: RuntimeEngine; child: number }> {
  const engine = new RuntimeEngine({
    console: new Output(),
    logger: { warn() {}, error() {} },
    setup: [
      async (vm) => {
        await vm.registerStep("drip", drip);
        await vm.op("hang", () => new Promise(() => {}), { mode: "blocking" });
        await vm.op("slow", () => new Promise(() => {}));
      },
    ],
  });
  await engine.start();
  const [child] = realmChildren(process.pid);
  return { engine, child: child! };
}

describe.skipIf(!onLinux)("kill -9 of a realm's child", () => {
  afterEach(async () => {
    await expect.poll(() => realmChildren(process.pid)).toEqual([]);
  });

  it("before it is ready has another one take its place", async () => {
    await using engine = new RuntimeEngine({ console: new Output() });
    const starting = engine.start();
    const [child] = realmChildren(process.pid);
    process.kill(child!, "SIGKILL");
    await starting;
    expect(await engine.runOnLoop("6 * 7")).toBe(42);
  });

  it("as often as one is started makes start() reject with a code, and close() still works", async () => {
    const engine = new RuntimeEngine({ console: new Output() });
    const kill = (message: unknown): void => {
      const { process: child } = message as { process: ChildProcess };
      child.once("spawn", () => child.kill("SIGKILL"));
    };
    // Node tells of each process that it starts.
    subscribe("child_process", kill);
    try {
      await expect(engine.start()).rejects.toMatchObject({
        message: expect.stringContaining("Cannot start a process for the guest") as string,
        code: "ERR_ENGINE_START",
      });
    } finally {
      unsubscribe("child_process", kill);
    }
    await engine.close();
  });

  it("while setup functions run makes start() reject with a code", async () => {
    const engine = new RuntimeEngine({
      console: new Output(),
      logger: { warn() {}, error() {} },
      setup: [
        async (vm) => {
          for (const child of realmChildren(process.pid)) process.kill(child, "SIGKILL");
          await vm.set("x", 1);
        },
      ],
    });
    await expect(engine.start()).rejects.toMatchObject({ code: "ERR_ENGINE_CRASHED" });
    await engine.close();
  });

  it("before the first line of a script is a value with a code, and a pool takes a fresh child", async () => {
    let deaths = 0;
    const kill = (): void => {
      if (deaths++ > 0) return;
      for (const child of realmChildren(process.pid)) process.kill(child, "SIGKILL");
    };
    const options = {
      console: new Output(),
      logger: { warn() {}, error() {} },
      setup: [
        (vm: Vm): void =>
          vm.host.onScriptBegin(async () => {
            kill();
            await vm.host.enterChecked(FRAMES.global_set, "x", 1);
          }),
      ],
    };
    const engine = new RuntimeEngine(options);
    await engine.start();
    const outcome = await engine.runScript({ code: "export default 1" });
    expect(outcome).toMatchObject({ ok: false, end: "crashed", error: { code: "ERR_ENGINE_CRASHED", fromHost: true } });
    await engine.close();
    deaths = 0;
    await using pool = new EnginePool({ ...options, size: 1 });
    expect(await pool.run({ code: "export default 6 * 7" })).toMatchObject({ ok: true, value: 42 });
    expect(deaths).toBe(2);
  });

  it("after the first line of a script is not tried again by a pool", async () => {
    const output = new Output();
    await using pool = new EnginePool({ console: output, logger: { warn() {}, error() {} }, size: 1 });
    const running = pool.run({ code: "console.log('line'); for (;;);" });
    await expect.poll(() => output.out).toContain("line");
    for (const child of realmChildren(process.pid)) process.kill(child, "SIGKILL");
    expect(await running).toMatchObject({ end: "crashed", error: { code: "ERR_ENGINE_CRASHED" } });
    expect(output.out).toBe("line\n");
  });

  it.each([
    ["during evaluation", "for (;;);"],
    ["in a blocking op", "hang()"],
    ["in mid-stream", "drip.runWithEvents(null, () => {}); await new Promise((r) => setTimeout(r, 600_000))"],
    ["in a callback that does not end", "drip.runWithEvents(null, () => { for (;;); })"],
    ["while an op is pending", "await slow()"],
    ["while a timer is pending", "setTimeout(() => {}, 600_000)"],
  ])("%s ends the script with ERR_ENGINE_CRASHED", async (_, code) => {
    const { engine, child } = await startEngine();
    const running = engine.runScript({ code });
    await pause(40);
    const {
      result: outcome,
      ms,
      allow,
    } = await timed((): Promise<ScriptOutcome> => {
      process.kill(child, "SIGKILL");
      return running;
    });
    expect(outcome).toMatchObject({ ok: false, end: "crashed", error: { code: "ERR_ENGINE_CRASHED", fromHost: true } });
    expect(ms).toBeLessThan(allow(250));
    expect(await engine.runScript({ code: "1" })).toMatchObject({
      end: "crashed",
      error: { code: "ERR_ENGINE_CRASHED" },
    });
    await engine.close();
    expect(engine.stats()).toMatchObject({ timers: 0, runs: 0, ops: 0, topics: 0 });
  });

  it("while nothing runs is told by the next call", async () => {
    const { engine, child } = await startEngine();
    process.kill(child, "SIGKILL");
    // The death of a child is an event as any other: a call that comes before it ends with the same code.
    for (let i = 0; i < 2; i++) {
      const outcome = await engine.runScript({ code: "1" });
      expect(outcome).toMatchObject({
        ok: false,
        end: "crashed",
        error: { code: "ERR_ENGINE_CRASHED", fromHost: true },
      });
    }
    await expect(engine.runOnLoop("1")).rejects.toMatchObject({ code: "ERR_ENGINE_CRASHED" });
    await engine.close();
  });

  it("in runOnLoop() rejects with ERR_ENGINE_CRASHED", async () => {
    const { engine, child } = await startEngine();
    const running = engine.runOnLoop("hang()");
    setTimeout(() => process.kill(child, "SIGKILL"), 30);
    await expect(running).rejects.toMatchObject({ code: "ERR_ENGINE_CRASHED" });
    await engine.close();
  });

  it("while close() is under way changes nothing", async () => {
    const { engine, child } = await startEngine();
    const running = engine.runScript({ code: "drip.runWithEvents(null, () => {})" });
    await pause(30);
    const closing = engine.close();
    try {
      process.kill(child, "SIGKILL");
    } catch {
      // close() was faster.
    }
    await closing;
    expect(await running).toMatchObject({ ok: false, end: "crashed" });
  });
});

describe.skipIf(!onLinux)("a host that is killed with SIGKILL", () => {
  const WORK = [
    ["is idle", ""],
    ["loops for ever", "void engine.runScript({ code: 'for (;;);' });"],
    [
      "loops within V8",
      "void engine.runScript({ code: 'Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)' });",
    ],
    ["waits in a blocking op", "void engine.runScript({ code: 'hang()' });"],
  ] as const;
  it.each(
    (["standard", "strict"] as const).flatMap((hardening) =>
      WORK.map(([name, work]) => [hardening, name, work] as const),
    ),
  )("takes its realm's %s child with it when the guest %s", async (hardening, _, work) => {
    const entry = new URL("../../dist/src/index.js", import.meta.url);
    const code = `
      import { RuntimeEngine } from ${JSON.stringify(entry.href)};
      const engine = new RuntimeEngine({ hardening: "${hardening}", setup: [(vm) => vm.op("hang", () => new Promise(() => {}), { mode: "blocking" })] });
      await engine.start();
      ${work}
      setInterval(() => {}, 1000);
      console.log("ready");`;
    const host = spawn(process.execPath, ["--input-type=module", "-e", code], {
      cwd: fileURLToPath(new URL("../../", import.meta.url)),
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(host.stdout, "data");
    await pause(50);
    const [child] = realmChildren(host.pid!);
    expect(child).toBeTypeOf("number");
    host.kill("SIGKILL");
    // A second is enough for it on an idle machine.
    await expect.poll(() => isAlive(child!), { interval: 20 }).toBe(false);
  });
});
