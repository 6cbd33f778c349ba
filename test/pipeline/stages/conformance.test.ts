import {
  accumulate,
  broadcastRouter,
  contentRouter,
  endOfTurnElement,
  filter,
  hashRouter,
  map,
  mapText,
  MemoryStateStore,
  merge,
  passthrough,
  promptAssembly,
  provider,
  randomRouter,
  roundRobinRouter,
  router,
  routeWhen,
  sink,
  source,
  stageFromStep,
  stageFunc,
  stateStoreLoad,
  stateStoreSave,
  type StreamElement,
  take,
  textElement,
  textToSpeech,
  toneGenerator,
  validation,
  voiceActivity,
  weightedRouter,
  wrapMiddleware,
} from "../../../src/pipeline/index.ts";
import { defineStep } from "../../../src/steps/define-step.ts";
import { describeStage } from "../describe-stage.ts";
import { speechTurn } from "./tones.ts";

const texts = (): StreamElement[] => ["one. ", "two. ", "three. "].map((text) => textElement(text));

describeStage("passthrough()", { make: () => passthrough("s"), turn: texts });
describeStage("filter()", { make: () => filter("s", () => true), turn: texts });
describeStage("map()", { make: () => map("s", (element) => element), turn: texts });
describeStage("mapText()", { make: () => mapText("s", (text) => [text, text]), turn: texts, takes: ["text"] });
describeStage("accumulate()", { make: () => accumulate("s", (elements) => [...elements]), turn: texts });
describeStage("sink()", { make: () => sink("s", () => {}), turn: texts, isSink: true });
describeStage("merge()", { make: () => merge("s"), turn: texts });
describeStage("source()", {
  make: () => source("s", () => ["one", "two", endOfTurnElement()]),
  turn: texts,
  isSource: true,
});
describeStage("stageFromStep()", {
  make: () => {
    const step = defineStep({
      name: "same",
      async *run(value: unknown) {
        yield value;
      },
    });
    return stageFromStep("s", step);
  },
  turn: texts,
  // What it gives for these is data.
  takes: ["audio", "video", "image", "message", "tool-call", "parts"],
});
describeStage("take()", { make: () => take("s", 1_000_000), turn: texts });
describeStage("stageFunc()", {
  make: () =>
    stageFunc("s", "transform", async (input, output) => {
      for await (const element of input) await output.write(element);
    }),
  turn: texts,
});

const to = ["a", "b"];
describeStage("router()", { make: () => router("s", () => "a"), turn: texts, destinations: to });
describeStage("contentRouter()", {
  make: () => contentRouter("s", [routeWhen("a", () => true)]),
  turn: texts,
  destinations: to,
});
describeStage("roundRobinRouter()", { make: () => roundRobinRouter("s", to), turn: texts, destinations: to });
describeStage("weightedRouter()", {
  make: () => weightedRouter("s", { a: 1, b: 2 }, { random: () => 0.5 }),
  turn: texts,
  destinations: to,
});
describeStage("randomRouter()", {
  make: () => randomRouter("s", to, { random: () => 0.5 }),
  turn: texts,
  destinations: to,
});
describeStage("hashRouter()", {
  make: () => hashRouter("s", to, (element) => (element.kind === "text" ? element.text : element.kind)),
  turn: texts,
  destinations: to,
});
describeStage("broadcastRouter()", { make: () => broadcastRouter("s"), turn: texts, destinations: to });

describeStage("promptAssembly()", {
  make: () => promptAssembly("s", { system: "Be brief.", template: "Say: {{input}}" }),
  turn: texts,
  takes: ["text", "message"],
});
describeStage("promptAssembly() without a system message", {
  make: () => promptAssembly("s"),
  turn: texts,
  takes: ["text"],
});
describeStage("validation()", { make: () => validation("s", { maxLength: 100, minLength: 1 }), turn: texts });
describeStage("stateStoreLoad()", {
  make: () => stateStoreLoad("s", { store: new MemoryStateStore(), conversationId: "c" }),
  turn: texts,
});
describeStage("stateStoreSave()", {
  make: () => stateStoreSave("s", { store: new MemoryStateStore(), conversationId: "c" }),
  turn: texts,
});
describeStage("provider()", {
  make: () => provider("s", { chat: { provider: "embedded", deltaMs: 0 } }),
  turn: texts,
  takes: ["text", "message", "image", "parts"],
});
describeStage("provider(), not streaming,", {
  make: () => provider("s", { chat: { provider: "embedded", deltaMs: 0 }, streaming: false, history: false }),
  turn: texts,
  takes: ["text", "message", "image", "parts"],
});
describeStage("voiceActivity()", { make: () => voiceActivity("s"), turn: speechTurn, takes: ["audio"] });
describeStage("textToSpeech()", {
  make: () => textToSpeech("s", { synthesizer: toneGenerator() }),
  turn: texts,
  takes: ["text"],
  // Texts wait as characters: many short ones fit.
  bound: 1_100,
});
describeStage("wrapMiddleware()", {
  make: () => wrapMiddleware("s", async (_, next) => next()),
  turn: texts,
  takes: ["text", "image", "parts"],
});
