import type { ChildProcess } from "node:child_process";
import { EventEmitter } from "node:events";
import { afterEach, describe, expect, it, vi } from "vitest";
import { startProcess } from "../../src/base/start-process.ts";
import { EnginePool, RuntimeEngine, setupDefaults } from "../../src/index.ts";
import { compileJsonSchema } from "../../src/providers/schema/json-schema.ts";

type Failure = "ENOMEM" | "EMFILE" | "EAGAIN";
const system = vi.hoisted((): { failure: string | undefined; fails: string } => ({ failure: undefined, fails: "" }));

/** Fails as Node's own does, which has a way of its own for each of these. */
vi.mock(import("node:child_process"), async (original) => {
  const real = await original();
  const spawn = (command: string, args: readonly string[], options: object): ChildProcess => {
    const { failure, fails } = system;
    if (failure === undefined || ![command, ...args].join(" ").includes(fails))
      return real.spawn(command, args, options);
    const error = Object.assign(new Error(`spawn ${command} ${failure}`), { code: failure });
    if (failure === "ENOMEM") throw error;
    const child = Object.assign(new EventEmitter(), { pid: undefined, kill: () => false });
    if (failure === "EAGAIN") Object.assign(child, { stdin: null, stdout: null, stderr: null, stdio: [] });
    process.nextTick(() => child.emit("error", error));
    return child as unknown as ChildProcess;
  };
  return { ...real, spawn } as typeof real;
});

const FAILURES: [Failure, RegExp][] = [
  ["ENOMEM", /the system has no memory for it$/],
  ["EMFILE", /this program has too many files open; ulimit -n says how many it may$/],
  ["EAGAIN", /the system lets this user have no more processes; ulimit -u says how many they may$/],
];

function fail(failure: Failure, fails: string): void {
  Object.assign(system, { failure, fails });
}

describe("a check of a schema for which the system has no room", () => {
  it("is an error that a script can catch, and is made when there is room again", async () => {
    const setup = [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 } })];
    const code = `const x = { name: "x", input: { type: "object" }, run: () => 1 };
      export default await chat("call: x {}", { tools: [x] }).catch((error) => error.code);`;
    for (const [failure] of FAILURES) {
      fail(failure, "schema-child");
      await using engine = new RuntimeEngine({ setup });
      await engine.start();
      expect((await engine.runScript({ code })).value).toBe("ERR_ENGINE_START");
    }
    Object.assign(system, { failure: undefined });
    const check = await compileJsonSchema({ type: "object" }, "the schema");
    expect(await check({}, "input")).toBeUndefined();
  });
});

describe.each(FAILURES)("a system that has no room for another process (%s)", (failure, reason) => {
  afterEach(() => void Object.assign(system, { failure: undefined }));
  const error = { name: "StepError", code: "ERR_ENGINE_START", message: expect.stringMatching(reason) as string };

  it("is an error that says what it is short of", () => {
    fail(failure, "");
    expect(() => startProcess("a test", process.execPath, [], {})).toThrow(expect.objectContaining(error));
  });

  it("does not let an engine start, nor a pool run a script", async () => {
    fail(failure, "realm-child");
    await using engine = new RuntimeEngine();
    await expect(engine.start()).rejects.toMatchObject(error);
    await using pool = new EnginePool({ size: 1 });
    expect(await pool.run({ code: "1" })).toMatchObject({ ok: false, end: "crashed", error });
  });

  it("ends a script that has to be put together, and nothing else", async () => {
    fail(failure, "bundler-child");
    await using engine = new RuntimeEngine();
    await engine.start();
    const script = { name: "x.ts", code: `const x: number = ${Math.random()};`, folder: process.cwd() };
    await expect(engine.runScript(script)).rejects.toMatchObject(error);
    expect((await engine.runScript({ code: "export default 1" })).value).toBe(1);
  });
});

describe("a program that is gone", () => {
  it("is an error that says so", () => {
    expect(() => startProcess("a test", "/no/such/program", [], {})).toThrow(
      "Cannot start a process for a test: the program that it runs is not there any more",
    );
  });
});
