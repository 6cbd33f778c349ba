import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import type { LanguageModelV2, LanguageModelV3, LanguageModelV4 } from "@ai-sdk/provider";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aiSdk } from "../../src/index.ts";
import type { AiSdkModel } from "../../src/providers/ai-sdk/ai-sdk-model.ts";
import type { ChatRequest } from "../../src/providers/chat-provider.ts";
import { Budget } from "../../src/providers/cost/budget.ts";
import { runChat } from "../chat/run-chat.ts";
import { startScriptedServer, type ScriptedServer } from "../chat/scripted-server.ts";
import { collect } from "./collect.ts";
import { loadRecordings, type Recording, startReplay, type ReplayServer } from "./replay.ts";

/** Answers that come as one document although a stream was asked for, or end without a reason: the packages refuse them. */
const UNREADABLE = new Set(["oai-json-tool", "ant-json-tool", "ant-json-image", "openrouter-chat-no-finish-reason-b"]);
const recordings = loadRecordings().filter(({ api }) => api !== "embeddings");

describe.skipIf(recordings.length === 0)("recordings of real servers, through the AI SDK's packages", () => {
  let server: ReplayServer;
  beforeAll(async () => {
    server = await startReplay();
  });
  afterAll(() => server.close());

  function modelOf({ name, api }: Recording): AiSdkModel {
    const settings = { apiKey: "test-key-12345", baseURL: server.openaiBaseURL };
    if (api === "messages") return createAnthropic({ ...settings, baseURL: `${server.anthropicBaseURL}/v1` })(name);
    if (api === "responses") return createOpenAI(settings).responses(name);
    return createOpenAICompatible({ ...settings, name: "own" })(name);
  }

  it.each(recordings.map((recording) => [recording.name, recording] as const))(
    "%s gives what it holds",
    async (name, recording) => {
      const { text, calls, end, error, chunks } = await collect(
        aiSdk(modelOf(recording), { retry: { attempts: 1 } }),
        "",
      );
      if (recording.expectedOutcome === "error" || UNREADABLE.has(name)) {
        expect(error).toMatchObject({ name: "ProviderError", code: expect.stringMatching(/^ERR_/) });
        expect((error as Error).message).not.toMatch(/test-key|127\.0\.0\.1/);
        expect((error as { status?: number }).status).toBe(recording.expectedError?.status);
        expect(chunks.some(({ type }) => type === "end")).toBe(false);
        return;
      }
      expect(error).toBeUndefined();
      if (recording.expectedText !== undefined) expect(text).toBe(recording.expectedText);
      expect(calls.map(({ toolCall }) => toolCall)).toEqual(recording.expectedToolCalls ?? []);
      const { expectedUsage: used } = recording;
      if (!used) return expect(end?.usage).toBeUndefined();
      const written = (used["cache_creation_input_tokens"] ?? 0) + (used["cache_read_input_tokens"] ?? 0);
      expect(end?.usage).toMatchObject({
        inputTokens: (used["prompt_tokens"] ?? used["input_tokens"]!) + written,
        outputTokens: used["completion_tokens"] ?? used["output_tokens"],
      });
    },
  );
});

/** A model that streams these parts, and keeps what it was asked. */
function streaming(
  parts: readonly unknown[],
  version: "v2" | "v3" | "v4" = "v4",
): AiSdkModel & { asked: Record<string, unknown>[]; cancelled: number } {
  const model = {
    specificationVersion: version,
    provider: "fake.chat",
    modelId: "m",
    supportedUrls: {},
    asked: [] as Record<string, unknown>[],
    cancelled: 0,
    doStream: async (options: Record<string, unknown>) => {
      model.asked.push(options);
      let next = 0;
      const stream = new ReadableStream({
        pull(controller) {
          const part = parts[next++];
          if (part === undefined) controller.close();
          else if (part instanceof Error) controller.error(part);
          else controller.enqueue(typeof part === "function" ? (part as () => unknown)() : part);
        },
        cancel() {
          model.cancelled++;
        },
      });
      return { stream };
    },
  };
  return model;
}

const usage = { inputTokens: { total: 3 }, outputTokens: { total: 4 } };
const finish = { type: "finish", finishReason: { unified: "stop", raw: "stop" }, usage };
const once = { retry: { attempts: 1 } };
const ask = async (request: Partial<ChatRequest>, model: AiSdkModel): Promise<unknown> => {
  const chunks: unknown[] = [];
  const given = { model: "", messages: [{ role: "user" as const, content: "hi" }], ...request };
  for await (const chunk of aiSdk(model, once).stream(given, { signal: new AbortController().signal })) {
    chunks.push(chunk);
  }
  return chunks;
};

describe("aiSdk()", () => {
  it("takes the models of all three versions by their own types", () => {
    const take = (model: LanguageModelV2 | LanguageModelV3 | LanguageModelV4): string => aiSdk(model).model;
    expect(take(createGoogleGenerativeAI({ apiKey: "k" })("gemini"))).toBe("gemini");
  });

  it("refuses what is not such a model", () => {
    for (const [given, text] of [
      [undefined, "it has no doStream"],
      ["gpt-5", "it has no doStream"],
      [{ specificationVersion: "v1", doStream() {} }, "its version is v1"],
    ] as const) {
      expect(() => aiSdk(given as unknown as AiSdkModel)).toThrow(`version v2, v3 or v4: ${text}`);
    }
  });

  it("hands on the request in the API's words", async () => {
    const model = streaming([{ type: "text-delta", id: "1", delta: "yes" }, finish]);
    const signed = {
      provider: "fake.chat",
      items: [{ type: "reasoning", text: "hm", providerOptions: { own: { s: 1 } } }],
    };
    await ask(
      {
        system: "Be kind",
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: "look" },
              { type: "image", url: "data:image/png;base64,AAAA", detail: "low" },
            ],
          },
          { role: "assistant", content: "", toolCalls: [{ id: "1", name: "f", input: { a: 1 } }], thoughts: signed },
          { role: "tool", toolCallId: "1", content: "no", isError: true },
          { role: "tool", toolCallId: "2", content: "?" },
          { role: "user", content: "so?", name: "Anna" },
        ],
        temperature: 0,
        maxTokens: 5,
        stop: ["x"],
        toolChoice: { name: "f" },
        tools: [{ name: "f", input: { type: "object" }, strict: true }],
        reasoning: { effort: "low" },
        responseFormat: { title: "T", type: "object" },
      },
      model,
    );
    const { abortSignal, ...asked } = model.asked[0]!;
    expect(abortSignal).toBeInstanceOf(AbortSignal);
    expect(asked).toEqual({
      prompt: [
        { role: "system", content: "Be kind" },
        {
          role: "user",
          content: [
            { type: "text", text: "look" },
            {
              type: "file",
              mediaType: "image/png",
              data: { type: "data", data: "AAAA" },
              providerOptions: { openai: { imageDetail: "low" } },
            },
          ],
        },
        {
          role: "assistant",
          content: [signed.items[0], { type: "tool-call", toolCallId: "1", toolName: "f", input: { a: 1 } }],
        },
        {
          role: "tool",
          content: [
            { type: "tool-result", toolCallId: "1", toolName: "f", output: { type: "error-text", value: "no" } },
            { type: "tool-result", toolCallId: "2", toolName: "unknown", output: { type: "text", value: "?" } },
          ],
        },
        { role: "user", content: [{ type: "text", text: "Anna: so?" }] },
      ],
      temperature: 0,
      maxOutputTokens: 5,
      stopSequences: ["x"],
      tools: [{ type: "function", name: "f", inputSchema: { type: "object" }, strict: true }],
      toolChoice: { type: "tool", toolName: "f" },
      reasoning: "low",
      responseFormat: { type: "json", schema: { title: "T", type: "object" }, name: "T" },
    });
  });

  it("puts calls together that come in fragments, whole, or both; the server's own are not ours", async () => {
    const chunks = await ask(
      {},
      streaming(
        [
          { type: "tool-input-start", id: "a", toolName: "one" },
          { type: "tool-input-delta", id: "a", delta: '{"x":' },
          { type: "tool-input-delta", id: "a", delta: "1}" },
          { type: "tool-input-end", id: "a" },
          {
            type: "tool-call",
            toolCallId: "b",
            toolName: "two",
            input: '{"y":2}',
            providerMetadata: { own: { s: "sig" } },
          },
          { type: "tool-input-start", id: "s", toolName: "search", providerExecuted: true },
          { type: "tool-input-delta", id: "s", delta: "{}" },
          { type: "tool-call", toolCallId: "s", toolName: "search", input: "{}", providerExecuted: true },
          { type: "tool-input-start", id: "c", toolName: "three" },
          { type: "tool-input-delta", id: "c", delta: '{"cut' },
          { ...finish, finishReason: { unified: "length", raw: "max" } },
        ],
        "v3",
      ),
    );
    expect(chunks).toEqual([
      { type: "tool-call", toolCall: { id: "a", name: "one", input: { x: 1 } } },
      { type: "tool-call", toolCall: { id: "b", name: "two", input: { y: 2 } } },
      expect.objectContaining({ toolCall: expect.objectContaining({ id: "c", code: "ERR_TOOL_INPUT" }) }),
      {
        type: "end",
        stopReason: "length",
        providerStopReason: "max",
        engine: "m",
        usage: { inputTokens: 3, outputTokens: 4, totalTokens: 7 },
        thoughts: {
          provider: "fake.chat",
          items: [{ type: "tool-call", toolCallId: "b", providerOptions: { own: { s: "sig" } } }],
        },
      },
    ]);
  });

  it("reads usage and reasons of version 2", async () => {
    const model = streaming(
      [
        { type: "response-metadata", id: "r", modelId: "m-2026" },
        { type: "text-delta", id: "1", delta: "yes" },
        {
          type: "finish",
          finishReason: "stop",
          usage: { inputTokens: 9, outputTokens: 2, totalTokens: 11, cachedInputTokens: 5, reasoningTokens: 1 },
        },
      ],
      "v2",
    );
    expect(await ask({}, model)).toEqual([
      { type: "text", delta: "yes" },
      {
        type: "end",
        stopReason: "stop",
        providerStopReason: "stop",
        engine: "m-2026",
        responseId: "r",
        usage: { inputTokens: 9, outputTokens: 2, totalTokens: 11, cachedTokens: 5, reasoningTokens: 1 },
      },
    ]);
  });

  const capability = { name: "ProviderError", code: "ERR_MODEL_CAPABILITY", isTransient: false };
  it.each<[string, Partial<ChatRequest>, AiSdkModel, string]>([
    [
      "a setting",
      { seed: 1 },
      streaming([{ type: "stream-start", warnings: [{ type: "unsupported", feature: "seed" }] }, finish]),
      "m does not support seed",
    ],
    [
      "a setting of version 2",
      { topP: 1 },
      streaming(
        [
          {
            type: "stream-start",
            warnings: [{ type: "unsupported-setting", setting: "topP", details: "with thinking" }],
          },
          finish,
        ],
        "v2",
      ),
      "m does not support topP: with thinking",
    ],
    [
      "a tool",
      {},
      streaming(
        [{ type: "stream-start", warnings: [{ type: "unsupported-tool", tool: { name: "f" } }] }, finish],
        "v2",
      ),
      'm does not support the tool "f"',
    ],
    [
      "an effort",
      { reasoning: { effort: "low" } },
      streaming([], "v3"),
      "m does not support reasoning.effort: models of the AI SDK's v3",
    ],
    [
      "a number of tokens to think",
      { reasoning: { budgetTokens: 9 } },
      streaming([]),
      "m does not support reasoning.budgetTokens",
    ],
    [
      "strict tools",
      { tools: [{ name: "f", input: {}, strict: true }] },
      streaming([], "v2"),
      'm does not support strict of the tool "f"',
    ],
    [
      "images by URL",
      { messages: [{ role: "user", content: [{ type: "image", url: "https://a.test/x.png" }] }] },
      streaming([]),
      "m does not support images by URL: give the image itself",
    ],
    [
      "a file as the answer",
      {},
      streaming([{ type: "file", mediaType: "image/png", data: "AA" }, finish]),
      "m does not support files in answers (image/png)",
    ],
  ])("says that a model does not support %s", async (_, request, model, text) => {
    await expect(ask(request, model)).rejects.toMatchObject({
      ...capability,
      message: expect.stringContaining(`fake.chat: ${text}`),
    });
  });

  it("passes images by URL to a model that takes them", async () => {
    const model = { ...streaming([finish]), supportedUrls: Promise.resolve({ "image/*": [/^https:\/\/a\.test\//] }) };
    await ask({ messages: [{ role: "user", content: [{ type: "image", url: "https://a.test/x.png" }] }] }, model);
    expect(model.asked[0]!["prompt"]).toEqual([
      {
        role: "user",
        content: [{ type: "file", mediaType: "image/*", data: { type: "url", url: new URL("https://a.test/x.png") } }],
      },
    ]);
  });

  it("asks its one model and no other", async () => {
    await expect(ask({ model: "other" }, streaming([finish]))).rejects.toMatchObject({
      name: "ConfigError",
      message: 'Cannot ask fake.chat for the model "other": it asks "m" and no other',
    });
  });

  it.each<[string, unknown[], object]>([
    ["that ends without a finish", [{ type: "text-delta", id: "1", delta: "x" }], { code: "ERR_PROVIDER_STREAM" }],
    [
      "that ends without saying why",
      [{ ...finish, finishReason: { unified: "other" } }],
      { code: "ERR_PROVIDER_STREAM" },
    ],
    [
      "that says it has failed",
      [{ ...finish, finishReason: { unified: "error", raw: "boom" } }],
      { code: "ERR_PROVIDER_STREAM" },
    ],
    [
      "that reports an error",
      [{ type: "error", error: { message: "overloaded", type: "overloaded_error" } }, finish],
      { code: "ERR_OVERLOADED", isTransient: true },
    ],
    [
      "that breaks",
      [{ type: "text-delta", id: "1", delta: "x" }, new TypeError("terminated")],
      { code: "ERR_PROVIDER_STREAM" },
    ],
    [
      "that has no name for a call",
      [{ type: "tool-input-delta", id: "a", delta: "{}" }, finish],
      { code: "ERR_PROVIDER_STREAM" },
    ],
    [
      "without end",
      Array.from({ length: 100 }, () => ({ type: "text-delta", id: "1", delta: "x".repeat(65_000) })),
      { code: "ERR_ANSWER_TOO_LARGE" },
    ],
    [
      "of too many calls",
      Array.from({ length: 300 }, (_, i) => ({ type: "tool-call", toolCallId: `${i}`, toolName: "f", input: "{}" })),
      { code: "ERR_ANSWER_TOO_LARGE" },
    ],
    [
      "of arguments without end",
      Array.from({ length: 40 }, () => ({ type: "tool-input-delta", id: "a", delta: "1".repeat(65_000) })),
      { code: "ERR_ANSWER_TOO_LARGE" },
    ],
    [
      "of nonsense",
      [
        5,
        null,
        "x",
        { type: "__proto__" },
        { type: "text-delta", delta: 5 },
        { type: "finish", usage: "much", finishReason: 7 },
      ],
      { code: "ERR_PROVIDER_STREAM" },
    ],
  ])("makes a ProviderError of a stream %s, without an end", async (_, parts, expected) => {
    await expect(ask({}, streaming(parts))).rejects.toMatchObject({ name: "ProviderError", ...expected });
  });

  it("waits no longer than it is told, for the first part and for the next", async () => {
    const never = { ...streaming([]), doStream: () => new Promise<never>(() => {}) };
    const stalls = streaming([{ type: "text-delta", id: "1", delta: "x" }, () => new Promise(() => {})]);
    const hanging = {
      ...stalls,
      doStream: async () => ({
        stream: new ReadableStream({ start: (c) => c.enqueue({ type: "text-delta", id: "1", delta: "x" }) }),
      }),
    };
    const options = { ...once, headerTimeoutMs: 20, idleTimeoutMs: 20 };
    for (const [model, text] of [
      [never, "no answer began"],
      [hanging, "the stream stalled"],
    ] as const) {
      const { error } = await collect(aiSdk(model, options), "");
      expect(error).toMatchObject({
        code: "ERR_PROVIDER_TIMEOUT",
        message: `fake.chat: timed out: ${text}`,
        isTransient: true,
      });
    }
  });

  it("shows no key and no address of an error, and asks again after a transient one", async () => {
    let asked = 0;
    const failing = {
      ...streaming([]),
      doStream: async () => {
        asked++;
        throw Object.assign(new Error("bad gateway for hidden-key-1 at http://10.0.0.1/v1"), {
          name: "AI_APICallError",
          statusCode: 502,
          url: "http://10.0.0.1/v1",
          responseBody: '{"error":{"message":"no luck for hidden-key-1 at http://10.0.0.1/v1"}}',
        });
      },
    };
    const { error } = await collect(
      aiSdk(failing, { secrets: ["hidden-key-1"], retry: { attempts: 3, baseMs: 1 } }),
      "",
    );
    expect(error).toMatchObject({ status: 502, isTransient: true });
    expect((error as Error).message).toBe(
      "fake.chat: server error (502): no luck for [redacted] at [redacted] (after 3 attempts)",
    );
    expect(asked).toBe(3);
  });
});

describe("chat: { provider: aiSdk(model) }", () => {
  let server: ScriptedServer;
  beforeAll(async () => {
    server = await startScriptedServer();
  });
  afterAll(() => server.close());

  it("answers scripts through a real package: tools in rounds, the host's settings, structured answers, price, budget", async () => {
    server.play(
      { calls: [{ id: "1", name: "add", arguments: '{"a":1,"b":2}' }] },
      { text: '{"sum":3}', usage: { prompt_tokens: 5, completion_tokens: 2 } },
    );
    const { baseURL } = server.settings as { baseURL: string };
    const model = createOpenAI({ baseURL, apiKey: "k" }).chat("scripted");
    const { value, error } = await runChat(
      `const add = { name: "add", input: { type: "object" }, run: ({ a, b }) => a + b };
      const responseFormat = { type: "object", properties: { sum: { type: "number" } }, required: ["sum"] };
      const [message] = await new ChatStepFactory().newStep({ tools: [add], responseFormat }).startAsync("1 + 2?");
      const { engine, cost } = message.metadata;
      export default { parsed: message.parsed, engine, cost: cost > 0, over: await chat("more").catch((e) => e.code) };`,
      {
        chat: { provider: aiSdk(model, once), temperature: 0.5, prices: { scripted: { input: 1, output: 1 } } },
        budget: new Budget({ maxCalls: 2 }),
      },
    );
    expect(error).toBeUndefined();
    expect(value).toEqual({ parsed: { sum: 3 }, engine: "scripted", cost: true, over: "ERR_LIMIT_CALLS" });
    expect(server.bodies.map(({ temperature }) => temperature)).toEqual([0.5, 0.5]);
    expect(server.bodies[1]!.messages.at(-1)).toMatchObject({ role: "tool", tool_call_id: "1", content: "3" });
  });

  it("leaves other providers to those who name them, and other models to nobody", async () => {
    const { value } = await runChat(
      `const own = await chat("hi");
      const demo = await chat("echo: hi", { provider: "embedded" });
      const other = await chat("hi", { model: "gpt-9" }).catch((e) => e.message);
      export default [own, demo, other];`,
      { chat: { provider: aiSdk(streaming([{ type: "text-delta", id: "1", delta: "own" }, finish]), once) } },
    );
    expect(value).toEqual(["own", "hi", 'Cannot ask fake.chat for the model "gpt-9": it asks "m" and no other']);
  });
});
