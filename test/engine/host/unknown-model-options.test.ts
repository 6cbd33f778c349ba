import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ScriptFolder } from "../../cli/run-cli.ts";
import {
  aiSdk,
  Budget,
  cacheStep,
  Cassette,
  createChatStep,
  createEmbeddingProvider,
  createEmbeddingsStep,
  createMetrics,
  DiskCacheStore,
  MemoryCacheStore,
  MemoryJournal,
  MemoryPubSub,
  recordingProvider,
  replayingEmbeddings,
  replayingFetch,
  replayingMcp,
  replayingProvider,
  RunLog,
  RuntimeEngine,
  setupChat,
  setupDefaults,
  setupEmbeddings,
  SqliteJournal,
} from "../../../src/index.ts";
import { NatsJournal, submit, Worker } from "../../../src/workers/index.ts";

const never = (options: object): never => options as never;
const env = {};
const script = { code: "1" };
const nats = { servers: "127.0.0.1:1" };
const demo = { provider: "embedded" };
const model = { specificationVersion: "v2", provider: "own", modelId: "m", doStream: () => {} };

let folder!: ScriptFolder;
const path = (name: string): string => join(folder.path, name);

const journal = async (use: (journal: MemoryJournal) => unknown): Promise<void> => {
  await using opened = new MemoryJournal();
  await use(opened);
};

const REPEATS = 'Cannot replay: there is no option "repeat"; did you mean "repeats"?';

/** Every function of host apps for models, buses, journals, recordings and jobs, with an option that is misspelt. */
const FUNCTIONS: [name: string, call: () => unknown, error: string][] = [
  [
    "setupChat, in the settings of its model",
    () => setupChat({ chat: never({ ...demo, temprature: 1 }) }),
    'Cannot use the model: there is no option "temprature"; did you mean "temperature"?',
  ],
  [
    "setupChat, in how to retry",
    () => setupChat({ chat: { ...demo, retry: never({ atempts: 1 }) } }),
    'Cannot retry: there is no option "atempts"; did you mean "attempts"?',
  ],
  [
    "setupChat, in how to reason",
    () => setupChat({ chat: { ...demo, reasoning: never({ efort: "low" }) } }),
    `Cannot use the model's reasoning: there is no option "efort"; did you mean "effort"?`,
  ],
  [
    "setupChat, with a text for a model",
    () => setupChat({ chat: "openai:gpt-5-mini" as never }),
    "Cannot use the model: its settings must be an object such as { provider: ",
  ],
  [
    "setupChat, with a model of the host's own",
    () => setupChat({ chat: never({ provider: aiSdk(never(model)), temprature: 1 }) }),
    'there is no option "temprature"; did you mean "temperature"?',
  ],
  [
    "setupEmbeddings, in the settings of its model",
    () => setupEmbeddings({ embeddings: never({ ...demo, dimension: 3 }) }),
    'there is no option "dimension"; did you mean "dimensions"?',
  ],
  [
    "an engine's setupDefaults",
    async () => {
      await using engine = new RuntimeEngine({
        isolation: "thread",
        setup: [setupDefaults({ chat: never({ ...demo, modle: "x" }) })],
      });
      await engine.start();
    },
    'there is no option "modle"; did you mean "model"?',
  ],
  [
    "createEmbeddingProvider, in the settings",
    () => createEmbeddingProvider(never({ ...demo, batchsize: 3 }), { env }),
    'there is no option "batchsize"; did you mean "batchSize"?',
  ],
  [
    "createEmbeddingProvider",
    () => createEmbeddingProvider(demo, never({ env, wrapEmbedings: 1 })),
    'Cannot make embeddings: there is no option "wrapEmbedings"; did you mean "wrapEmbeddings"?',
  ],
  [
    "aiSdk",
    () => aiSdk(never(model), never({ idleTimeout: 1 })),
    'Cannot use the model: there is no option "idleTimeout"; did you mean "idleTimeoutMs"?',
  ],
  [
    "aiSdk, in how to retry",
    () => aiSdk(never(model), { retry: never({ maxMS: 1 }) }),
    'Cannot retry: there is no option "maxMS"; did you mean "maxMs"?',
  ],
  [
    "new Budget",
    () => new Budget(never({ maxCals: 1 })),
    'Cannot make a budget: there is no option "maxCals"; did you mean "maxCalls"?',
  ],
  ["createMetrics", () => createMetrics(never({ prefix: 1 })), 'there is no option "prefix"; there are none'],
  [
    "new MemoryPubSub",
    () => new MemoryPubSub(never({ stuckAfter: 1 })),
    'Cannot make a bus: there is no option "stuckAfter"; did you mean "stuckAfterMs"?',
  ],
  [
    "new MemoryPubSub, in what it keeps",
    () => new MemoryPubSub({ keep: never({ message: 1 }) }),
    'Cannot keep messages: there is no option "message"; did you mean "messages"?',
  ],
  [
    "bus.subscribe",
    () => new MemoryPubSub().subscribe("x", never({ maxMesages: 1 })),
    'Cannot subscribe: there is no option "maxMesages"; did you mean "maxMessages"?',
  ],
  [
    "new MemoryJournal",
    () => new MemoryJournal(never({ limit: {} })),
    'Cannot open the journal: there is no option "limit"; did you mean "limits"?',
  ],
  [
    "new MemoryJournal, in its limits",
    () => new MemoryJournal({ limits: never({ mesages: 1 }) }),
    'Cannot limit the journal: there is no option "mesages"; did you mean "messages"?',
  ],
  [
    "new MemoryJournal, in the limits of values",
    () => new MemoryJournal({ limits: { values: never({ kyes: 1 }) } }),
    'Cannot limit the values of the journal: there is no option "kyes"; did you mean "keys"?',
  ],
  [
    "SqliteJournal.open",
    () => SqliteJournal.open(path("a.db"), never({ silence: 1 })),
    'Cannot open the journal: there is no option "silence"; did you mean "silenceMs"?',
  ],
  [
    "NatsJournal.open",
    () => NatsJournal.open(never({ ...nats, patience: 1 })),
    'Cannot open the journal: there is no option "patience"; did you mean "patienceMs"?',
  ],
  [
    "NatsJournal.open, in its encryption",
    () => NatsJournal.open({ ...nats, tls: never({ cafile: "x" }) }),
    'Cannot open the journal: there is no option "cafile"; did you mean "caFile"?',
  ],
  [
    "journal.resume",
    () => journal((opened) => opened.resume("x", never({ takeover: true }))),
    'Cannot resume the execution: there is no option "takeover"; did you mean "takeOver"?',
  ],
  [
    "journal.list",
    () => journal((opened) => opened.list(never({ limt: 1 })).next()),
    'Cannot list executions: there is no option "limt"; did you mean "limit"?',
  ],
  [
    "journal.follow",
    () => journal((opened) => opened.follow("x", never({ form: 1 })).next()),
    'Cannot follow the execution: there is no option "form"; did you mean "from"?',
  ],
  [
    "Cassette.open",
    () => Cassette.open(path("a.json"), never({ readonly: true })),
    'Cannot open the cassette: there is no option "readonly"; did you mean "readOnly"?',
  ],
  [
    "recordingProvider",
    () => recordingProvider(never({}), Cassette.inMemory([]), never({ default: 1 })),
    'Cannot record: there is no option "default"; did you mean "defaults"?',
  ],
  ["replayingProvider", () => replayingProvider(Cassette.inMemory([]), never({ repeat: "once" })), REPEATS],
  ["replayingFetch", () => replayingFetch(never({}), Cassette.inMemory([]), never({ repeat: "once" })), REPEATS],
  ["replayingMcp", () => replayingMcp(never({}), Cassette.inMemory([]), never({ repeat: "once" })), REPEATS],
  [
    "replayingEmbeddings",
    () => replayingEmbeddings(createEmbeddingProvider(demo, { env }), Cassette.inMemory([]), never({ repeat: 1 })),
    REPEATS,
  ],
  [
    "new DiskCacheStore",
    () => new DiskCacheStore(path("cache"), never({ maxAge: 1 })),
    'Cannot keep entries: there is no option "maxAge"; did you mean "maxAgeMs"?',
  ],
  [
    "new MemoryCacheStore",
    () => new MemoryCacheStore(never({ maxEntrys: 1 })),
    'Cannot keep entries: there is no option "maxEntrys"; did you mean "maxEntries"?',
  ],
  [
    "cacheStep",
    () => cacheStep(createChatStep(demo), never({ stor: 1 })),
    'Cannot keep results: there is no option "stor"; did you mean "store"?',
  ],
  [
    "RunLog.open",
    () => RunLog.open(path("runs.db"), never({ maxRun: 1 })),
    'Cannot open the log of runs: there is no option "maxRun"; did you mean "maxRuns"?',
  ],
  [
    "log.list",
    () => {
      using log = RunLog.open(path("list.db"));
      log.list(never({ sinse: 1 }));
    },
    'Cannot list runs: there is no option "sinse"; did you mean "since"?',
  ],
  [
    "submit",
    () => submit(script, never({ nats, tennant: "x" })),
    'Cannot submit the script: there is no option "tennant"; did you mean "tenant"?',
  ],
  [
    "submit, in how to reach the server",
    () => submit(script, { nats: never({ server: "x" }) }),
    'Cannot reach NATS: there is no option "server"; did you mean "servers"?',
  ],
  [
    "Worker.start",
    () => Worker.start(never({ nats, slot: 1 })),
    'Cannot start the worker: there is no option "slot"; did you mean "slots"?',
  ],
  [
    "Worker.start, in how to reach the server",
    () => Worker.start({ nats: never({ server: "x" }) }),
    'Cannot reach NATS: there is no option "server"; did you mean "servers"?',
  ],
  [
    "Worker.start, in a budget",
    () => Worker.start({ nats, budgets: { a: never({ maxToken: 1 }) } }),
    'Cannot bound a tenant: there is no option "maxToken"; did you mean "maxTokens"?',
  ],
  [
    "createChatStep, in the settings of its model",
    () => createChatStep(never({ ...demo, temprature: 1 })),
    'there is no option "temprature"; did you mean "temperature"?',
  ],
  [
    "createChatStep",
    () => createChatStep(never({ onNotise() {} })),
    'Cannot make a chat step: there is no option "onNotise"; did you mean "onNotice"?',
  ],
  [
    "createEmbeddingsStep",
    () => createEmbeddingsStep(never({ bugdet: 1 })),
    'Cannot make an embeddings step: there is no option "bugdet"; did you mean "budget"?',
  ],
  [
    "createEmbeddingsStep, in the settings of its model",
    () => createEmbeddingsStep(never({ ...demo, dimension: 3 })),
    'there is no option "dimension"; did you mean "dimensions"?',
  ],
];

describe("an option of a model, bus, journal, recording or job that is written wrong", () => {
  beforeAll(() => void (folder = new ScriptFolder()));
  afterAll(() => folder.remove());

  it.each(FUNCTIONS)("is refused by %s", async (_, call, error) => {
    const thrown = await Promise.resolve()
      .then(() => call())
      .catch((reason: unknown) => reason);
    expect(thrown).toMatchObject({ name: "ConfigError", message: expect.stringContaining(error) as string });
  });
});
