import { describe, expect, it } from "vitest";
import type { ChatChunk, ChatRequest } from "../../src/providers/chat-provider.ts";
import { createChatProvider } from "../../src/providers/create-chat-provider.ts";
import { fillSchema } from "../../src/providers/embedded/fill-schema.ts";
import { timed } from "../machine/machine-watch.ts";

const { signal } = new AbortController();

async function ask(content: string, request: Partial<ChatRequest> = {}): Promise<ChatChunk[]> {
  const provider = createChatProvider({ provider: "embedded", deltaMs: 0 }, { env: {} });
  const messages = [...(request.messages ?? []), { role: "user" as const, content }];
  return gather(provider.stream({ model: "", ...request, messages }, { signal }));
}

async function gather(stream: AsyncIterable<ChatChunk>): Promise<ChatChunk[]> {
  const chunks: ChatChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

function textOf(chunks: ChatChunk[]): string {
  return chunks.map((chunk) => (chunk.type === "text" ? chunk.delta : "")).join("");
}

describe("the demo model", () => {
  it("echoes exactly, one word per delta, and counts words", async () => {
    const chunks = await ask("echo: one  two three ");
    expect(chunks.filter((chunk) => chunk.type === "text").map(({ delta }) => delta)).toEqual([
      "one  ",
      "two ",
      "three ",
    ]);
    expect(chunks.at(-1)).toEqual({
      type: "end",
      stopReason: "stop",
      providerStopReason: "stop",
      usage: { inputTokens: 4, outputTokens: 3, totalTokens: 7 },
      engine: "demo",
    });
  });

  it("echoes a space and nothing at all", async () => {
    expect(textOf(await ask("echo:   "))).toBe("  ");
    expect(await ask("echo:")).toHaveLength(1);
  });

  it("says the same twice, and says that it is a demo", async () => {
    const first = await ask("hello there");
    expect(textOf(first)).toBe(textOf(await ask("hello there")));
    expect(textOf(first)).toMatch(/^\[demo\] .*not an LLM.*hello there/);
  });

  it("answers from the sentences of the conversation", async () => {
    const messages = [{ role: "system" as const, content: "Rome lies on the Tiber. Paris lies on the Seine." }];
    expect(textOf(await ask("What river does Paris lie on?", { messages }))).toMatch(/^\[demo\] .*Seine\.$/);
  });

  it("calls tools and answers from their results", async () => {
    const chunks = await ask('call: clock {"zone":"UTC"}\ncall: dice');
    const calls = chunks.filter((chunk) => chunk.type === "tool-call").map(({ toolCall }) => toolCall);
    expect(calls).toEqual([
      { id: "demo_call_1", name: "clock", input: { zone: "UTC" } },
      { id: "demo_call_2", name: "dice", input: {} },
    ]);
    const provider = createChatProvider({ provider: "embedded", deltaMs: 0 }, { env: {} });
    const messages: ChatRequest["messages"] = [
      { role: "user", content: "call: clock {}" },
      { role: "assistant", content: "", toolCalls: calls },
      { role: "tool", content: "noon", toolCallId: "demo_call_1" },
      { role: "tool", content: "six", toolCallId: "demo_call_2" },
    ];
    const answer = await gather(provider.stream({ model: "", messages }, { signal }));
    expect(textOf(answer)).toBe("[demo] clock answered: noon\ndice answered: six");
  });

  it.each([
    ["error: 429", { code: "ERR_RATE_LIMIT", status: 429, isTransient: true }, "rate limit"],
    ["error: 401", { code: "ERR_INVALID_KEY", status: 401, isTransient: false }, "invalid api key"],
    ["error: 400 context_length_exceeded", { code: "ERR_CONTEXT_LENGTH", isTransient: false }, "context length"],
    ["error: 500", { code: "ERR_PROVIDER", status: 500, isTransient: true }, "server error"],
  ])("obeys %s, once and without retries", async (order, fields, phrase) => {
    const { result: error, ms, allow } = await timed(() => ask(order).catch((thrown: unknown) => thrown));
    expect(error).toMatchObject({ name: "ProviderError", ...fields });
    expect((error as Error).message).toContain(phrase);
    expect(ms).toBeLessThan(allow(300));
  });

  it("pauses before every delta when told to be slow, and hears an abort meanwhile", async () => {
    const started = performance.now();
    expect(textOf(await ask("slow: 30ms\necho: a b c"))).toBe("a b c");
    expect(textOf(await ask("slow: 1ms echo: a b c"))).toBe("a b c");
    expect(performance.now() - started).toBeGreaterThan(80);
    const controller = new AbortController();
    const reason = new Error("stop");
    const provider = createChatProvider({ provider: "embedded" }, { env: {} });
    const messages = [{ role: "user" as const, content: "slow: 60s\necho: never" }];
    const next = provider.stream({ model: "", messages }, { signal: controller.signal }).next();
    setTimeout(() => controller.abort(reason), 20);
    await expect(next).rejects.toBe(reason);
  });

  it("fills a JSON schema", async () => {
    const responseFormat = {
      type: "object",
      properties: {
        name: { type: "string", maxLength: 8 },
        count: { type: "integer", minimum: 1, maximum: 10 },
        color: { enum: ["red", "blue"] },
        tags: { type: "array", items: { $ref: "#/$defs/tag" }, minItems: 2 },
      },
      $defs: { tag: { type: "string", format: "date" } },
    };
    expect(JSON.parse(textOf(await ask("I have 40 apples.", { responseFormat })))).toEqual({
      name: "I have 4",
      count: 10,
      color: "red",
      tags: ["2026-01-01", "2026-01-01"],
    });
  });

  it("stops at maxTokens words", async () => {
    const chunks = await ask("echo: a b c d", { maxTokens: 2 });
    expect(textOf(chunks)).toBe("a b ");
    expect(chunks.at(-1)).toMatchObject({ stopReason: "length" });
  });
});

describe("fillSchema()", () => {
  it("stays finite for a schema that contains itself", () => {
    const schema = {
      type: "object",
      properties: { child: { $ref: "#" }, label: { type: "string" } },
      required: ["label"],
    };
    expect(JSON.stringify(fillSchema(schema, "x")).length).toBeLessThan(500);
  });

  it("merges allOf and takes the first of anyOf", () => {
    const schema = {
      allOf: [
        { type: "object", properties: { a: { const: 1 } } },
        { properties: { b: { anyOf: [{ type: "boolean" }, {}] } } },
      ],
    };
    expect(fillSchema(schema, "")).toEqual({ a: 1, b: true });
  });
});
