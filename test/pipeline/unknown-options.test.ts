import { describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config.ts";
import {
  createEventPrinter,
  deduplicator,
  EventRouter,
  MemoryPubSub,
  poisonQueue,
  retry,
} from "../../src/events/index.ts";
import {
  contentRouter,
  openAISpeech,
  passthrough,
  PipelineBuilder,
  PipelineConfig,
  promptAssembly,
  provider,
  randomRouter,
  router,
  textToSpeech,
  validation,
  voiceActivity,
  webSocketBridge,
} from "../../src/pipeline/index.ts";

const never = (options: object): never => options as never;

/** What makes stages, routers, middleware and settings of options, with one that is misspelt. */
const FUNCTIONS: [name: string, make: () => unknown, done: string, given: string, meant: string][] = [
  [
    "new PipelineBuilder",
    () => new PipelineBuilder(new PipelineConfig(), never({ buss: 1 })),
    "make a pipeline",
    "buss",
    "bus",
  ],
  ["passthrough", () => passthrough("x", never({ acepts: [] })), 'make stage "x"', "acepts", "accepts"],
  ["router", () => router("x", () => [], never({ otherwize: "y" })), 'make stage "x"', "otherwize", "otherwise"],
  ["contentRouter", () => contentRouter("x", [], never({ other: "y" })), 'make stage "x"', "other", "otherwise"],
  ["randomRouter", () => randomRouter("x", ["y"], never({ radnom: 1 })), 'make stage "x"', "radnom", "random"],
  ["validation", () => validation("x", never({ maxLenght: 1 })), 'make stage "x"', "maxLenght", "maxLength"],
  ["promptAssembly", () => promptAssembly("x", never({ tempalte: "" })), 'make stage "x"', "tempalte", "template"],
  ["provider", () => provider("x", never({ modle: "" })), 'make stage "x"', "modle", "model"],
  ["voiceActivity", () => voiceActivity("x", never({ interupt: true })), 'make stage "x"', "interupt", "interrupt"],
  ["textToSpeech", () => textToSpeech("x", never({ local: "de" })), 'make stage "x"', "local", "locale"],
  ["webSocketBridge", () => webSocketBridge("x", never({ sokcet: 1 })), 'make stage "x"', "sokcet", "socket"],
  ["openAISpeech", () => openAISpeech({}, never({ fecth: 1 })), "use the voice", "fecth", "fetch"],
  ["openAISpeech, of settings", () => openAISpeech(never({ modle: "" })), "use the model", "modle", "model"],
  ["retry", () => retry(never({ maxAtempts: 1 })), "retry messages", "maxAtempts", "maxAttempts"],
  ["deduplicator", () => deduplicator(never({ ttl: 1 })), "find messages that came before", "ttl", "ttlMs"],
  [
    "poisonQueue",
    () => poisonQueue(new MemoryPubSub(), "x", never({ shuoldPoison: 1 })),
    "set messages aside",
    "shuoldPoison",
    "shouldPoison",
  ],
  ["createEventPrinter", () => createEventPrinter(never({ formt: "json" })), "print events", "formt", "format"],
  ["new EventRouter", () => new EventRouter(never({ poisonTopc: "x" })), "route events", "poisonTopc", "poisonTopic"],
  [
    "loadConfig",
    () => loadConfig(never({ env: {}, untrustd: true })),
    "load the configuration",
    "untrustd",
    "untrusted",
  ],
];

describe("an option that is written wrong", () => {
  it.each(FUNCTIONS)("is refused by %s", async (_, make, done, given, meant) => {
    const thrown = await Promise.resolve()
      .then(make)
      .catch((reason: unknown) => reason);
    expect(thrown).toMatchObject({
      name: "ConfigError",
      message: `Cannot ${done}: there is no option "${given}"; did you mean "${meant}"?`,
    });
  });
});
