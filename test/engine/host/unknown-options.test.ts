import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  codeTool,
  createChatStep,
  defineStep,
  EnginePool,
  MemoryPubSub,
  RuntimeEngine,
  setupChat,
  setupDefaults,
  setupEmbeddings,
  setupFetch,
  setupMcp,
  setupPipeline,
  setupSteps,
} from "../../../src/index.ts";
import { provider } from "../../../src/pipeline/index.ts";
import { expectGolden, runScript, VirtualClock } from "../../../src/testing.ts";

const script = { code: "1" };
const never = (options: object): never => options as never;

/** Every function of host apps that takes options, with one that is misspelt. */
const FUNCTIONS: [name: string, call: (made: Made) => unknown, error: string][] = [
  ["new RuntimeEngine", () => new RuntimeEngine(never({ isolaton: "thread" })), engineError("isolaton", "isolation")],
  [
    "new RuntimeEngine, with nothing like it",
    () => new RuntimeEngine(never({ qqqqqq: 1 })),
    'Cannot make an engine: there is no option "qqqqqq"; the options are isolation, hardening, ',
  ],
  [
    "engine.runScript",
    ({ engine }) => engine.runScript(script, never({ singal: 1 })),
    'Cannot run the script: there is no option "singal"; did you mean "signal"?',
  ],
  [
    "engine.session",
    ({ engine }) => engine.session(never({ keepLast: true })),
    'Cannot open a session: there is no option "keepLast"; did you mean "keepsLast"?',
  ],
  [
    "session.run",
    async ({ engine }) => {
      await using session = engine.session();
      await session.run("1", never({ singal: 1 }));
    },
    'Cannot run code: there is no option "singal"; did you mean "signal"?',
  ],
  [
    "engine.events",
    ({ engine }) => engine.events(never({ stepID: "x" })),
    'Cannot follow the events: there is no option "stepID"; did you mean "stepId"?',
  ],
  [
    "engine.close",
    ({ engine }) => engine.close(never({ drainMS: 1 })),
    'Cannot close the engine: there is no option "drainMS"; did you mean "drainMs"?',
  ],
  [
    "vm.op",
    ({ engine }) => engine.setUp((vm) => vm.op("late", () => 1, never({ efect: "none" }))),
    'Cannot define "late": there is no option "efect"; did you mean "effect"?',
  ],
  [
    "vm.registerStep",
    ({ engine }) => engine.setUp((vm) => vm.registerStep("late", never({}), never({ inptu: 1 }))),
    'Cannot define "late": there is no option "inptu"; did you mean "input"?',
  ],
  ["new EnginePool", () => new EnginePool(never({ sise: 1 })), engineError("sise", "size")],
  [
    "new EnginePool, with a quota",
    () => new EnginePool({ quota: never({ runing: 1 }) }),
    'Cannot make a pool with this quota: there is no option "runing"; did you mean "running"?',
  ],
  [
    "pool.run",
    ({ pool }) => pool.run(script, never({ tennant: "x" })),
    'Cannot run the script: there is no option "tennant"; did you mean "tenant"?',
  ],
  [
    "pool.close",
    ({ pool }) => pool.close(never({ drainMS: 1 })),
    'Cannot close the pool: there is no option "drainMS"; did you mean "drainMs"?',
  ],
  [
    "defineStep",
    () => defineStep(never({ name: "x", inptu: String, async *run() {} })),
    'Cannot define a step: there is no option "inptu"; did you mean "input"?',
  ],
  [
    "new RuntimeEngine, deterministic",
    () => new RuntimeEngine({ deterministic: never({ sede: 7 }) }),
    'Cannot make runs deterministic: there is no option "sede"; did you mean "seed"?',
  ],
  ["codeTool", () => codeTool(never({ sesion: true })), engineError("sesion", "session")],
  [
    "codeTool, with bounds",
    () => codeTool({ perRun: never({ maxCals: 1 }) }),
    'Cannot bound runs: there is no option "maxCals"; did you mean "maxCalls"?',
  ],
  [
    "tool.execute",
    async () => {
      await using tool = codeTool({ isolation: "thread" });
      await tool.execute({ code: "1" }, never({ onProgres() {} }));
    },
    'Cannot run the code: there is no option "onProgres"; did you mean "onProgress"?',
  ],
  [
    "setupDefaults",
    () => setupDefaults(never({ embedings: {} })),
    'Cannot set up what scripts have: there is no option "embedings"; did you mean "embeddings"?',
  ],
  [
    "setupChat",
    () => setupChat(never({ onAprove() {} })),
    'Cannot set up chat: there is no option "onAprove"; did you mean "onApprove"?',
  ],
  [
    "setupChat, with hooks",
    () => setupChat({ hooks: never({ beforetool() {} }) }),
    'Cannot set up chat: there is no option "beforetool"; did you mean "beforeTool"?',
  ],
  ["setupChat, with hooks that are none", () => setupChat({ hooks: 3 as never }), "hooks must be an object"],
  [
    "setupDefaults, with a hook that is none",
    () => setupDefaults({ hooks: never({ afterTool: true }) }),
    "Cannot set up chat: hooks.afterTool must be a function",
  ],
  [
    "setupChat, with an approval that is none",
    () => setupChat(never({ onApprove: false })),
    "Cannot set up chat: onApprove must be a function",
  ],
  [
    "createChatStep",
    () => createChatStep(never({ hooks: { before() {} } })),
    'Cannot make a chat step: there is no option "before"; ',
  ],
  [
    "codeTool, with an approval that is none",
    () => codeTool(never({ onApprove: {} })),
    "Cannot make a code tool: onApprove must be a function",
  ],
  [
    "the provider stage",
    () => provider("model", never({ onApprove: true })),
    'Cannot make stage "model": onApprove must be a function',
  ],
  [
    "setupEmbeddings",
    () => setupEmbeddings(never({ embedings: {} })),
    'Cannot set up embeddings: there is no option "embedings"; did you mean "embeddings"?',
  ],
  [
    "setupSteps",
    () => setupSteps(never({ cahce: 1 })),
    'Cannot set up steps: there is no option "cahce"; did you mean "cache"?',
  ],
  [
    "setupPipeline",
    () => setupPipeline(never({ stagse: {} })),
    'Cannot set up pipelines: there is no option "stagse"; did you mean "stages"?',
  ],
  [
    "setupFetch",
    () => setupFetch(never({ secret: {} })),
    'Cannot set up fetch: there is no option "secret"; did you mean "secrets"?',
  ],
  [
    "setupMcp",
    () => setupMcp(never({ server: {} })),
    'Cannot give scripts MCP servers: there is no option "server"; did you mean "servers"?',
  ],
  [
    "runScript of the test library",
    () => runScript(script, never({ cassete: "x" })),
    'Cannot run the script: there is no option "cassete"; did you mean "cassette"?',
  ],
  [
    "expectGolden",
    () => expectGolden("x", "x.golden", never({ updaet: true })),
    'Cannot compare with a golden: there is no option "updaet"; did you mean "update"?',
  ],
  [
    "new VirtualClock",
    () => new VirtualClock(never({ nwo: 1 })),
    'Cannot make a clock: there is no option "nwo"; did you mean "now"?',
  ],
];

function engineError(given: string, meant: string): string {
  return `Cannot make an engine: there is no option "${given}"; did you mean "${meant}"?`;
}

interface Made {
  engine: RuntimeEngine;
  pool: EnginePool;
}

describe("an option of a host app's that is written wrong", () => {
  let made!: Made;

  beforeAll(async () => {
    const engine = new RuntimeEngine({ isolation: "thread", bus: new MemoryPubSub() });
    await engine.start();
    made = { engine, pool: new EnginePool({ isolation: "thread", size: 1 }) };
  });

  afterAll(async () => {
    await made.engine.close();
    await made.pool.close();
  });

  it.each(FUNCTIONS)("is refused by %s", async (_, call, error) => {
    const thrown = await Promise.resolve()
      .then(() => call(made))
      .catch((reason: unknown) => reason);
    expect(thrown).toMatchObject({ name: "ConfigError", message: expect.stringContaining(error) as string });
  });
});
