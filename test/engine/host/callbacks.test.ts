import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDeferred } from "../../../src/base/deferred.ts";
import { EventListener } from "../../../src/engine/event-listener.ts";
import {
  defineStep,
  EnginePool,
  RuntimeEngine,
  setupDefaults,
  type RuntimeEngineOptions,
  type ScriptOutcome,
  type SetupFunction,
  type Step,
} from "../../../src/index.ts";
import { ISOLATIONS, Output, withEngine } from "../engine-harness.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);

beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", onUnhandled);
  process.on("uncaughtException", onUnhandled);
});

afterEach(() => {
  process.off("unhandledRejection", onUnhandled);
  process.off("uncaughtException", onUnhandled);
});

/** Rejections that nobody has handled are told of when the turn is over. */
async function untilToldOf(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}

/** As a host app writes it, whose type says void. */
const rejects = (): never => Promise.reject(new Error("mine")) as never;
const throws = (): never => {
  throw new Error("mine");
};

async function outcomeWith(
  options: RuntimeEngineOptions,
  code: string,
  onEvent?: () => void | Promise<void>,
): Promise<ScriptOutcome> {
  const engine = new RuntimeEngine({
    isolation: "thread",
    console: new Output(),
    setup: [setupDefaults()],
    ...options,
  });
  try {
    await engine.start();
    return await engine.runScript({ code }, onEvent === undefined ? {} : { onEvent });
  } finally {
    await engine.close();
    await untilToldOf();
  }
}

describe("A host's own function that fails", () => {
  for (const [how, fails] of Object.entries({ rejects, throws })) {
    it(`changes nothing for the script, nor for the process, when it ${how}`, async () => {
      const sink = { stdout: fails, stderr: fails, onPromise: fails };
      const logger = { warn: fails, error: fails };
      const code = "console.log(Promise.resolve()); console.error(1); export default await doubleStep.startAsync(2)";
      expect(await outcomeWith({ console: sink, logger }, code, fails)).toMatchObject({ ok: true, value: [4] });
      const late = "setTimeout(() => { throw new Error('late') }, 1)";
      const setup = [
        setupDefaults(),
        async (vm: { runString(code: string): Promise<unknown> }) => void (await vm.runString(late)),
      ];
      const waits = "await new Promise((resolve) => setTimeout(resolve, 50))";
      expect(await outcomeWith({ setup, onGuestError: fails, logger }, waits)).toMatchObject({ ok: true });
      expect(unhandled).toEqual([]);
    });
  }

  it("ends the script where it was to note the use of a permission", async () => {
    const code = "await new Promise((resolve) => setTimeout(resolve, 10_000))";
    const outcome = await outcomeWith({ permissions: { env: ["PATH"] }, onPermission: rejects }, code);
    expect(outcome).toMatchObject({ ok: false, error: { name: "PermissionError", code: "ERR_AUDIT" } });
    expect(unhandled).toEqual([]);
  });
});

describe("A step of the host's", () => {
  it("need not wait for what it publishes, whenever the script cancels it", async () => {
    const hasty = defineStep({
      name: "hasty",
      kind: "text",
      async *run(_: unknown, context) {
        for (let count = 0; !context.signal.aborted; count++) {
          void context.publish({ type: "partial", delta: "x" });
          await new Promise((resolve) => setImmediate(resolve));
        }
        void context.publish({ type: "partial", delta: "late" });
        yield "";
      },
    });
    const setup = [
      setupDefaults(),
      (vm: Parameters<ReturnType<typeof setupDefaults>>[0]) => vm.registerStep("hasty", hasty),
    ];
    const code =
      "let text = ''; for await (const delta of hasty.stream(1)) if ((text += delta).length > 3) break; export default text";
    expect(await outcomeWith({ setup }, code)).toMatchObject({ ok: true, value: "xxxx" });
    expect(unhandled).toEqual([]);
  });

  it("whose cancel() throws ends with the run", async () => {
    const step: Step = {
      start: () => ({
        return: async () => [],
        async *getChannel() {
          await new Promise(() => {});
          yield* [];
        },
        cancel: throws,
        getMetadata: () => ({ stepId: "", type: "", inputType: "", outputType: "", startedAt: 0 }),
      }),
      addPublishedTopic: () => () => {},
    };
    const setup = [
      setupDefaults(),
      (vm: Parameters<ReturnType<typeof setupDefaults>>[0]) => vm.registerStep("stubborn", step),
    ];
    const code = `const events = [];
      const id = stubborn.runWithEvents(1, ({ type }) => {
        events.push(type);
        if (type === "start") setTimeout(() => stubborn.cancel(id), 1);
        else done(events);
      })`;
    expect(await outcomeWith({ setup }, code)).toMatchObject({ ok: true, value: ["start", "interrupt"] });
    expect(unhandled).toEqual([]);
  });
});

describe("What a script is run with", () => {
  const wrong = [
    [{ signal: new AbortController() }, "signal must be an AbortSignal, such as the signal of an AbortController"],
    [{ args: null }, "args must be a list of texts"],
    [{ onEvent: "log" }, "onEvent must be a function"],
    [null, "its options must be an object, got null"],
  ] as const;

  it("is looked at before anything begins: the engine, the session and the pool go on", async () => {
    await withEngine({ isolation: "thread" }, async ({ engine, run }) => {
      for (const [options, message] of wrong) {
        const refused = engine.runScript({ code: "1" }, options as never);
        await expect(refused).rejects.toMatchObject({
          code: "ERR_CONFIG",
          message: `Cannot run the script: ${message}`,
        });
        expect(await run("export default 7")).toMatchObject({ value: 7 });
      }
      const session = engine.session();
      const controller = new AbortController();
      await expect(session.run("1", { signal: controller as never })).rejects.toMatchObject({ code: "ERR_CONFIG" });
      expect(await session.run("6 * 7")).toMatchObject({ value: 42 });
      await session.close();
    });
    const pool = new EnginePool({ isolation: "thread", size: 1 });
    for (const [options] of wrong) {
      await expect(pool.run({ code: "1" }, options as never)).rejects.toMatchObject({ code: "ERR_CONFIG" });
    }
    expect(await pool.run({ code: "export default 7" })).toMatchObject({ value: 7 });
    await pool.close();
  });

  it("is a script: nothing else is taken for one", async () => {
    await withEngine({ isolation: "thread" }, async ({ engine, run }) => {
      for (const script of [null, "1", { code: 5 }]) {
        await expect(engine.runScript(script as never)).rejects.toMatchObject({ code: "ERR_CONFIG" });
      }
      expect(await run("export default 7")).toMatchObject({ value: 7 });
    });
  });
});

describe("A setup function", () => {
  it("that waits for nothing ends no process when its engine is closed, or its guest dies, meanwhile", async () => {
    for (const isolation of ISOLATIONS) {
      const hasBegun = createDeferred();
      const hasty: SetupFunction = (vm) => {
        void vm.set("answer", 42);
        void vm.op("now", () => 1);
        void vm.runString("new Promise(() => {})");
        hasBegun.resolve();
      };
      const engine = new RuntimeEngine({ isolation, setup: [hasty, () => new Promise<void>(() => {})] });
      const started = engine.start();
      started.catch(() => {});
      await hasBegun.promise;
      await engine.close();
      await expect(started).rejects.toMatchObject({ code: "ERR_ENGINE_CLOSED" });
      await untilToldOf();
    }
    expect(unhandled).toEqual([]);
  });

  it("that takes its time in a pool ends, for whoever waits for it, with the signal of the script", async () => {
    const controller = new AbortController();
    const isSlow = createDeferred();
    const slow: SetupFunction = () => {
      isSlow.resolve();
      return new Promise(() => {});
    };
    const pool = new EnginePool({ isolation: "thread", size: 1 });
    const running = pool.run({ code: "1" }, { setup: [slow], signal: controller.signal });
    running.catch(() => {});
    await isSlow.promise;
    controller.abort(new Error("mine"));
    await expect(running).rejects.toThrow("mine");
    expect(await pool.run({ code: "export default 7" })).toMatchObject({ value: 7 });
    await pool.close();
  });
});

describe("The end of an engine", () => {
  it("is not waited for by what it calls itself", async () => {
    const engine = new RuntimeEngine({ isolation: "thread" });
    const calls: string[] = [];
    engine.onClose(async () => {
      await engine.close();
      calls.push("closed again");
    });
    await engine.start();
    await engine.close();
    expect(calls).toEqual(["closed again"]);
  });
});

describe("A listener that promises", () => {
  it("keeps nothing of an event that it has been told of", async () => {
    const listener = new EventListener(async () => {}, throws);
    const heapAfter = async (count: number): Promise<number> => {
      for (let told = 0; told < count; told++) await listener.tell({} as never);
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const before = await heapAfter(1_000);
    // 50 bytes for each would be 5 MB; it was 260.
    expect((await heapAfter(100_000)) - before).toBeLessThan(5_000_000);
    listener.end();
  });
});
