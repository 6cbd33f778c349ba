import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  endOfStreamElement,
  endOfTurnElement,
  imageElement,
  interruptElement,
  messageElement,
  PipelineBuilder,
  PipelineConfig,
  provider,
  type ProviderStageOptions,
  sink,
  type StageError,
  type StreamElement,
  toolCallElement,
} from "../../../src/pipeline/index.ts";
import type { ChatProvider } from "../../../src/providers/chat-provider.ts";
import { ScriptedChat } from "../../../src/providers/embedded/scripted-chat.ts";
import { startTurnServer, type TurnServer } from "../../providers/turn-server.ts";
import { inWords, messagesOf, runStages } from "./run-stages.ts";
import { patience } from "../../machine/patience.ts";

const ask = (chat: ChatProvider, options: ProviderStageOptions = {}) =>
  provider("model", { chat, passInput: false, ...options });
const END = endOfTurnElement();
const usage = { inputTokens: 2, outputTokens: 3 };

describe("provider()", () => {
  it("streams the answer's text, then one message with what it cost, then the end of the turn", async () => {
    const chat = new ScriptedChat([{ text: ["Hel", "lo"], usage }]);
    const elements = await runStages([ask(chat)], "Hi");
    expect(inWords(elements)).toEqual(["Hel", "lo", "assistant: Hello", "<end-of-turn>"]);
    const { metadata } = messagesOf(elements)[0]!;
    expect(metadata).toMatchObject({ usage, stopReason: "stop", engine: "scripted" });
    expect(elements[2]!.metadata).toEqual(metadata);
  });

  it("gives the message alone when it does not stream", async () => {
    const chat = new ScriptedChat([{ text: ["Hel", "lo"] }]);
    expect(inWords(await runStages([ask(chat, { streaming: false })], "Hi"))).toEqual([
      "assistant: Hello",
      "<end-of-turn>",
    ]);
  });

  it("hands on the messages of the turn first, the user's texts as one", async () => {
    const chat = new ScriptedChat([{ text: "Yes" }]);
    const system = messageElement({ role: "system", text: "Be brief." });
    const elements = await runStages([provider("model", { chat, streaming: false })], [system, "Are ", "you?", END]);
    expect(inWords(elements)).toEqual(["system: Be brief.", "user: Are you?", "assistant: Yes", "<end-of-turn>"]);
    expect(chat.requests[0]!.messages).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "Are you?" },
    ]);
  });

  it("is the last answer and the sum of usage in a pipeline's result", async () => {
    const chat = new ScriptedChat([
      { text: "One", usage },
      { text: "Two", usage },
    ]);
    const pipeline = new PipelineBuilder().chain(provider("model", { chat })).build();
    const result = await pipeline.executeSync(["a", END, "b"].map((each) => each));
    expect(result).toMatchObject({
      response: { text: "Two" },
      text: "OneTwo",
      usage: { inputTokens: 4, outputTokens: 6 },
    });
  });

  it("asks once for each turn and sends along what was said before, unless told not to", async () => {
    for (const history of [true, false]) {
      const chat = new ScriptedChat([{ text: "A" }, { text: "B" }]);
      const system = messageElement({ role: "system", text: "S" });
      await runStages([ask(chat, { history })], [system, "a", END, "b", endOfStreamElement()]);
      const said = chat.requests.map(({ messages }) => messages.map(({ content }) => content));
      expect(said).toEqual([["S", "a"], history ? ["S", "a", "A", "b"] : ["S", "b"]]);
    }
  });

  it("keeps so many messages, and those of the system", async () => {
    const chat = new ScriptedChat(["A", "B", "C"].map((text) => ({ text })));
    const system = messageElement({ role: "system", text: "S" });
    await runStages([ask(chat, { maxHistoryMessages: 2 })], [system, "a", END, "b", END, "c"]);
    expect(chat.requests.at(-1)!.messages.map(({ content }) => content)).toEqual(["S", "B", "c"]);
  });

  it("asks nothing where there is nothing new: no content, history, system messages", async () => {
    const chat = new ScriptedChat([]);
    const history = messageElement({ role: "user", text: "old" }, { metadata: { history: true } });
    const system = messageElement({ role: "system", text: "S" });
    expect(inWords(await runStages([ask(chat)], [END, history, system, END]))).toEqual([
      "<end-of-turn>",
      "<end-of-turn>",
    ]);
    expect(chat.requests).toEqual([]);
  });

  it("sends images along", async () => {
    const chat = new ScriptedChat([{ text: "A cat" }]);
    await runStages([ask(chat)], [imageElement({ data: new Uint8Array([1]), mediaType: "image/png" })]);
    expect(chat.requests[0]!.messages[0]!.content).toEqual([
      { type: "text", text: "" },
      { type: "image", url: "data:image/png;base64,AQ==", detail: "auto" },
    ]);
  });

  it("calls tools and goes on with their results, which later turns know of", async () => {
    const clock = { run: () => "noon" };
    const call = { id: "c1", name: "clock", input: { zone: "UTC" } };
    const chat = new ScriptedChat([
      { text: "Let me see. ", toolCalls: [call] },
      { text: "It is noon." },
      { text: "Bye" },
    ]);
    const elements = await runStages([ask(chat, { tools: { clock } })], ["When?", END, "Thanks"]);
    expect(inWords(elements).slice(0, 8)).toEqual([
      "Let ",
      "me ",
      "see. ",
      "tool-call",
      "It ",
      "is ",
      "noon.",
      "assistant: It is noon.",
    ]);
    const [first, , third] = chat.requests;
    expect(first!.tools).toMatchObject([{ name: "clock" }]);
    const rounds = third!.messages.map(({ role, content, toolCalls }) => [role, content, toolCalls?.length ?? 0]);
    expect(rounds).toEqual([
      ["user", "When?", 0],
      ["assistant", "Let me see. ", 1],
      ["tool", "noon", 0],
      ["assistant", "It is noon.", 0],
      ["user", "Thanks", 0],
    ]);
  });

  it("gives up after so many rounds of tools", async () => {
    const toolCalls = (i: number) => [{ id: `c${i}`, name: "clock", input: { i } }];
    const chat = new ScriptedChat([0, 1, 2].map((i) => ({ toolCalls: toolCalls(i) })));
    const stage = ask(chat, { tools: { clock: { run: () => 1 } }, maxToolRounds: 2 });
    await expect(runStages([stage], "x")).rejects.toThrow("still calls tools after 2 rounds");
  });

  it("answers as a schema wants it", async () => {
    const responseFormat = { type: "object", properties: { n: { type: "number" } }, required: ["n"] };
    const chat = new ScriptedChat([{ text: '{"n": 7}' }]);
    const elements = await runStages([ask(chat, { responseFormat, streaming: false })], "x");
    expect(messagesOf(elements)[0]).toMatchObject({ parsed: { n: 7 } });
  });

  it("hands its options to the model", async () => {
    const chat = new ScriptedChat([{ text: "x" }]);
    const options = { model: "m", system: "S", temperature: 0.5, maxTokens: 9, topP: 0.9, stop: ["."], seed: 4 };
    await runStages([ask(chat, options)], "x");
    expect(chat.requests[0]).toMatchObject(options);
  });

  it("refuses a provider that there is not when it is made, and an option that is none when it is asked", async () => {
    expect(() => provider("model", { chat: { provider: "opnai" } })).toThrow('did you mean "openai"');
    await expect(runStages([ask(new ScriptedChat([]), { temperature: 9 })], "x")).rejects.toThrow(
      "options.temperature",
    );
  });

  it("hands on tool calls of a model before it", async () => {
    const call = toolCallElement({ id: "1", name: "clock", input: {} });
    const elements = await runStages([ask(new ScriptedChat([{ text: "ok" }]))], [call, "a"]);
    expect(inWords(elements)).toEqual(["tool-call", "ok", "assistant: ok", "<end-of-turn>"]);
  });

  it("puts around a provider of settings what it is told to", async () => {
    const asked: string[] = [];
    const wrap = (inner: ChatProvider): ChatProvider => ({
      name: inner.name,
      stream: (request, options) => {
        asked.push(request.model);
        return inner.stream(request, options);
      },
    });
    const stage = provider("model", { chat: { provider: "embedded", deltaMs: 0 }, wrap, passInput: false });
    expect(inWords(await runStages([stage], "echo: hi"))).toEqual(["hi", "assistant: hi", "<end-of-turn>"]);
    expect(asked).toEqual(["demo"]);
  });

  it("names the message that is none", async () => {
    const bad = messageElement({ role: "bot", text: "x" });
    await expect(runStages([ask(new ScriptedChat([]))], ["a", bad])).rejects.toThrow("messages[1].role");
  });

  it("ends the execution with the provider's error as the cause", async () => {
    const chat = { provider: "embedded", deltaMs: 0 };
    const failing = runStages([provider("model", { chat })], "error: 429");
    await expect(failing).rejects.toThrow('Stage "model" failed: embedded: rate limit reached');
    const { stage, cause } = (await failing.catch((error: unknown) => error)) as StageError;
    expect([stage, cause]).toMatchObject(["model", { name: "ProviderError", code: "ERR_RATE_LIMIT", status: 429 }]);
  });

  it("makes an error of a turn that fails, when told so, and answers the next", async () => {
    const chat = new ScriptedChat([{ text: "On", error: new Error("broken") }, { text: "Well" }]);
    const elements = await runStages([ask(chat, { onError: "element" })], ["a", END, "b"]);
    expect(inWords(elements)).toEqual([
      "On",
      "error: broken",
      "<end-of-turn>",
      "Well",
      "assistant: Well",
      "<end-of-turn>",
    ]);
  });

  it("answers one turn at a time, in order", async () => {
    let under = 0;
    let most = 0;
    const chat: ChatProvider = {
      name: "counting",
      async *stream({ messages }) {
        most = Math.max(most, ++under);
        await sleep(5);
        yield { type: "text", delta: `${messages.length}` };
        under--;
        yield { type: "end", stopReason: "stop", providerStopReason: "stop", engine: "e" };
      },
    };
    const elements = await runStages([ask(chat, { streaming: false })], ["a", END, "b", END, "c"]);
    expect([most, messagesOf(elements).map((m) => ("text" in m ? m.text : ""))]).toEqual([1, ["1", "3", "5"]]);
  });

  it("is not taken for idle while the model only thinks", async () => {
    const idleMs = patience(200);
    const chat: ChatProvider = {
      name: "thinker",
      async *stream() {
        for (let i = 0; i < 30; i++) {
          await sleep(idleMs / 20);
          yield { type: "reasoning", delta: "hm" };
        }
        yield { type: "text", delta: "ok" };
        yield { type: "end", stopReason: "stop", providerStopReason: "stop", engine: "e" };
      },
    };
    const config = new PipelineConfig().withIdleTimeout(idleMs);
    const { text } = await new PipelineBuilder(config).chain(ask(chat)).build().executeSync("a");
    expect(text).toBe("ok");
    const mute: ChatProvider = { name: "mute", stream: () => new ReadableStream().values() as never };
    const idle = new PipelineBuilder(config).chain(ask(mute)).build().executeSync("a");
    await expect(idle).rejects.toMatchObject({ name: "TimeoutError" });
  });
});

/** An input that is written as one goes. */
function microphone(): {
  say(element: StreamElement | string): void;
  end(): void;
  input: AsyncIterable<StreamElement | string>;
} {
  const { readable, writable } = new TransformStream<StreamElement | string, StreamElement | string>();
  const writer = writable.getWriter();
  return { say: (element) => void writer.write(element), end: () => void writer.close(), input: readable };
}

describe("provider(), interrupted,", () => {
  const endless: ChatProvider = {
    name: "endless",
    async *stream(_, { signal }) {
      for (let i = 1; ; i++) {
        await sleep(1, undefined, { signal }).catch(() => signal.throwIfAborted());
        yield { type: "text", delta: `${i} ` };
      }
    },
  };

  it("gives up the answer under way: its message is what was said so far", async () => {
    const { say, end, input } = microphone();
    const run = new PipelineBuilder().chain(ask(endless)).build().execute(input);
    say("count");
    say(END);
    const elements: StreamElement[] = [];
    for await (const element of run) {
      elements.push(element);
      if (element.kind === "text" && element.text === "3 ") {
        say(interruptElement({ metadata: { k: 1 } }));
        end();
      }
    }
    const texts = elements.flatMap((element) => (element.kind === "text" ? [element.text] : [])).join("");
    expect(inWords(elements.slice(-3))).toEqual([`assistant: ${texts}`, "<end-of-turn>", "<interrupt>"]);
    expect(messagesOf(elements)[0]!.metadata).toEqual({ interrupted: true });
    expect(elements.at(-1)!.metadata).toEqual({ k: 1 });
  });

  it("answers the turn after the interrupt, and knows what was said before it", async () => {
    const chat = new ScriptedChat(Array.from({ length: 3 }, () => () => ({ text: "B1 B2" })));
    const elements = await runStages([ask(chat)], ["a", END, "b", END, interruptElement(), "c", END]);
    const end = "<end-of-turn>";
    expect(inWords(elements)).toEqual([end, end, "<interrupt>", "B1 ", "B2", "assistant: B1 B2", end]);
    // What was waiting when the interrupt came gets no answer and is not forgotten.
    const contents = chat.requests.map(({ messages }) => messages.map(({ content }) => content));
    expect(contents.at(-1)).toEqual(["a", "b", "c"]);
  });

  it("does not take an interrupt before the question for one of its answer", async () => {
    const chat = new ScriptedChat([{ text: "A" }]);
    expect(inWords(await runStages([ask(chat)], [interruptElement(), "a"]))).toEqual([
      "<interrupt>",
      "A",
      "assistant: A",
      "<end-of-turn>",
    ]);
  });

  it("is heard although nobody takes the answer", async () => {
    const { say, end, input } = microphone();
    let isStopped = false;
    const chat: ChatProvider = {
      name: "flood",
      async *stream(request, options) {
        try {
          yield* endless.stream(request, options);
        } finally {
          isStopped = true;
        }
      },
    };
    const gate = Promise.withResolvers<void>();
    const slow = sink("slow", () => gate.promise);
    const run = new PipelineBuilder().chain(ask(chat), slow).build().execute(input);
    say("count");
    say(END);
    await expect.poll(() => run.metrics()[0]!.elementsOut).toBeGreaterThan(16);
    say(interruptElement());
    await expect.poll(() => isStopped).toBe(true);
    end();
    gate.resolve();
    await run.ended;
  });
});

describe("provider(), over a socket,", () => {
  let server: TurnServer;

  beforeEach(async () => {
    server = await startTurnServer();
  });

  afterEach(() => server.close());

  const stageFor = (kind: "openai" | "anthropic") =>
    provider("model", {
      chat: { provider: kind, model: "m", apiKey: "k", baseURL: server.baseURL, retry: { attempts: 1 } },
      passInput: false,
      env: {},
    });

  it.each(["openai", "anthropic"] as const)("streams from %s's protocol", async (kind) => {
    server.play({ text: ["Hel", "lo"] });
    const elements = await runStages([stageFor(kind)], "Hi");
    expect(inWords(elements)).toEqual(["Hel", "lo", "assistant: Hello", "<end-of-turn>"]);
    expect(messagesOf(elements)[0]!.metadata).toMatchObject({ usage: { inputTokens: 3, outputTokens: 4 } });
  });

  it("closes the connection when the execution is cancelled, and when the answer is interrupted", async () => {
    server.play({ text: ["Hel"], hangs: true });
    const run = new PipelineBuilder().chain(stageFor("openai")).build().execute("Hi");
    for await (const element of run) if (element.kind === "text") break;
    await run.ended;
    await expect.poll(() => server.closedByClient).toBe(1);

    const { say, end, input } = microphone();
    const interrupted = new PipelineBuilder().chain(stageFor("openai")).build().execute(input);
    say("Hi");
    say(END);
    const words: string[] = [];
    for await (const element of interrupted) {
      words.push(...inWords([element]));
      if (element.kind === "text") say(interruptElement());
      if (element.kind === "interrupt") end();
    }
    expect(words).toEqual(["Hel", "assistant: Hel", "<end-of-turn>", "<interrupt>"]);
    await expect.poll(() => server.closedByClient).toBe(2);
  });

  it("ends the execution when the connection breaks in the middle of an answer", async () => {
    server.play({ text: ["Hel"], breaks: true });
    const failing = runStages([stageFor("openai")], "Hi");
    const { cause } = (await failing.catch((error: unknown) => error)) as StageError;
    expect(cause).toMatchObject({ name: "ProviderError", isTransient: true });
  });
});
