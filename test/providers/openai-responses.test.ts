import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChatChunk, ChatRequest } from "../../src/providers/chat-provider.ts";
import { createChatProvider } from "../../src/providers/create-chat-provider.ts";

let server: Server;
let answer: (response: ServerResponse) => void;
let body: Record<string, unknown>;
beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function events(...list: object[]): void {
  answer = (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const event of list) {
      response.write(`event: ${(event as { type: string }).type}\ndata: ${JSON.stringify(event)}\n\n`);
    }
    response.end();
  };
}

async function read(request: Partial<ChatRequest> = {}): Promise<ChatChunk[]> {
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const provider = createChatProvider(
    { provider: "openai", api: "responses", baseURL, retry: { attempts: 1 } },
    { env: {} },
  );
  const chunks: ChatChunk[] = [];
  const asked = { model: "gpt-5-mini", messages: [{ role: "user" as const, content: "hi" }], ...request };
  for await (const chunk of provider.stream(asked, { signal: new AbortController().signal })) chunks.push(chunk);
  return chunks;
}

const completed = { type: "response.completed", response: { id: "r", model: "gpt-5-mini", status: "completed" } };

describe("OpenAI's responses API", () => {
  it("gets messages, images, tools, results and schemas in its own form, and stores nothing", async () => {
    events(completed);
    await read({
      system: "Be kind",
      maxTokens: 9,
      messages: [
        { role: "system", content: "And brief" },
        {
          role: "user",
          content: [
            { type: "text", text: "see" },
            { type: "image", url: "https://example.com/x.png" },
          ],
        },
        {
          role: "assistant",
          content: "Hm",
          toolCalls: [{ id: "c1", name: "a", input: { k: 1 } }],
          thoughts: {
            provider: "openai-responses",
            items: [{ type: "reasoning", id: "rs", summary: [], encrypted_content: "xyz", status: "done" }],
          },
        },
        { role: "tool", content: "r1", toolCallId: "c1" },
      ],
      tools: [{ name: "a", description: "A", input: { type: "object", properties: {}, additionalProperties: false } }],
      toolChoice: { name: "a" },
      responseFormat: { type: "object", properties: { x: { type: "string" } } },
    });
    expect(body).toEqual({
      model: "gpt-5-mini",
      instructions: "Be kind",
      stream: true,
      store: false,
      include: ["reasoning.encrypted_content"],
      max_output_tokens: 9,
      input: [
        { role: "system", content: "And brief" },
        {
          role: "user",
          content: [
            { type: "input_text", text: "see" },
            { type: "input_image", image_url: "https://example.com/x.png", detail: "auto" },
          ],
        },
        { type: "reasoning", id: "rs", summary: [], encrypted_content: "xyz" },
        { role: "assistant", content: "Hm" },
        { type: "function_call", call_id: "c1", name: "a", arguments: '{"k":1}' },
        { type: "function_call_output", call_id: "c1", output: "r1" },
      ],
      tools: [
        {
          type: "function",
          name: "a",
          description: "A",
          parameters: { type: "object", properties: {}, additionalProperties: false },
          strict: true,
        },
      ],
      tool_choice: { type: "function", name: "a" },
      text: {
        format: {
          type: "json_schema",
          name: "answer",
          schema: { type: "object", properties: { x: { type: "string" } } },
        },
      },
    });
    await read({ model: "gpt-4o" });
    expect(Object.keys(body).sort()).toEqual(["input", "model", "store", "stream"]);
  });

  it("keeps thoughts apart, and gives them back with the calls they led to", async () => {
    const item = { type: "reasoning", id: "rs", summary: [], encrypted_content: "xyz" };
    events(
      { type: "response.reasoning_text.delta", delta: "hmm" },
      { type: "response.output_item.done", item },
      { type: "response.output_text.delta", delta: "Text" },
      {
        type: "response.output_item.done",
        item: { type: "function_call", call_id: "c1", name: "a", arguments: '{"x":' },
      },
      completed,
    );
    expect(await read()).toMatchObject([
      { type: "reasoning", delta: "hmm" },
      { type: "text", delta: "Text" },
      {
        type: "tool-call",
        toolCall: { id: "c1", name: "a", inputText: '{"x":', code: "ERR_TOOL_INPUT" },
        inputError: expect.stringContaining("not JSON"),
      },
      { type: "end", stopReason: "tool-calls", thoughts: { provider: "openai-responses", items: [item] } },
    ]);
  });

  it.each([
    [
      {
        type: "response.failed",
        response: { status: "failed", error: { code: "rate_limit_exceeded", message: "slow" } },
      },
      "ERR_RATE_LIMIT",
    ],
    [
      { type: "response.failed", response: { status: "failed", error: { code: "server_error", message: "oops" } } },
      "ERR_PROVIDER",
    ],
    [{ type: "error", code: "server_error", message: "oops" }, "ERR_PROVIDER"],
    [{ type: "error", error: { code: "context_length_exceeded", message: "long" } }, "ERR_CONTEXT_LENGTH"],
    [{ type: "response.output_text.done", text: "half" }, "ERR_PROVIDER_STREAM"],
  ])("that says %j ends in %s", async (event, code) => {
    events({ type: "response.output_text.delta", delta: "half" }, event);
    await expect(read()).rejects.toMatchObject({ name: "ProviderError", code });
  });

  it("that refuses, or is cut off, says so in its stop reason", async () => {
    events({ type: "response.refusal.delta", delta: "No." }, completed);
    expect((await read()).at(-1)).toMatchObject({ stopReason: "refusal" });
    events({
      type: "response.incomplete",
      response: { status: "incomplete", incomplete_details: { reason: "content_filter" } },
    });
    expect((await read()).at(-1)).toMatchObject({ stopReason: "content-filter", providerStopReason: "incomplete" });
  });

  it("that answers with one document although a stream was asked for is understood", async () => {
    answer = (response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const output = [
        { type: "message", content: [{ type: "output_text", text: "whole" }] },
        { type: "function_call", call_id: "c", name: "a", arguments: "{}" },
      ];
      response.end(JSON.stringify({ object: "response", status: "completed", model: "m", output }));
    };
    expect(await read()).toMatchObject([
      { type: "text", delta: "whole" },
      { type: "tool-call", toolCall: { id: "c" } },
      { type: "end", engine: "m" },
    ]);
  });

  it("has no stop sequences, and says so", async () => {
    await expect(read({ stop: ["x"] })).rejects.toMatchObject({ name: "ValidationError" });
  });
});
