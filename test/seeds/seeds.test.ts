import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RuntimeEngine, setupDefaults } from "../../src/index.ts";
import { Output } from "../engine/engine-harness.ts";
import { readSeedBlocks, type SeedBlock } from "./seed-blocks.ts";

const { GEPPETTO_SHARED } = process.env;
if (GEPPETTO_SHARED === undefined) {
  console.warn("SKIPPED: the examples of the seed documents; set GEPPETTO_SHARED to the folder that has seeds/ in it");
}

const COMPLETE = "javascript-api-complete-reference";
const ENGINE = "javascript-api-runtime-engine";
const STEPS = "steps-api-callbacks-and-promises";

const SHAPE = "describes the fields of an object, is no program";
const SHADOWS = "declares a variable named embeddings and uses the global of that name in its initializer";

/** The blocks that cannot run in any JavaScript, with the reason. This list may only shrink. */
const EXCEPTIONS: Record<string, string> = {
  [`${COMPLETE} 1`]: "declares the same constant twice",
  [`${COMPLETE} 5`]: SHAPE,
  [`${COMPLETE} 6`]: SHAPE,
  [`${COMPLETE} 7`]: SHAPE,
  [`${COMPLETE} 8`]: SHAPE,
  [`${COMPLETE} 14`]: SHADOWS,
  [`${COMPLETE} 25`]: "has an arrow function whose body is only a comment",
  [`${COMPLETE} 37`]: SHAPE,
  [`${ENGINE} 5`]: SHAPE,
  [`${ENGINE} 6`]: SHAPE,
  [`${ENGINE} 7`]: SHAPE,
  [`${ENGINE} 8`]: SHAPE,
  [`${ENGINE} 14`]: SHADOWS,
  [`${ENGINE} 19`]: SHAPE,
  [`${ENGINE} 29`]: SHADOWS,
  [`${STEPS} 11`]: "has an arrow function whose body is only a comment",
};

/** What the examples take for granted. Waits are a tenth of what they say. */
const ASSUMED = `
  globalThis.realSetTimeout ??= setTimeout;
  globalThis.until = async (isSo) => { while (!isSo()) await new Promise((resolve) => realSetTimeout(resolve, 5)); };
  globalThis.setTimeout = (callback, ms, ...args) => realSetTimeout(callback, ms / 10, ...args);
  globalThis.RealConversation ??= Conversation;
  globalThis.Conversation = class Conversation extends RealConversation {
    // The examples' images lie in the root folder.
    addMessageWithImage(role, text, path, options) { return super.addMessageWithImage(role, text, path.replace(/^\\//, ""), options) }
    AddMessageWithImage(...args) { return this.addMessageWithImage(...args) }
  };
  Object.assign(globalThis, {
    factory: new ChatStepFactory(),
    step: new ChatStepFactory().newStep(),
    chatStep: new ChatStepFactory().newStep(),
    llmStep: new ChatStepFactory().newStep(),
    embedStep: embeddings.createStep(),
    searchStep: steps.createLambdaStep((vectors) => "a document for " + vectors.length + " vector of " + vectors[0].length),
    processingStep: steps.createLambdaStep((x) => x * 2),
    operation: new ChatStepFactory().newStep(),
    conv: new Conversation(),
    conversation: new Conversation(),
    assumedInput: "hello",
    inputs: [1, 2, 3],
    largeInput: "hello",
    data: 5,
    text: "some text",
    callbacks: { onResult() {} },
    processedResult: "processed",
    stepPromise: Promise.resolve("done"),
    window: { addEventListener() {} },
    engine: { Close() { console.log("engine closed") } },
    processWithState: (input, state) => input + ":" + state.count,
    api: {
      operationAsync: async (input) => "result of " + input,
      operationBlocking: (input) => "result of " + input,
      operationWithCallbacks: (input, { onResult, onDone }) => { onResult(input); onDone?.(); return () => {} },
    },
    GenericStepWrapper: class {},
    inputConverter: Number,
    outputConverter: String,
    ui: [],
  });
  for (const name of ["updateUI", "handleError", "markComplete", "handleSuccess", "showFinalResult", "processResult", "processChunk", "finalizeResults"]) {
    globalThis[name] = (...args) => void ui.push([name, ...args]);
  }
  globalThis.conversation.addMessage("user", "hello");
  globalThis.msgId = globalThis.conv.addMessage("user", "hello");
  0`;

interface Expectation {
  /** More of what this block takes for granted. */
  assumed?: string;
  /** Runs after the block, in its scope. */
  after?: string;
  out?: string | RegExp;
  err?: RegExp;
}

const ANSWER = "\\[demo\\] Hello!";
const EVENTS = new RegExp(`Step started[^]*Partial result:[^]*Final result: ${ANSWER}`);
const COMPOSED: Expectation = {
  after: "const [message] = await pipeline.startAsync('a question'); console.log(String(message))",
  out: /a document for 1 vector of 512\n$/,
};
const MONITORED: Expectation = {
  after: "await monitoredStep.startAsync('hello')",
  out: /^\S+ with: hello\nProduced: [^]*completed\n$/,
};
const RETRIED: Expectation = {
  assumed: "globalThis.step = steps.createLambdaStep((x) => x + 1); 0",
  after: "console.log(await robustStep.startAsync(1))",
  out: "[ 2 ]\n",
};
const STATEFUL: Expectation = {
  after: "console.log(await statefulStep.startAsync('a'), await statefulStep.startAsync('b'))",
  out: "[ 'a:1' ] [ 'b:2' ]\n",
};
const MAPPED: Expectation = { out: "2\n4\n6\n" };
const PARALLEL: Expectation = { after: "console.log(results)", out: "[ 2, 4, 6 ]\n" };
const FAILING: Expectation = {
  assumed: "globalThis.conversation = 'error: 429'; 0",
  err: /LLM error: ProviderError[^]*rate limit/i,
};
const APPLICATION: Expectation = {
  after:
    "await until(() => ui.at(-1)?.[0] === 'markComplete'); console.log(ui.at(-1)[0], conversation.getMessages().at(-1).role)",
  out: "markComplete assistant\n",
};

/** What is known of single blocks beyond that they end well. */
const EXPECTED: Record<string, Expectation> = {
  [`${COMPLETE} 3`]: {
    after: "console.log(conv.getMessages().map((m) => m.type).join())",
    out: "chat-message,tool-use,tool-result\n",
  },
  [`${COMPLETE} 4`]: { after: "console.log(messages.length, messageView)", out: "1 [user]: hello\n" },
  [`${COMPLETE} 10`]: { out: /: use-lite-en\n.*: 512\n$/ },
  [`${COMPLETE} 11`]: { out: /: 512\n$/ },
  [`${COMPLETE} 12`]: { out: /: 512\n$/ },
  [`${COMPLETE} 13`]: { out: /^Embedding generated: Float32Array\(512\)/ },
  [`${COMPLETE} 15`]: { after: "console.log(result.document)", out: /^AI and/ },
  [`${COMPLETE} 17`]: MAPPED,
  [`${COMPLETE} 18`]: COMPOSED,
  [`${COMPLETE} 19`]: { out: new RegExp(`^Promise created\nResults: \\[[^]*${ANSWER}`) },
  [`${COMPLETE} 20`]: {
    assumed: "globalThis.step = doubleStep; globalThis.assumedInput = 4; 0",
    out: "Results: [ 8 ]\n",
  },
  [`${COMPLETE} 21`]: { out: /^Got result:[^]*Processing complete\n$/ },
  [`${COMPLETE} 22`]: COMPOSED,
  [`${COMPLETE} 24`]: { out: /type: 'chat'[^]*durationMs:/ },
  [`${COMPLETE} 26`]: MONITORED,
  [`${COMPLETE} 27`]: PARALLEL,
  [`${COMPLETE} 28`]: RETRIED,
  [`${COMPLETE} 29`]: STATEFUL,
  [`${COMPLETE} 30`]: { out: new RegExp(`Response: \\[[^]*${ANSWER}`) },
  [`${COMPLETE} 31`]: { out: /Got chunk:[^]*Chat complete/ },
  [`${COMPLETE} 35`]: { out: /Success:/ },
  [`${COMPLETE} 36`]: APPLICATION,
  [`${COMPLETE} 38`]: { ...FAILING, after: "await new Promise((resolve) => setTimeout(resolve, 100))" },
  [`${ENGINE} 1`]: { out: EVENTS },
  [`${ENGINE} 17`]: { out: /^Step ID: [-0-9a-f]{36}\nEvent type: start[^]*Event type: final/ },
  [`${ENGINE} 18`]: { out: EVENTS },
  [`${ENGINE} 20`]: { assumed: "globalThis.assumedInput = 'error: 429'; 0", err: /^Step failed: .*rate limit/i },
  [`${ENGINE} 22`]: { out: new RegExp(`Streaming: [^]*Result: ${ANSWER}`) },
  [`${ENGINE} 23`]: {
    after: "await until(() => ui.at(-1)?.[0] === 'showFinalResult'); console.log(ui.at(-1)[0])",
    out: "showFinalResult\n",
  },
  [`${ENGINE} 24`]: { out: new RegExp(`Current text length: \\d+[^]*Final text: ${ANSWER}`) },
  [`${ENGINE} 25`]: { out: /Step completed in \d+ ms\nTotal events: \d+\n$/ },
  [`${ENGINE} 26`]: { out: "Hello World\n", err: /^Error message\n$/ },
  [`${ENGINE} 27`]: { out: /^engine closed\nEvent: start/ },
  [`${STEPS} 1`]: MAPPED,
  [`${STEPS} 2`]: COMPOSED,
  [`${STEPS} 5`]: { assumed: "globalThis.assumedInput = 4; 0", out: "Promise created\nResults: [ 8 ]\n" },
  [`${STEPS} 6`]: { assumed: "globalThis.step = doubleStep; globalThis.assumedInput = 4; 0", out: "Results: [ 8 ]\n" },
  [`${STEPS} 8`]: {
    out: /^Embedding vectors: \[\s*Float32Array\(512\)[^]*(Got embedding: [^]*){3}All embeddings generated\n$/,
  },
  [`${STEPS} 9`]: { out: "Quanta are small.\nChat complete\n" },
  [`${STEPS} 10`]: { after: "console.log(results)", out: "[ 'processed' ]\n" },
  [`${STEPS} 12`]: MONITORED,
  [`${STEPS} 13`]: PARALLEL,
  [`${STEPS} 14`]: RETRIED,
  [`${STEPS} 15`]: STATEFUL,
  [`${STEPS} 16`]: { out: "Step completed: done\n" },
  [`${STEPS} 17`]: {
    assumed: "globalThis.stepPromise = Promise.reject(new Error('stop')); stepPromise.catch(() => {}); 0",
    err: /^Step was cancelled: Error: stop/,
  },
  [`${STEPS} 18`]: { out: new RegExp(`Response: \\[[^]*${ANSWER}[^]*Chat complete`) },
  [`${STEPS} 21`]: { out: new RegExp(`^${ANSWER}[^]*\nChat complete\n$`) },
  [`${STEPS} 22`]: { out: /^Complete response: \[/ },
  [`${STEPS} 23`]: { ...FAILING, assumed: "globalThis.conversation = 'error: 429'; 0" },
  [`${STEPS} 24`]: APPLICATION,
};

/** A whole PNG of one pixel. */
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

describe.skipIf(GEPPETTO_SHARED === undefined)("the JavaScript examples of the seed documents", () => {
  const blocks: SeedBlock[] = GEPPETTO_SHARED === undefined ? [] : readSeedBlocks(join(GEPPETTO_SHARED, "seeds"));
  const nameOf = ({ document, number }: SeedBlock): string => `${document} ${number}`;
  const output = new Output();
  const mock = new LLMock({ port: 0 });
  let folder = "";
  let engine: RuntimeEngine;

  beforeAll(async () => {
    await mock.start();
    mock.onMessage("quantum", { content: "Quanta are small." });
    folder = mkdtempSync(join(tmpdir(), "seed-images-"));
    mkdirSync(join(folder, "path/to"), { recursive: true });
    writeFileSync(join(folder, "path/to/image.jpg"), Buffer.from(PNG, "base64"));
    engine = new RuntimeEngine({
      isolation: "thread",
      console: output,
      permissions: { read: [folder] },
      setup: [
        setupDefaults({
          chat: { provider: "embedded", deltaMs: 0 },
          env: { ANTHROPIC_API_KEY: "key-for-tests", ANTHROPIC_BASE_URL: mock.url },
        }),
      ],
    });
    await engine.start();
    // The model loads once, in nobody's time.
    await engine.runOnLoop("embeddings.generateEmbeddingAsync('').then(() => 0)");
  });
  afterAll(async () => {
    await engine.close();
    await mock.stop();
    rmSync(folder, { recursive: true });
  });

  async function run(block: SeedBlock): Promise<{ error: unknown; out: string; err: string }> {
    const { assumed = "0", after = "" } = EXPECTED[nameOf(block)] ?? {};
    await engine.runOnLoop(ASSUMED);
    await engine.runOnLoop(assumed);
    output.out = "";
    output.err = "";
    // The global that reads the command line's input has this name too, and goes when a script begins without one.
    const outcome = await engine.runScript({
      code: `globalThis.input = assumedInput; ${block.code}\n;${after}`,
      name: `${nameOf(block)}.js`,
      folder,
    });
    return { error: outcome.error, out: output.out, err: output.err };
  }

  it("are as many as they were", () => {
    expect(blocks).toHaveLength(96);
    expect(Object.keys(EXCEPTIONS).filter((name) => !blocks.some((block) => nameOf(block) === name))).toEqual([]);
    expect(Object.keys(EXCEPTIONS).length).toBeLessThanOrEqual(16);
  });

  it.each(blocks.filter((block) => !(nameOf(block) in EXCEPTIONS)).map((block) => [nameOf(block), block] as const))(
    "%s runs as printed",
    async (name, block) => {
      const { error, out, err } = await run(block);
      expect(error).toBeUndefined();
      const expected = EXPECTED[name] ?? {};
      if (typeof expected.out === "string") expect(out).toBe(expected.out);
      else if (expected.out !== undefined) expect(out).toMatch(expected.out);
      if (expected.err !== undefined) expect(err).toMatch(expected.err);
      else expect(err).toBe("");
      const { runs, timers, ops, topics } = engine.stats();
      expect({ runs, timers, ops, topics }).toEqual({ runs: 0, timers: 0, ops: 0, topics: 0 });
    },
  );

  it.each(blocks.filter((block) => nameOf(block) in EXCEPTIONS).map((block) => [nameOf(block), block] as const))(
    "%s is an exception for a reason that still holds",
    async (name, block) => {
      const { error } = await run(block);
      const reason = EXCEPTIONS[name]!;
      // What JavaScript itself says against it, not this project.
      const expected = reason === SHADOWS ? "ReferenceError" : "SyntaxError";
      expect((error as { name: string }).name).toBe(expected);
    },
  );
});
