import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RunMetadata } from "../../src/shared/step-events.ts";
import type { StepEvent } from "../../src/index.ts";
import type { ModelSettings } from "../../src/providers/settings.ts";
import {
  cacheStep,
  chatCacheKey,
  DiskCacheStore,
  MemoryCacheStore,
  RecordingRoom,
  type CacheStore,
} from "../../src/recordings/index.ts";
import { createChatStep } from "../../src/steps/chat-step.ts";
import { defineStep } from "../../src/steps/define-step.ts";
import type { Result, StepSource } from "../../src/steps/step.ts";
import { chatAs, place, run, usePlace } from "./replay-fixture.ts";

usePlace();

describe("cacheStep()", () => {
  const stores: [string, () => CacheStore][] = [
    ["memory", () => new MemoryCacheStore()],
    ["disk", () => new DiskCacheStore(join(place.folder, "cache"))],
  ];

  it.each(stores)("gives a script the same output and events from %s with the server down", async (_, createStore) => {
    const store = createStore();
    const code = `
      const types = [];
      for await (const event of new ChatStepFactory().newStep({ temperature: 0 }).events("one two three")) {
        types.push(event.type === "partial" ? event.delta : event.type);
      }
      console.log(JSON.stringify(types));`;
    const step = (): StepSource =>
      cacheStep(createChatStep({ settings: place.settings, env: {} }), { store, key: chatCacheKey(place.settings) });
    const first = await run(chatAs(step()), code);
    expect(place.server.requests).toBe(1);
    await place.server.stop();
    const second = await run(chatAs(step()), code);
    expect(second.stdout).toBe(first.stdout);
    expect(second.stdout).toContain('["start","one"');
    const aside = (events: unknown): unknown =>
      JSON.parse(JSON.stringify(events, (key, value: unknown) => (key === "cached" ? undefined : value)));
    expect(aside(second.runs)).toEqual(aside(first.runs));
    expect(second.runs[0]!.at(-1)!.step.metadata).toMatchObject({
      cached: true,
      usage: { inputTokens: 5 },
      stopReason: "stop",
    });
    // Another temperature is another question.
    expect((await run(chatAs(step()), code.replace("temperature: 0", "temperature: 1"))).stdout).toBe(
      '["start","error"]\n',
    );
  });

  it("runs each input once, keeps results of any kind, and publishes what the first run did between them", async () => {
    let runs = 0;
    const step = defineStep({
      name: "vectors",
      many: true,
      async *run(count: number, context) {
        runs++;
        context.meta.engine = "e";
        for (let i = 0; i < count; i++) {
          await context.publish({ type: "tool-call", toolCall: { id: String(i), name: "t", input: {} } });
          yield new Float32Array([i]);
        }
        context.metadata["usage"] = { inputTokens: count };
      },
    });
    const cached = cacheStep(step, { store: new MemoryCacheStore() });
    const seen: string[][] = [[], []];
    for (const list of seen) {
      const stop = cached.addPublishedTopic(
        { publish: async (_, event) => void list.push((event as StepEvent).type) },
        "topic",
      );
      const result = cached.start({}, 3);
      expect(await result.return()).toEqual([0, 1, 2].map((i) => ({ ok: true, value: new Float32Array([i]) })));
      expect(result.getMetadata().usage).toEqual({ inputTokens: 3 });
      stop();
    }
    expect(runs).toBe(1);
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[0]).toEqual(["start", "tool-call", "partial", "tool-call", "partial", "tool-call", "partial", "final"]);
    await cached.start({}, 2).return();
    expect(runs).toBe(2);
  });

  it("records what there is room for while it is under way, and gives it back", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const step = defineStep({
      name: "long",
      kind: "text",
      async *run(input: string, context) {
        for (let i = 0; i < 4; i++) await context.publish({ type: "partial", delta: "x".repeat(300) });
        if (input !== "alone") await promise;
        if (input === "fails") throw new Error("no");
        yield input;
      },
    });
    const store = new MemoryCacheStore();
    const cached = cacheStep(step, { store, room: new RecordingRoom(3 * 2_600) });
    const results: Promise<Result[]>[] = [];
    for (const input of ["a", "b", "fails", "d", "e"]) {
      results.push(cached.start({}, input).return());
      await new Promise((done) => setImmediate(done));
    }
    resolve();
    const all = (await Promise.all(results)).map(([result]) => (result!.ok ? result!.value : "failed"));
    expect(all).toEqual(["a", "b", "failed", "d", "e"]);
    expect(store.size).toBe(2);
    for (const input of ["alone", "d", "e"]) await cached.start({}, input).return();
    expect(store.size).toBe(5);
  });

  it("holds what there is room for until it is read, runs the rest again, and gives it back", async () => {
    let runs = 0;
    const step = defineStep({
      name: "long",
      many: true,
      async *run(text: string) {
        runs++;
        yield text.repeat(1_000);
        yield text;
      },
    });
    const cached = cacheStep(step, { store: new MemoryCacheStore(), room: new RecordingRoom(3_500) });
    const begin = async (): Promise<AsyncIterator<string>> => {
      const { signal } = new AbortController();
      const meta = { messageId: "run", parentId: "", engine: "" };
      const context = { runId: "run", signal, meta, metadata: {} as RunMetadata };
      const host = { publish: async () => {}, reserve: () => {}, callGuest: async () => undefined };
      const results = cached.run("a", { ...context, ...host })[Symbol.asyncIterator]();
      await results.next();
      return results;
    };
    await (await begin()).return?.();
    expect(runs).toBe(1);
    await cached.start({}, "a").return();
    const unread = [await begin(), await begin(), await begin()];
    expect(runs).toBe(3);
    for (const results of unread) await results.return?.();
    await Promise.all([begin(), begin()]);
    expect(runs).toBe(3);
  });

  it("does not keep what failed, was cancelled, called the guest, or has no key", async () => {
    let runs = 0;
    const step = defineStep({
      name: "odd",
      async *run(input: unknown, context) {
        runs++;
        if (input === "fail") throw new Error("no");
        if (input === "guest") await context.callGuest("tool", {}).catch(() => {});
        if (input === "slow") await new Promise((resolve) => setTimeout(resolve, 20));
        yield 1;
      },
    });
    const store = new MemoryCacheStore();
    const log: string[] = [];
    const cached = cacheStep<unknown, number>(step, {
      store,
      logger: { warn: (text) => void log.push(text), error: () => {} },
    });
    for (const input of ["fail", "guest", () => {}]) {
      for (let i = 0; i < 2; i++) await cached.start({}, input).return();
    }
    const slow = cached.start({}, "slow");
    setTimeout(() => slow.cancel(), 5);
    await slow.return();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect([runs, store.size]).toEqual([7, 0]);
    expect(log[0]).toBe('Running step "odd" without the cache: Cannot record a value: it holds a function');
  });

  it("goes on when a cached answer is damaged", async () => {
    const store = new DiskCacheStore(join(place.folder, "cache"), { logger: { warn: () => {}, error: () => {} } });
    let runs = 0;
    const step = defineStep({
      name: "once",
      async *run(input: number) {
        runs++;
        yield input * 2;
      },
    });
    const cached = cacheStep(step, { store });
    await cached.start({}, 2).return();
    const [name] = readdirSync(join(place.folder, "cache"));
    writeFileSync(join(place.folder, "cache", name!), "{");
    expect(await cached.start({}, 2).return()).toEqual([{ ok: true, value: 4 }]);
    expect(await cached.start({}, 2).return()).toEqual([{ ok: true, value: 4 }]);
    expect(runs).toBe(2);
  });
});

describe("chatCacheKey()", () => {
  const base: ModelSettings = { provider: "openai", model: "m" };
  const key = (input: unknown, options: unknown = {}, own = base): Promise<string> =>
    Promise.resolve(chatCacheKey(own)({ input, options }));

  it("is the same for a text, a list of messages and a conversation that say the same", async () => {
    const text = await key("hi");
    expect(text).toMatch(/^[0-9a-f]{64}$/);
    expect(await key([{ role: "user", content: "hi" }])).toBe(text);
    expect(await key({ messages: [{ role: "user", content: "hi" }], temperature: 0 })).toBe(
      await key("hi", { temperature: 0 }),
    );
    const message = {
      id: "1",
      parentID: "",
      time: "2026-01-01T00:00:00Z",
      lastUpdate: "2026-01-01T00:00:00Z",
      metadata: {},
      type: "chat-message",
      role: "user",
      text: "hi",
    };
    expect(await key({ type: "conversation", current: "1", messages: [message] })).toBe(text);
  });

  it("differs for every option, provider, model and message, and for nothing that does not change the answer", async () => {
    const text = await key("hi");
    const others = await Promise.all([
      key("ho"),
      key("hi", { model: "n" }),
      key("hi", { provider: "anthropic" }),
      key("hi", { temperature: 0 }),
      key("hi", { temperature: 1 }),
      key("hi", { maxTokens: 5 }),
      key("hi", { stop: ["a", "b"] }),
      key("hi", { stop: ["ab"] }),
      key("hi", { system: "s" }),
      key("hi", { seed: 1 }),
      key("hi", {}, { ...base, system: "host" }),
      key("hi", {}, { ...base, baseURL: "http://127.0.0.1:1/v1" }),
      key([
        { role: "user", content: "hi" },
        { role: "user", content: "hi" },
      ]),
      key([{ role: "system", content: "hi" }]),
    ]);
    expect(new Set([text, ...others]).size).toBe(others.length + 1);
    expect(
      await key("hi", {}, { ...base, apiKey: "other", headers: { a: "b" }, retry: { attempts: 1 }, idleTimeoutMs: 5 }),
    ).toBe(text);
  });
});
