/** What every chat provider promises, whoever answers behind it. */
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aiSdk } from "../../src/providers/ai-sdk/ai-sdk.ts";
import type { AiSdkModel } from "../../src/providers/ai-sdk/ai-sdk-model.ts";
import type { ChatChunk, ChatProvider, ChatRequest } from "../../src/providers/chat-provider.ts";
import { createChatProvider } from "../../src/providers/create-chat-provider.ts";
import { ScriptedChat } from "../../src/providers/embedded/scripted-chat.ts";
import type { ModelSettings } from "../../src/providers/settings.ts";
import { GeppettoError } from "../../src/shared/errors.ts";
import { type ServedTurn, startTurnServer, type TurnServer } from "./turn-server.ts";

interface Subject {
  provider: ChatProvider;
  /** What makes it answer like this. */
  request: ChatRequest;
}

let server: TurnServer;
beforeAll(async () => {
  server = await startTurnServer();
});
afterAll(() => server.close());

function served(settings: ModelSettings): (turn: ServedTurn) => Subject {
  return (turn) => {
    server.play(turn);
    const baseURL = settings.provider === "anthropic" ? server.baseURL : `${server.baseURL}/v1`;
    const provider = createChatProvider({ ...settings, baseURL, retry: { attempts: 1 } }, { env: {} });
    return { provider, request: { model: "m", messages: [{ role: "user", content: "hi" }] } };
  };
}

function throughAiSdk(
  createModel: (settings: { baseURL: string; apiKey: string }) => AiSdkModel,
): (turn: ServedTurn) => Subject {
  return (turn) => {
    server.play(turn);
    const model = createModel({ baseURL: `${server.baseURL}/v1`, apiKey: "k" });
    const provider = aiSdk(model, { retry: { attempts: 1 } });
    return { provider, request: { model: "", messages: [{ role: "user", content: "hi" }] } };
  };
}

function scripted({ reasoning, text = [], toolCalls = [], hangs, breaks, status }: ServedTurn): Subject {
  const error = new GeppettoError("ProviderError", "scripted: broken", { isTransient: true });
  const turn = {
    ...(reasoning ? { reasoning } : {}),
    text,
    toolCalls,
    ...(hangs ? { delayMs: 5 } : {}),
    ...(breaks || status ? { error } : {}),
    usage: { inputTokens: 3, outputTokens: 4 },
  };
  const provider = new ScriptedChat(
    Array.from({ length: 5 }, () => (hangs ? { ...turn, text: [...text, "for ", "ever ", "and ", "ever"] } : turn)),
  );
  return { provider, request: { model: "m", messages: [{ role: "user", content: "hi" }] } };
}

function demo({ text = [], toolCalls = [], hangs, status }: ServedTurn): Subject {
  const calls = toolCalls.map(({ name, input }) => `call: ${name} ${JSON.stringify(input)}`).join("\n");
  const order = status ? `error: ${status}` : calls || `echo: ${text.join("")}${hangs ? "and so on for ever" : ""}`;
  const provider = createChatProvider({ provider: "embedded", deltaMs: hangs ? 5 : 0 }, { env: {} });
  return { provider, request: { model: "", messages: [{ role: "user", content: order }] } };
}

const SUBJECTS: [string, (turn: ServedTurn) => Subject][] = [
  ["openai chat", served({ provider: "openai" })],
  ["openai responses", served({ provider: "openai", api: "responses" })],
  ["anthropic", served({ provider: "anthropic" })],
  ["of @ai-sdk/openai", throughAiSdk((settings) => createOpenAI(settings).chat("m"))],
  ["of @ai-sdk/openai, responses", throughAiSdk((settings) => createOpenAI(settings).responses("m"))],
  ["of @ai-sdk/anthropic", throughAiSdk((settings) => createAnthropic(settings)("m"))],
  ["of @ai-sdk/google", throughAiSdk((settings) => createGoogleGenerativeAI(settings)("m"))],
  [
    "of @ai-sdk/openai-compatible",
    throughAiSdk((settings) => createOpenAICompatible({ ...settings, name: "own" })("m")),
  ],
  ["scripted", scripted],
  ["embedded demo", demo],
];

async function read(
  { provider, request }: Subject,
  signal: AbortSignal = new AbortController().signal,
): Promise<ChatChunk[]> {
  const chunks: ChatChunk[] = [];
  for await (const chunk of provider.stream(request, { signal })) chunks.push(chunk);
  return chunks;
}

function textOf(chunks: ChatChunk[]): string {
  return chunks.map((chunk) => (chunk.type === "text" ? chunk.delta : "")).join("");
}

describe.each(SUBJECTS)("the chat provider %s", (name, create) => {
  const text = ["Good ", "day, ", "😀 ", "you"];

  it("gives the text in deltas and one end, the last, with stop reason, engine and usage", async () => {
    const chunks = await read(create({ text }));
    expect(textOf(chunks)).toBe(text.join(""));
    expect(chunks.filter(({ type }) => type === "text").length).toBeGreaterThan(1);
    expect(chunks.filter(({ type }) => type === "end")).toHaveLength(1);
    expect(chunks.at(-1)).toMatchObject({
      type: "end",
      stopReason: "stop",
      engine: name === "embedded demo" ? "demo" : "m",
      usage: { inputTokens: expect.any(Number), outputTokens: 4 },
    });
  });

  it("gives calls whole, in their order, before the end", async () => {
    const toolCalls = [
      { id: "demo_call_1", name: "one", input: { x: [1, { y: "ü" }] } },
      { id: "demo_call_2", name: "two", input: {} },
    ];
    const chunks = await read(create({ toolCalls }));
    const calls = chunks.filter((chunk) => chunk.type === "tool-call");
    expect(calls).toEqual(toolCalls.map((toolCall) => ({ type: "tool-call", toolCall })));
    expect(chunks.at(-1)).toMatchObject({ type: "end", stopReason: "tool-calls" });
  });

  it.skipIf(["embedded demo", "of @ai-sdk/openai"].includes(name))("keeps thoughts out of the text", async () => {
    const chunks = await read(create({ reasoning: "hmm", text }));
    expect(chunks[0]).toEqual({ type: "reasoning", delta: "hmm" });
    expect(textOf(chunks)).toBe(text.join(""));
  });

  it("sends nothing before the first chunk is asked for", async () => {
    const before = server.requestCount;
    const { provider, request } = create({ text });
    const stream = provider.stream(request, { signal: new AbortController().signal });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(server.requestCount).toBe(before);
    await stream.return();
  });

  it("throws the reason of a signal that is aborted already, and asks nobody", async () => {
    const before = server.requestCount;
    const reason = { any: "thing" };
    await expect(read(create({ text }), AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(server.requestCount).toBe(before);
  });

  it("throws the reason of an abort on the way, gives no chunk more, and closes the connection", async () => {
    const closed = server.closedByClient;
    const controller = new AbortController();
    const reason = new Error("enough");
    const { provider, request } = create({ text, hangs: true });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { type } of provider.stream(request, { signal: controller.signal })) {
        seen.push(type);
        if (seen.length === 3) controller.abort(reason);
      }
    })();
    await expect(reading).rejects.toBe(reason);
    expect(seen).toHaveLength(3);
    if (!/demo|scripted/.test(name)) await expect.poll(() => server.closedByClient).toBe(closed + 1);
  });

  it("closes the connection when the loop is left", async () => {
    const closed = server.closedByClient;
    const { provider, request } = create({ text, hangs: true });
    for await (const chunk of provider.stream(request, { signal: new AbortController().signal })) if (chunk) break;
    if (!/demo|scripted/.test(name)) await expect.poll(() => server.closedByClient).toBe(closed + 1);
  });

  it("makes a ProviderError of a refusal, before any chunk and without an end", async () => {
    await expect(read(create({ status: 503 }))).rejects.toMatchObject({ name: "ProviderError", isTransient: true });
  });

  it.skipIf(name === "embedded demo")(
    "makes a ProviderError of a stream that breaks, after what came before",
    async () => {
      const chunks: ChatChunk[] = [];
      const { provider, request } = create({ text, breaks: true });
      const reading = (async () => {
        for await (const chunk of provider.stream(request, { signal: new AbortController().signal }))
          chunks.push(chunk);
      })();
      await expect(reading).rejects.toMatchObject({ name: "ProviderError", isTransient: true });
      expect(text.join("").startsWith(textOf(chunks))).toBe(true);
      expect(chunks.every(({ type }) => type === "text")).toBe(true);
    },
  );

  it("serves several streams at once, each its own", async () => {
    const subject = create({ text });
    const all = await Promise.all([read(subject), read(subject), read(subject)]);
    expect(all.map(textOf)).toEqual([text.join(""), text.join(""), text.join("")]);
  });
});

describe("ScriptedChat", () => {
  it("keeps the requests, makes turns from them, and says when there are none left", async () => {
    const model = new ScriptedChat([{ text: "a b" }, ({ messages }) => ({ text: String(messages.length) })]);
    const request: ChatRequest = { model: "", messages: [{ role: "user", content: "hi" }] };
    expect(textOf(await read({ provider: model, request }))).toBe("a b");
    expect(textOf(await read({ provider: model, request }))).toBe("1");
    await expect(read({ provider: model, request })).rejects.toMatchObject({ code: "ERR_SCRIPT_EXHAUSTED" });
    expect(model.requests).toHaveLength(3);
  });
});
