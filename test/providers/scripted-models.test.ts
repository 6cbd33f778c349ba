import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ChatChunk, ChatRequest } from "../../src/providers/chat-provider.ts";
import { createChatProvider } from "../../src/providers/create-chat-provider.ts";
import { createEmbeddingProvider } from "../../src/providers/create-embedding-provider.ts";
import { GeppettoError } from "../../src/shared/errors.ts";

const tool = { name: "get_weather", description: "The weather", input: { type: "object", properties: {} } };

async function read(
  provider: ReturnType<typeof createChatProvider>,
  request: Partial<ChatRequest>,
): Promise<ChatChunk[]> {
  const chunks: ChatChunk[] = [];
  const { signal } = new AbortController();
  for await (const chunk of provider.stream({ model: "m", messages: [], ...request }, { signal })) chunks.push(chunk);
  return chunks;
}

function textOf(chunks: ChatChunk[]): string {
  return chunks.map((chunk) => (chunk.type === "text" ? chunk.delta : "")).join("");
}

describe.each(["openai", "anthropic"])("%s against a scripted server", (provider) => {
  const mock = new LLMock({ port: 0 });
  const user = (content: string) => ({ role: "user" as const, content });
  beforeAll(async () => {
    await mock.start();
  });
  afterAll(() => mock.stop());
  afterEach(() => {
    mock.clearFixtures();
  });
  // "/v1" at the end is right for the one SDK and is to be taken off for the other.
  const create = () =>
    createChatProvider(
      { provider, baseURL: `${mock.url}/v1`, apiKey: "key-for-tests", retry: { baseMs: 1 } },
      { env: {} },
    );

  it("streams a scripted answer in several deltas", async () => {
    mock.onMessage("hello", { content: "A good day to you, and to everybody else here." });
    const chunks = await read(create(), { messages: [user("hello")] });
    expect(textOf(chunks)).toBe("A good day to you, and to everybody else here.");
    expect(chunks.filter(({ type }) => type === "text").length).toBeGreaterThan(1);
    expect(chunks.at(-1)).toMatchObject({ type: "end", stopReason: "stop" });
  });

  it("answers after a 429 with a retry-after", async () => {
    let count = 0;
    mock.onMessage("again", () =>
      ++count === 1
        ? { error: { message: "slow down", type: "rate_limit_error" }, status: 429, retryAfter: 0 }
        : { content: "now" },
    );
    expect(textOf(await read(create(), { messages: [user("again")] }))).toBe("now");
    expect(count).toBe(2);
  });

  it("carries tools there and tool calls and their results back", async () => {
    mock.on(
      { userMessage: "weather", hasToolResult: false },
      {
        toolCalls: [{ name: "get_weather", arguments: '{"city":"Rome"}', id: "call_1" }],
      },
    );
    mock.on({ userMessage: "weather", hasToolResult: true }, { content: "Sunny." });
    const chunks = await read(create(), { messages: [user("weather?")], tools: [tool] });
    const [call] = chunks.filter((chunk) => chunk.type === "tool-call");
    expect(call?.toolCall).toMatchObject({ name: "get_weather", input: { city: "Rome" } });
    expect(chunks.at(-1)).toMatchObject({ stopReason: "tool-calls" });
    const answer = await read(create(), {
      tools: [tool],
      messages: [
        user("weather?"),
        { role: "assistant", content: "", toolCalls: [call!.toolCall] },
        { role: "tool", content: "sun", toolCallId: call!.toolCall.id },
      ],
    });
    expect(textOf(answer)).toBe("Sunny.");
  });
});

describe("a hand-made server", () => {
  let server: Server;
  let answer: (body: Record<string, unknown>, response: ServerResponse) => void;
  const bodies: Record<string, unknown>[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
        bodies.push(body);
        answer(body, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const baseURL = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const openai = (more = {}) =>
    createChatProvider({ provider: "openai", baseURL: baseURL(), retry: { attempts: 1 }, ...more }, { env: {} });
  const anthropic = () =>
    createChatProvider({ provider: "anthropic", baseURL: baseURL(), retry: { attempts: 1 } }, { env: {} });
  const events = (response: ServerResponse, list: string[]): void => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const event of list) response.write(event);
    response.end();
  };
  const delta = (fields: object, finish: string | null = null): string =>
    `data: ${JSON.stringify({ id: "x", choices: [{ index: 0, delta: fields, finish_reason: finish }] })}\n\n`;
  const ask = { messages: [{ role: "user" as const, content: "hi" }] };

  it("that reports a failure in an error field makes an error, not a short answer", async () => {
    answer = (_, response) =>
      events(response, [
        delta({ content: "half" }),
        'error: {"code":500,"message":"slot failed"}\n\n',
        "data: [DONE]\n\n",
      ]);
    await expect(read(openai(), ask)).rejects.toMatchObject({ code: "ERR_PROVIDER", status: 500, isTransient: true });
  });

  it("with odd tool fragments gives whole calls", async () => {
    const call = (fields: object) => delta({ tool_calls: [fields] });
    answer = (_, response) =>
      events(response, [
        call({ index: 1, id: "a", function: { name: "one", arguments: null } }),
        call({ index: 1, id: "a", function: { name: "", arguments: '{"x"' } }),
        call({ index: 1, function: { name: "", arguments: ":1}" } }),
        call({ index: 0, id: "b", function: { name: "two", arguments: "" } }),
        call({ index: 0, id: "c", function: { name: "three", arguments: "{}" } }),
        call({ index: 4, id: "d", function: { name: "four", arguments: '{"cut":' } }),
        delta({}, "stop"),
      ]);
    const chunks = await read(openai(), ask);
    expect(chunks).toMatchObject([
      { toolCall: { id: "a", name: "one", input: { x: 1 } } },
      { toolCall: { id: "b", name: "two", input: {} } },
      { toolCall: { id: "c", name: "three", input: {} } },
      { toolCall: { id: "d", name: "four", inputText: '{"cut":' }, inputError: expect.stringContaining("not JSON") },
      { type: "end", stopReason: "tool-calls", providerStopReason: "stop", engine: "m" },
    ]);
  });

  it("that cuts a surrogate pair in two gets whole characters out", async () => {
    answer = (_, response) =>
      events(response, [
        'data: {"choices":[{"delta":{"content":"a\\ud83d"}}]}\n\n',
        'data: {"choices":[{"delta":{"content":"\\ude00b"},"finish_reason":"stop"}]}\n\n',
      ]);
    const chunks = await read(openai(), ask);
    expect(chunks.filter((chunk) => chunk.type === "text").map(({ delta }) => delta)).toEqual(["a", "😀b"]);
  });

  it("with a refusal ends in the stop reason refusal", async () => {
    answer = (_, response) =>
      events(response, [delta({ refusal: "I " }), delta({ refusal: "won't" }), delta({}, "stop")]);
    const chunks = await read(openai(), ask);
    expect(chunks.at(-1)).toMatchObject({ stopReason: "refusal", providerStopReason: "stop" });
    expect(chunks.filter(({ type }) => type === "refusal")).toHaveLength(2);
  });

  it("that keeps the connection open after the last event does not hold up the end", async () => {
    answer = (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(
        'event: message_start\ndata: {"type":"message_start","message":{"model":"m2","usage":{"input_tokens":1}}}\n\n',
      );
      response.write('event: message_stop\ndata: {"type":"message_stop"}\n\n');
    };
    expect(await read(anthropic(), ask)).toMatchObject([{ type: "end", engine: "m2" }]);
  });

  it("gets max_tokens and no stream options where the settings say so, and nothing that was not set", async () => {
    answer = (_, response) => events(response, [delta({ content: "x" }, "stop")]);
    await read(openai({ streamUsage: false, maxTokens: 7, temperature: 0 }), { ...ask, seed: 1 });
    expect(bodies.at(-1)).toEqual({
      model: "m",
      messages: [{ role: "user", content: "hi" }],
      stream: true,
      max_tokens: 7,
      temperature: 0,
      seed: 1,
    });
    await read(openai(), ask);
    expect(Object.keys(bodies.at(-1)!).sort()).toEqual(["messages", "model", "stream", "stream_options"]);
  });

  it("gets images, tools, results and schemas in each vendor's form", async () => {
    const request: Partial<ChatRequest> = {
      system: "Be kind",
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "see" },
            { type: "image", url: "data:image/png;base64,AAAA", detail: "low" },
          ],
        },
        {
          role: "assistant",
          content: "",
          toolCalls: [
            { id: "1", name: "a", input: { k: 1 } },
            { id: "2", name: "a", input: {} },
          ],
        },
        { role: "tool", content: "r1", toolCallId: "1" },
        { role: "tool", content: "r2", toolCallId: "2" },
        { role: "user", content: "and?" },
      ],
      tools: [{ name: "a", input: { type: "object", properties: {} } }],
      toolChoice: "required",
      responseFormat: { type: "object", properties: {}, required: [], additionalProperties: false },
    };
    answer = (_, response) => events(response, [delta({ content: "x" }, "stop")]);
    await read(openai(), request);
    expect(bodies.at(-1)).toMatchObject({
      messages: [
        { role: "system", content: "Be kind" },
        {
          content: [
            { type: "text" },
            { type: "image_url", image_url: { url: "data:image/png;base64,AAAA", detail: "low" } },
          ],
        },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "1", function: { arguments: '{"k":1}' } }, { id: "2" }],
        },
        { role: "tool", tool_call_id: "1", content: "r1" },
        { role: "tool", tool_call_id: "2", content: "r2" },
        { role: "user", content: "and?" },
      ],
      tool_choice: "required",
      response_format: { type: "json_schema", json_schema: { name: "answer", strict: true } },
    });
    answer = (_, response) => events(response, ['event: message_stop\ndata: {"type":"message_stop"}\n\n']);
    await read(anthropic(), request);
    expect(bodies.at(-1)).toMatchObject({
      system: "Be kind",
      max_tokens: 4096,
      messages: [
        {
          role: "user",
          content: [
            { type: "text" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "tool_use", id: "1", input: { k: 1 } },
            { type: "tool_use", id: "2" },
          ],
        },
        {
          role: "user",
          content: [{ type: "tool_result", tool_use_id: "1" }, { type: "tool_result" }, { type: "text", text: "and?" }],
        },
      ],
      tool_choice: { type: "any" },
      output_config: { format: { type: "json_schema" } },
    });
  });

  it("is told by Anthropic's system text of a schema that the API could not enforce, and of tools that failed", async () => {
    answer = (_, response) => events(response, ['event: message_stop\ndata: {"type":"message_stop"}\n\n']);
    const thought = { type: "thinking", thinking: "hm", signature: "s" };
    await read(anthropic(), {
      system: "Be kind",
      messages: [
        { role: "user", content: "hi" },
        {
          role: "assistant",
          content: "",
          toolCalls: [{ id: "1", name: "a", input: {} }],
          thoughts: { provider: "anthropic", items: [thought] },
        },
        { role: "tool", content: "Error: no", toolCallId: "1", isError: true },
      ],
      responseFormat: { type: "object", properties: { x: { type: "string" } } },
    });
    const body = bodies.at(-1)!;
    expect(body["output_config"]).toBeUndefined();
    expect(body["system"]).toMatch(/^Be kind\n\nAnswer with one JSON document .*"properties":\{"x"/s);
    expect(body["messages"]).toMatchObject([
      { role: "user" },
      { role: "assistant", content: [thought, { type: "tool_use" }] },
      { role: "user", content: [{ type: "tool_result", is_error: true }] },
    ]);
  });

  it("that is gone is unreachable, with no address in the message", async () => {
    const gone = createServer().listen(0, "127.0.0.1");
    await once(gone, "listening");
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => gone.close(resolve));
    const provider = createChatProvider(
      { provider: "openai", baseURL: `http://127.0.0.1:${port}/v1`, retry: { attempts: 2, baseMs: 1 } },
      { env: {} },
    );
    const error = await read(provider, ask).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "ERR_PROVIDER_UNREACHABLE", isTransient: true });
    expect((error as Error).message).toBe("openai: provider unreachable: ECONNREFUSED (after 2 attempts)");
  });

  it("that asks to wait for longer than a minute is not asked again", async () => {
    let count = 0;
    answer = (_, response) => {
      count++;
      response.writeHead(429, { "content-type": "application/json", "retry-after": "120" });
      response.end('{"error":{"message":"wait"}}');
    };
    await expect(read(openai({ retry: { attempts: 3 } }), ask)).rejects.toThrow(
      "openai: rate limit reached (429): wait (the provider asks to wait 120 s)",
    );
    expect(count).toBe(1);
  });

  it("is not asked again once the script has aborted during the pause", async () => {
    answer = (_, response) => {
      response.writeHead(503, { "content-type": "application/json", "retry-after": "30" });
      response.end('{"error":{"message":"busy"}}');
    };
    const controller = new AbortController();
    const reason = new Error("no more");
    setTimeout(() => controller.abort(reason), 50);
    const stream = openai({ retry: { attempts: 3 } }).stream({ model: "m", ...ask }, { signal: controller.signal });
    await expect(stream.next()).rejects.toBe(reason);
  });

  it("gets embeddings in batches of 256 and may answer out of order", async () => {
    const sizes: number[] = [];
    answer = ({ input }, response) => {
      const count = Array.isArray(input) ? input.length : 1;
      sizes.push(count);
      const data = Array.from({ length: count }, (_, index) => ({
        index,
        embedding: [index, sizes.length],
      })).toReversed();
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ data }));
    };
    const provider = createEmbeddingProvider({ provider: "openai", baseURL: baseURL(), model: "tiny" }, { env: {} });
    expect(provider.model()).toEqual({ name: "tiny", dimensions: 0 });
    const vectors = await provider.embed(
      Array.from({ length: 257 }, (_, n) => `t${n}`),
      { signal: new AbortController().signal },
    );
    expect(sizes).toEqual([256, 1]);
    expect([...vectors[3]!, ...vectors[256]!]).toEqual([3, 1, 0, 2]);
    expect(provider.model()).toEqual({ name: "tiny", dimensions: 2 });
    await provider.close();
    await expect(provider.embed(["x"], { signal: new AbortController().signal })).rejects.toMatchObject({
      name: "AbortError",
    });
  });
});

describe("a missing key", () => {
  it.each([
    ["openai", "OPENAI_API_KEY"],
    ["claude", "ANTHROPIC_API_KEY"],
  ])("of %s is an error of the run that names the variable", async (provider, variable) => {
    const created = createChatProvider({ provider }, { env: {} });
    const error = await read(created, {}).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(GeppettoError);
    expect(error).toMatchObject({ name: "ConfigError", code: "ERR_MISSING_KEY" });
    expect((error as Error).message).toContain(variable);
  });
});
