import { describe, expect, it } from "vitest";
import {
  Budget,
  cacheStep,
  codeTool,
  createEmbeddingProvider,
  EnginePool,
  MemoryCacheStore,
  MemoryJournal,
  MemoryPubSub,
  RunLog,
  RuntimeEngine,
  setupChat,
  setupDefaults,
  setupEmbeddings,
  setupTools,
  SqliteJournal,
} from "../../../src/index.ts";
import { deduplicator, EventRouter, retry, Router, timeout } from "../../../src/events/index.ts";
import { NatsPubSub } from "../../../src/events/nats-pub-sub.ts";
import { provider, validation, webSocketBridge } from "../../../src/pipeline/index.ts";
import { NatsJournal, Worker } from "../../../src/workers/index.ts";

const demo = { provider: "embedded" };
const never = (value: unknown): never => value as never;
const MS = "a positive number of milliseconds, at most 2147483647";

/** Functions of host apps that take numbers, with what would lift a limit, or wait for ever. */
const FUNCTIONS: [name: string, make: () => unknown, error: string][] = [
  ["Budget", () => new Budget({ maxCalls: NaN }), "make a budget: maxCalls must be a number, 0 or more, got NaN"],
  ["Budget", () => new Budget({ maxTokens: -1 }), "make a budget: maxTokens must be a number, 0 or more, got -1"],
  ["Budget", () => new Budget({ maxCost: never("1") }), 'make a budget: maxCost must be a number, 0 or more, got "1"'],
  ["Budget", () => new Budget({ concurrency: 0 }), "make a budget: concurrency must be a positive number, got 0"],
  ["Budget", () => new Budget(never(null)), "make a budget: its options must be an object, got null"],
  ["codeTool", () => codeTool({ concurrency: NaN }), "make an engine: concurrency must be a positive number, got NaN"],
  [
    "codeTool",
    () => codeTool({ perRun: { maxToolCalls: NaN } }),
    "bound runs: maxToolCalls must be a number, 0 or more, got NaN",
  ],
  ["codeTool", () => codeTool({ perRun: never(5) }), "bound runs: its options must be an object, got 5"],
  ["codeTool", () => codeTool({ perRun: never(null) }), "bound runs: its options must be an object, got null"],
  ["EnginePool", () => new EnginePool({ size: NaN }), "make an engine: size must be a positive whole number, got NaN"],
  ["MemoryPubSub", () => new MemoryPubSub({ stuckAfterMs: Infinity }), `make a bus: stuckAfterMs must be ${MS}`],
  [
    "subscribe",
    () => new MemoryPubSub().subscribe("a", { maxMessages: 0 }),
    "subscribe: maxMessages must be a positive number, got 0",
  ],
  ["retry", () => retry({ maxAttempts: NaN }), "retry messages: maxAttempts must be a positive number, got NaN"],
  ["deduplicator", () => deduplicator({ ttlMs: NaN }), "find messages that came before: ttlMs must be a number"],
  [
    "EventRouter",
    () => new EventRouter({ closeTimeoutMs: NaN }),
    "route events: closeTimeoutMs must be a number, 0 or more",
  ],
  ["Router", () => new Router({ nackDelayMs: NaN }), "make the router: nackDelayMs must be a number of milliseconds"],
  [
    "addHandler",
    () => new Router().addHandler("a", "a", new MemoryPubSub(), () => {}, { concurrency: NaN }),
    'add the handler "a": concurrency must be a positive whole number, got NaN',
  ],
  ["timeout", () => timeout(NaN), "limit the time of handlers: ms must be a positive number, got NaN"],
  ["NatsPubSub", () => NatsPubSub.connect({ publishTimeoutMs: NaN }), "connect to NATS: publishTimeoutMs must be"],
  [
    "NatsPubSub",
    () => NatsPubSub.connect({ jetStream: { maxBytes: 0 } }),
    "use the stream: maxBytes must be a positive",
  ],
  ["MemoryCacheStore", () => new MemoryCacheStore({ maxBytes: NaN }), "keep entries: maxBytes must be a number"],
  [
    "cacheStep",
    () => cacheStep(never({}), { store: new MemoryCacheStore(), maxParts: NaN }),
    "keep results: maxParts must be a number, 0 or more, got NaN",
  ],
  [
    "RunLog",
    () => RunLog.open("never.sqlite", { maxRuns: 1.5 }),
    "open the log of runs: maxRuns must be a whole number",
  ],
  [
    "MemoryJournal",
    () => new MemoryJournal({ limits: { messages: NaN } }),
    "limit the journal: messages must be a number",
  ],
  [
    "SqliteJournal",
    () => SqliteJournal.open("never.sqlite", { silenceMs: NaN }),
    `open the journal: silenceMs must be ${MS}, got NaN`,
  ],
  [
    "NatsJournal",
    () => NatsJournal.open({ patienceMs: NaN }),
    "open the journal: patienceMs must be a positive number, got NaN",
  ],
  [
    "Worker",
    () => Worker.start({ nats: {}, slots: 0 }),
    "start the worker: slots must be a positive whole number, got 0",
  ],
  [
    "Worker",
    () => Worker.start({ nats: {}, weights: { a: Infinity } }),
    'start the worker: the weight of "a" must be a positive number, got Infinity',
  ],
  [
    "Worker",
    () => Worker.start({ nats: {}, budgets: { a: { maxCost: NaN } } }),
    "bound a tenant: maxCost must be a number, 0 or more, got NaN",
  ],
  [
    "provider",
    () => provider("x", { maxToolRounds: NaN }),
    'make stage "x": maxToolRounds must be a number, 0 or more',
  ],
  ["validation", () => validation("x", { maxLength: NaN }), 'make stage "x": maxLength must be a number, 0 or more'],
  [
    "webSocketBridge",
    () => webSocketBridge("x", { socket: never(() => {}), maxQueuedBytes: NaN }),
    'make stage "x": maxQueuedBytes must be a positive number, got NaN',
  ],
  [
    "setupChat",
    () => setupChat({ toolTimeoutMs: NaN }),
    "set up chat: toolTimeoutMs must be a positive number, got NaN",
  ],
  [
    "setupTools",
    async () => {
      await using engine = new RuntimeEngine({ setup: [setupTools({ clock: { run: Date.now, timeoutMs: NaN } })] });
      await engine.start();
    },
    'offer the tool "clock": timeoutMs must be a positive number, got NaN',
  ],
];

/** Settings of models. */
const SETTINGS: [settings: object, error: string][] = [
  [{ batchSize: 0 }, "use the model: batchSize must be a positive whole number, got 0"],
  [{ maxConcurrency: 0 }, "use the model: maxConcurrency must be a positive whole number, got 0"],
  [{ cacheEntries: NaN }, "use the model: cacheEntries must be a number, 0 or more, got NaN"],
  [{ dimensions: 1.5 }, "use the model: dimensions must be a positive whole number, got 1.5"],
  [{ headerTimeoutMs: NaN }, `use the model: headerTimeoutMs must be ${MS}, got NaN`],
  [{ idleTimeoutMs: Infinity }, `use the model: idleTimeoutMs must be ${MS}, got Infinity`],
  [{ maxTokens: "9" }, 'use the model: maxTokens must be a positive whole number, got "9"'],
  [{ retry: { attempts: NaN } }, "retry: attempts must be a positive number, got NaN"],
  [{ retry: 5 }, "retry: its options must be an object, got 5"],
];

const thrownBy = (make: () => unknown): Promise<unknown> =>
  Promise.resolve()
    .then(make)
    .catch((reason: unknown) => reason);

const refusal = (error: string): object => ({
  name: "ConfigError",
  message: expect.stringContaining(`Cannot ${error}`) as string,
});

describe("a number of a host app's that cannot be", () => {
  it.each(FUNCTIONS)("is refused by %s", async (_, make, error) => {
    expect(await thrownBy(make)).toMatchObject(refusal(error));
  });

  it.each(SETTINGS)("is refused in the settings %o of a model", async (settings, error) => {
    for (const make of [
      () => setupChat({ chat: { ...demo, ...settings } }),
      () => setupEmbeddings({ embeddings: { ...demo, ...settings } }),
      () => createEmbeddingProvider({ ...demo, ...settings }, { env: {} }),
    ]) {
      expect(await thrownBy(make)).toMatchObject(refusal(error));
    }
  });
});

describe("a budget that is none", () => {
  it("is refused by setup functions and stages", async () => {
    const options = { budget: never({ maxCalls: 1 }) };
    for (const [make, done] of [
      [() => setupDefaults(options), "set up embeddings"],
      [() => setupChat(options), "set up chat"],
      [() => provider("x", options), 'make stage "x"'],
    ] as const) {
      expect(await thrownBy(make)).toMatchObject(
        refusal(`${done}: budget must be a Budget: make one with new Budget()`),
      );
    }
  });
});

describe("numbers of a host app's that can be", () => {
  it("are taken: 0 for nothing at all, Infinity for no limit, undefined for the default", () => {
    expect(() => new Budget({ maxCalls: 0, maxTokens: Infinity, maxCost: undefined })).not.toThrow();
    expect(() => setupChat({ chat: { ...demo, deltaMs: 0, cacheEntries: 0 } })).not.toThrow();
  });
});
