import { describe, expect, it } from "vitest";
import { Budget, EnginePool, MemoryPubSub, RuntimeEngine, type RuntimeEngineOptions } from "../../../src/index.ts";
import { Output } from "../engine-harness.ts";

/** What no engine takes, and what is said of it. */
const BAD: [unknown, string][] = [
  [5, "its options must be an object, got 5"],
  [null, "its options must be an object, got null"],
  [{ isolation: "cloud" }, 'Cannot use isolation "cloud": it must be "process" or "thread"'],
  [{ isolation: null }, 'Cannot use isolation "null"'],
  [{ hardening: "soft" }, 'Cannot use hardening "soft": it must be "standard" or "strict"'],
  [{ hardening: "strict", isolation: "thread" }, 'Cannot use hardening "strict" in a thread'],
  [{ timeZone: "Mars/Base" }, 'Cannot use the time zone "Mars/Base"'],
  [{ limits: 5 }, "limits must be an object"],
  [{ limits: { wallMs: -1 } }, "Cannot set limits.wallMs to -1"],
  [{ limits: { memoryMB: 1 } }, "Cannot set limits.memoryMB to 1"],
  [{ limits: { memoryMB: 1e28 } }, "Cannot set limits.memoryMB to 1e+28: an isolate needs a limit, at most 1000000"],
  [{ limits: { wall: 1 } }, "Cannot set limits.wall: the limits are memoryMB"],
  [{ limits: { toString: 1 } }, "Cannot set limits.toString: the limits are memoryMB"],
  [{ permissions: ["read"] }, "permissions must be an object"],
  [{ permissions: { reed: [] } }, "Cannot set permissions.reed"],
  [{ onPermission: "log" }, "onPermission must be a function"],
  [{ onGuestError: {} }, "onGuestError must be a function"],
  [{ bus: {} }, "bus must be an object with publish(), subscribe(), topics(), close()"],
  [{ budget: { calls: 3 } }, "budget must be a Budget"],
  [{ logger: {} }, "logger must be an object with warn(), error()"],
  [{ console: { stdout() {} } }, "console must be an object with stdout(), stderr()"],
  [{ setup: () => {} }, "setup must be a list of setup functions"],
  [{ setup: [5] }, "Cannot add a setup function: expected a function, not number"],
  [{ setups: [] }, 'there is no option "setups"; did you mean "setup"?'],
  [{ limit: {} }, 'there is no option "limit"; did you mean "limits"?'],
];

describe.each([
  ["RuntimeEngine", RuntimeEngine],
  ["EnginePool", EnginePool],
])("new %s()", (_, Made) => {
  it.each(BAD)("refuses %j at once, and says why", (options, reason) => {
    expect(() => new Made(options as RuntimeEngineOptions)).toThrow(reason);
  });

  it("takes what it should, and options that are undefined", async () => {
    const options = {
      isolation: "thread",
      hardening: "standard",
      timeZone: "Europe/Berlin",
      limits: { wallMs: 60_000 },
      permissions: {},
      onPermission: () => {},
      onGuestError: () => {},
      bus: new MemoryPubSub(),
      budget: new Budget({ maxCalls: 3 }),
      logger: { warn() {}, error() {} },
      console: new Output(),
      setup: [],
    } as const;
    await new Made(options).close();
    const none = Object.fromEntries(Object.keys(options).map((name) => [name, undefined]));
    await new Made(none).close();
  });
});

describe("new RuntimeEngine()", () => {
  it("gives limits that are undefined their defaults", async () => {
    const plain = new RuntimeEngine();
    const limits = Object.fromEntries(Object.keys(plain.limits).map((name) => [name, undefined]));
    const engine = new RuntimeEngine({ limits });
    expect(engine.limits).toEqual(plain.limits);
    await plain.close();
    await engine.close();
  });
});

describe("new EnginePool()", () => {
  it.each([
    [{ size: 0 }, "size must be a positive whole number, got 0"],
    [{ size: "2" as never }, 'size must be a positive whole number, got "2"'],
    [{ quota: 5 as never }, "Cannot make a pool with this quota: its options must be an object, got 5"],
    [{ quota: { waiting: 1.5 } }, "waiting must be a positive whole number, got 1.5"],
  ])("refuses %j, too", (options, reason) => {
    expect(() => new EnginePool(options)).toThrow(reason);
  });
});
