import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import {
  Budget,
  currentCall,
  defineStep,
  EnginePool,
  RuntimeEngine,
  ScriptedChat,
  setupDefaults,
  setupTools,
  type CallContext,
  type StepEvent,
} from "../../src/index.ts";
import { ISOLATIONS } from "./engine-harness.ts";

const caller = new AsyncLocalStorage<string>();

/** What a host function can know of its call. */
function seen(place: string, call: CallContext | undefined): string {
  const { tenant, context } = call ?? {};
  return `${place} ${tenant} ${JSON.stringify(context)} ${caller.getStore()} ${currentCall()?.tenant}`;
}

describe.each(ISOLATIONS)("the call context in a %s", (isolation) => {
  it("reaches ops, steps, tools, approvals, sinks and listeners, each tenant its own under load", async () => {
    const notes = new Map<string, Set<string>>();
    const note = (runId: string | undefined, text: string): void => {
      const texts = notes.get(runId ?? "");
      if (texts === undefined) notes.set(runId ?? "", new Set([text]));
      else texts.add(text);
    };
    const where = defineStep({
      name: "where",
      async *run() {
        await sleep(1);
        note(currentCall()?.runId, seen("step", currentCall()));
        yield 1;
      },
    });
    const say = (text: string, call: CallContext): void => note(call.runId, seen(text.trim(), call));
    await using pool = new EnginePool({
      size: 2,
      isolation,
      console: { stdout: say, stderr: say },
      setup: [
        setupTools({
          clock: {
            run: (_, call) => {
              note(call.runId, seen("tool", call));
              return "noon";
            },
          },
        }),
        setupDefaults({
          chat: { provider: "embedded", deltaMs: 0 },
          onApprove: ({ name }, call) => {
            note(call.runId, seen(`approve ${name}`, call));
            return true;
          },
        }),
        async function ops(vm) {
          await vm.registerStep("where", where);
          await vm.op("mine", async (call: CallContext, text: unknown) => seen(String(text), call), { context: true });
          await vm.op("plain", async () => seen("plain", currentCall()));
        },
      ],
    });
    const code = `
      console.log("out");
      const texts = [await mine("op"), await plain()];
      await where.startAsync();
      await chat("call: clock {}", { tools: ["clock"] });
      export default texts;`;
    await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const tenant = i % 2 === 0 ? "anna" : "ben";
        const runId = `run ${i}`;
        const outcome = await caller.run(`caller ${i}`, () =>
          pool.run(
            { code },
            {
              tenant,
              runId,
              context: { i },
              onEvent: ({ type }) => {
                if (type === "start") note(runId, seen("event", currentCall()));
              },
            },
          ),
        );
        const own = (place: string): string => `${place} ${tenant} {"i":${i}} caller ${i} ${tenant}`;
        expect(outcome).toMatchObject({ ok: true, value: [own("op"), own("plain")] });
        expect([...notes.get(runId)!].toSorted()).toEqual(
          ["out", "event", "step", "tool", "approve clock"].map(own).toSorted(),
        );
      }),
    );
    expect(notes.size).toBe(12);
  });

  it("is that of a hook of permissions too", async () => {
    const uses: string[] = [];
    await using pool = new EnginePool({
      size: 1,
      isolation,
      permissions: { env: ["HOME"] },
      onPermission: ({ tenant, asked }, call) => uses.push(`${tenant} ${asked} ${call.runId} ${caller.getStore()}`),
    });
    await caller.run("c", () => pool.run({ code: "process.env.HOME" }, { tenant: "anna", runId: "r" }));
    expect(uses).toEqual(["anna HOME r c"]);
  });
});

describe("the call context", () => {
  it("has a signal that is aborted when the script ends, and is gone with it", async () => {
    let call: CallContext | undefined;
    await using engine = new RuntimeEngine({
      isolation: "thread",
      setup: [async (vm) => vm.op("look", () => void (call = currentCall()))],
    });
    await engine.start();
    await engine.runScript({ code: "await look()" }, { tenant: "anna" });
    expect(call).toMatchObject({ tenant: "anna", context: undefined });
    await engine.runOnLoop("look()");
    expect(call?.tenant ?? "").toBe("");
    expect(currentCall()).toBeUndefined();
  });

  it("has the types that the host gives it", () => {
    expectTypeOf(currentCall<{ rights: string[] }>()?.context.rights).toEqualTypeOf<string[] | undefined>();
  });
});

describe("runScript({ onEvent })", () => {
  it("hears every event in order without an ack, and slows the run while it is busy", async () => {
    const count = defineStep({
      name: "count",
      many: true,
      input: z.number(),
      async *run(n) {
        for (let i = 0; i < n; i++) yield i;
      },
    });
    await using engine = new RuntimeEngine({
      isolation: "thread",
      setup: [setupDefaults(), async (vm) => vm.registerStep("count", count)],
    });
    await engine.start();
    const events: StepEvent[] = [];
    let busy = 0;
    const { ok } = await engine.runScript(
      { code: "await count.startAsync(300)" },
      {
        onEvent: async (event) => {
          expect(++busy).toBe(1);
          await sleep(0);
          busy--;
          events.push(event);
        },
      },
    );
    expect(ok).toBe(true);
    expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: 302 }, (_, i) => i));
  });

  it("may throw, and may hang when the script is ended", async () => {
    const warnings: string[] = [];
    await using engine = new RuntimeEngine({
      isolation: "thread",
      logger: { warn: (text) => warnings.push(text), error: (text) => warnings.push(text) },
      setup: [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 } })],
    });
    await engine.start();
    const thrown = await engine.runScript(
      { code: "export default await chat('echo: a b')" },
      {
        onEvent: () => {
          throw new Error("no reader");
        },
      },
    );
    expect(thrown.value).toBe("a b");
    expect(warnings).toEqual(["Cannot tell of an event: onEvent failed: no reader"]);
    const client = new AbortController();
    const hung = engine.runScript(
      { code: "await chat('echo: a b')" },
      {
        signal: client.signal,
        onEvent: () => {
          client.abort();
          return new Promise(() => {});
        },
      },
    );
    expect(await hung).toMatchObject({ end: "aborted" });
  });
});

describe("engine.events()", () => {
  it("acks by itself, and ends with the engine", async () => {
    const engine = new RuntimeEngine({
      isolation: "thread",
      setup: [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 } })],
    });
    await engine.start();
    const watching = (async () => {
      let text = "";
      for await (const event of engine.events()) if (event.type === "partial") text += event.delta;
      return text;
    })();
    const words = Array.from({ length: 200 }, (_, i) => i).join(" ");
    await engine.runScript({ code: `await chat("echo: ${words}")` });
    await engine.close();
    expect(await watching).toBe(words);
  });

  it("is not needed to be read to its end: leaving the loop lets runs go on", async () => {
    await using engine = new RuntimeEngine({
      isolation: "thread",
      setup: [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 } })],
    });
    await engine.start();
    const watching = (async () => {
      for await (const { type } of engine.events()) return type;
      return undefined;
    })();
    const words = Array.from({ length: 200 }, (_, i) => i).join(" ");
    const { value } = await engine.runScript({ code: `export default await chat("echo: ${words}")` });
    expect([value, await watching, engine.stats().topics]).toEqual([words, "start", 0]);
  });
});

describe("a budget of pool.run()", () => {
  it("bounds one script beside the budget of all, scripted models too", async () => {
    const all = new Budget({ maxCalls: 3 });
    const anna = new Budget({ maxCalls: 1 });
    const model = new ScriptedChat(Array.from({ length: 9 }, () => ({ text: "yes" })));
    await using pool = new EnginePool({ size: 1, isolation: "thread", setup: [setupDefaults({ budget: all })] });
    await using scripted = new EnginePool({
      size: 1,
      isolation: "thread",
      setup: [setupDefaults({ chatProvider: model })],
    });
    const code = "export default await chat('echo: a')";
    const told = async (runs: EnginePool, budget?: Budget): Promise<unknown> => {
      const { value, error } = await runs.run({ code }, budget === undefined ? {} : { budget });
      return value ?? error?.code;
    };
    expect(await told(pool, anna)).toBe("a");
    expect(await told(pool, anna)).toBe("ERR_LIMIT_CALLS");
    expect([await told(pool), await told(pool), await told(pool)]).toEqual(["a", "a", "ERR_LIMIT_CALLS"]);
    const ben = new Budget({ maxCalls: 1 });
    expect([await told(scripted, ben), await told(scripted, ben)]).toEqual(["yes", "ERR_LIMIT_CALLS"]);
    expect(ben.spent.calls).toBe(1);
  });
});
