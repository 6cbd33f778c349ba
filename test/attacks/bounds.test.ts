import { describe, expect, it, vi } from "vitest";
import { OpTable } from "../../src/engine/op-table.ts";
import { Ledger } from "../../src/engine/ledger.ts";
import { RuntimeEngine } from "../../src/index.ts";
import { ProcessRealm } from "../../src/sandbox/process-realm.ts";
import type { HostBridge } from "../../src/sandbox/realm.ts";
import { encodeValue } from "../../src/shared/codec.ts";
import { appOp } from "../../src/shared/contract/op.ts";
import { GeppettoError } from "../../src/shared/errors.ts";
import { MAX_FRAME_CHARS } from "../../src/shared/frames.ts";
import { Output } from "../engine/engine-harness.ts";
import { timed } from "../machine/machine-watch.ts";

/** The bridge that a real engine opens to its guest. */
async function withDoors(test: (bridge: HostBridge) => Promise<void> | void): Promise<void> {
  const { create } = ProcessRealm;
  let bridge: HostBridge | undefined;
  const spy = vi.spyOn(ProcessRealm, "create").mockImplementation((given, ...rest) => {
    bridge = given;
    return create(given, ...rest);
  });
  await using engine = new RuntimeEngine({ console: new Output() });
  await engine.start();
  spy.mockRestore();
  await test(bridge!);
}

describe("a host", () => {
  it("refuses a timer that Node cannot wait for, instead of ringing at once and again", () =>
    withDoors(async (bridge) => {
      const warned = vi.fn();
      process.on("warning", warned);
      for (const ms of [Infinity, 1e300, 2 ** 31, -1, NaN, "5"]) {
        const answer = bridge.call(encodeValue([1, "timer_start", { id: 1, ms, kind: "timeout" }]));
        expect(JSON.parse(answer)).toMatchObject({ ok: false, error: { code: "ERR_VALIDATION" } });
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
      process.off("warning", warned);
      expect(warned).not.toHaveBeenCalled();
    }));

  it("refuses a frame that no honest guest sends before it is parsed", () =>
    withDoors(async (bridge) => {
      const frame = `[1,"clock_now",${"[".repeat(MAX_FRAME_CHARS)}${"]".repeat(MAX_FRAME_CHARS)}]`;
      const { result, ms, allow } = await timed(async () => {
        const texts = [bridge.call(frame), (await bridge.callBlocking(frame)).text];
        bridge.note(frame);
        return texts;
      });
      for (const text of result) {
        expect(JSON.parse(text)).toMatchObject({
          ok: false,
          error: { message: "Cannot read a frame: it is too long" },
        });
      }
      expect(ms).toBeLessThan(allow(100));
    }));

  it("survives a frame that is nested as deep as it is long", () =>
    withDoors((bridge) => {
      const depth = 1_000_000;
      const nested = `${'[{"$":"set","v":'.repeat(1000)}${"[".repeat(depth)}${"]".repeat(depth)}${"}]".repeat(1000)}`;
      const answer = bridge.call(`[1,"error_report",${nested}]`);
      expect(JSON.parse(answer)).toMatchObject({ ok: false });
    }));

  it("answers a synchronous op whose handler breaks its word with an error of its own", () => {
    const rejected = vi.fn();
    process.on("unhandledRejection", rejected);
    const table = new OpTable({
      ledger: new Ledger(),
      maxPending: 1,
      onTooMany: () => new GeppettoError("LimitError", "too many"),
      onBroken: () => {},
      onUnreadable: () => {},
      checkRoom: () => {},
      settle: () => {},
      onError: () => {},
    });
    table.set(appOp("broken", "sync"), () => Promise.reject(new Error("late")));
    expect(JSON.parse(table.call('[1,"app.broken",{}]'))).toMatchObject({ ok: false, error: { code: "ERR_CONFIG" } });
    process.off("unhandledRejection", rejected);
    expect(rejected).not.toHaveBeenCalled();
  });
});

describe("an engine that is closed", () => {
  it.each(["thread", "process"] as const)(
    "while it enters its %s leaves no rejection to the process",
    async (isolation) => {
      const rejected = vi.fn();
      process.on("unhandledRejection", rejected);
      const entered: Promise<unknown>[] = [];
      const engine = new RuntimeEngine({
        isolation,
        console: new Output(),
        setup: [
          async (vm) => {
            entered.push(vm.set("x", 1));
            await Promise.all([engine.close(), ...entered]);
          },
        ],
      });
      await expect(engine.start()).rejects.toThrow("The engine is closed");
      expect((await Promise.allSettled(entered))[0]?.status).toBe("rejected");
      await new Promise((resolve) => setTimeout(resolve, 5));
      process.off("unhandledRejection", rejected);
      expect(rejected).not.toHaveBeenCalled();
    },
  );
});

describe("a guest's encoder", () => {
  it.each([
    ["NaN", "NaN"],
    ["negative", "-1e9"],
    ["a text", "'many'"],
    ["an object that counts up", "{ valueOf: () => ++count * 1e9 }"],
  ])("is not lifted over its bound by a length that is %s", async (_, length) => {
    await using engine = new RuntimeEngine({ isolation: "thread", limits: { memoryMB: 128 }, console: new Output() });
    await engine.start();
    const outcome = await engine.runScript({
      code: `let count = 0;
        const list = new Proxy([], { get: (target, key) => (key === "length" ? ${length} : target[key]) });
        export default { list, text: "x".repeat(${MAX_FRAME_CHARS - 10}), more: "y".repeat(1000) };`,
    });
    expect(outcome.ok).toBe(true);
    // Its text is there, no copy is.
    expect("value" in outcome).toBe(false);
  });
});

describe("a message", () => {
  it.each([
    ["arrays", "[]"],
    ["records", "{}"],
  ])("holds fewer than a million %s, however short its text", async (_, part) => {
    await using engine = new RuntimeEngine({ isolation: "thread", limits: { memoryMB: 256 }, console: new Output() });
    await engine.start();
    const count = (length: number): Promise<boolean> =>
      engine
        .runScript({ code: `export default Array.from({ length: ${length} }, () => (${part}))` })
        .then((outcome) => "value" in outcome);
    expect(await count(100_000)).toBe(true);
    expect(await count(1_000_000)).toBe(false);
  });
});

describe("an error that is none", () => {
  it.each(["in a thread", "in a process"])("is named without a word of the engine's %s", async (where) => {
    const isolation = where.endsWith("thread") ? "thread" : "process";
    await using engine = new RuntimeEngine({ isolation, console: new Output() });
    await engine.start();
    for (const thrown of ["{}", "() => {}", "Symbol('x')", "Object.create(null)"]) {
      const { error } = await engine.runScript({ code: `throw ${thrown}` });
      expect(error).toMatchObject({ name: "Error", fromHost: false });
      expect(error?.message).toMatch(/^Uncaught/);
      expect(JSON.stringify(error)).not.toContain("isolated-vm");
    }
  });
});
