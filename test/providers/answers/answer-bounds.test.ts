import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEmbeddingProvider } from "../../../src/providers/create-embedding-provider.ts";
import {
  type Answer,
  type AnswerServer,
  type Api,
  chunk,
  DONE,
  finish,
  JSON_TYPE,
  startAnswerServer,
  stream,
} from "./answer-server.ts";
import { createStreamWatch } from "../../../src/providers/sdk/watched-fetch.ts";
import { heldMB } from "../../machine/parent-load.ts";
import { timed } from "../../machine/machine-watch.ts";

const MB = 1024 * 1024;
const TOO_LARGE = { name: "ProviderError", code: "ERR_ANSWER_TOO_LARGE", isTransient: false };

/** Writes pieces for as long as somebody takes them. */
function endless(piece: string, head = ""): Answer {
  return (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(head);
    const more = (): void => {
      while (!response.destroyed && response.write(piece));
    };
    response.on("drain", () => setImmediate(more));
    more();
  };
}

/** The longest time that the event loop of this process stood still while `work` was done, in ms. */
async function stallDuring(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 1);
  await work();
  clearInterval(timer);
  return longest;
}

describe("an answer without a bound", () => {
  let server: AnswerServer;
  beforeAll(async () => {
    server = await startAnswerServer();
  });
  afterAll(() => server.close());

  it.each<[string, Answer]>([
    ["one endless line", endless("x".repeat(65_536), "data: ")],
    ["one endless event of many lines", endless("data: {}\n".repeat(1000))],
    ["one endless line of a stream that calls itself JSON", endless("[".repeat(65_536))],
    ["endless text", endless(stream(chunk({ content: "x".repeat(60_000) })))],
    ["endless reasoning", endless(stream(chunk({ reasoning: "x".repeat(60_000) })))],
    [
      "endless arguments",
      endless(
        stream(chunk({ tool_calls: [{ index: 0, function: { arguments: "x".repeat(60_000) } }] })),
        stream(chunk({ tool_calls: [{ index: 0, id: "1", function: { name: "a", arguments: "{" } }] })),
      ),
    ],
    [
      "a name of 2,000 characters",
      stream(chunk({ tool_calls: [{ index: 0, id: "1", function: { name: "a".repeat(2000) } }] })),
    ],
    [
      "20,000 calls in one delta",
      stream(chunk({ tool_calls: Array.from({ length: 20_000 }, (_, index) => ({ index, function: { name: "a" } })) })),
    ],
    [
      "20,000 calls in one message",
      {
        headers: JSON_TYPE,
        body: JSON.stringify({
          choices: [
            {
              message: {
                tool_calls: Array.from({ length: 20_000 }, (_, id) => ({ id: `${id}`, function: { name: "a" } })),
              },
              finish_reason: "stop",
            },
          ],
        }),
      },
    ],
    [
      "a body of 3 MB",
      { headers: JSON_TYPE, body: JSON.stringify({ choices: [{ message: { content: "x".repeat(3 * MB) } }] }) },
    ],
  ])("of %s is an error, and holds up nobody", async (_, answer) => {
    const before = process.memoryUsage().rss;
    let got: Awaited<ReturnType<AnswerServer["ask"]>>;
    const { result: stallMs, allow } = await timed(() =>
      stallDuring(async () => {
        got = await server.ask("chat", answer, { retry: { attempts: 3, baseMs: 1 } });
      }),
    );
    expect(got!.error).toMatchObject(TOO_LARGE);
    expect(got!.end).toBeUndefined();
    expect(server.requests).toHaveLength(1);
    // Server and client share this process.
    expect(stallMs).toBeLessThan(allow(1000));
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * MB);
  });

  it.each<[Api, string, string]>([
    [
      "messages",
      'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"a"}}\n\n',
      `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"${"x".repeat(60_000)}"}}\n\n`,
    ],
    [
      "responses",
      "",
      `data: {"type":"response.function_call_arguments.delta","item_id":"i","delta":"${"x".repeat(60_000)}"}\n\n`,
    ],
  ])("of %s is one too", async (api, head, piece) => {
    expect((await server.ask(api, endless(piece, head))).error).toMatchObject(TOO_LARGE);
  });

  it("of an error body is read to a bound, with the text that it has until there", async () => {
    const got = await server.ask("chat", (response) => {
      response.writeHead(500, { "content-type": "text/plain" });
      const more = (): void => {
        while (!response.destroyed && response.write("it is broken ".repeat(1000)));
      };
      response.on("drain", more);
      more();
    });
    expect(got.error).toMatchObject({ status: 500 });
    expect(String(got.error)).toContain("it is broken");
  });

  it("of embeddings is an error", async () => {
    server.play({
      headers: JSON_TYPE,
      body: JSON.stringify({ data: [{ embedding: Array.from({ length: 400_000 }, () => 0.123456789) }] }),
    });
    const provider = createEmbeddingProvider(
      { provider: "openai", baseURL: `${server.origin}/v1`, model: "tiny", dimensions: 3, retry: { attempts: 1 } },
      { env: {} },
    );
    await expect(provider.embed(["x"], { signal: new AbortController().signal })).rejects.toMatchObject(TOO_LARGE);
  });
});

describe("the largest answer", () => {
  let server: AnswerServer;
  beforeAll(async () => {
    server = await startAnswerServer();
  });
  afterAll(() => server.close());

  it("comes out in pieces of at most 64 kB", async () => {
    const text = "ab😀".repeat(250_000);
    const got = await server.ask("chat", stream(chunk({ content: text }), finish(), DONE));
    expect(got.text).toBe(text);
    for (const piece of got.chunks) if (piece.type === "text") expect(piece.delta.length).toBeLessThanOrEqual(65_536);
    expect(got.chunks.every((piece) => piece.type !== "text" || piece.delta.isWellFormed())).toBe(true);
  });

  it("has 256 calls", async () => {
    const calls = Array.from({ length: 256 }, (_, index) => ({
      index,
      id: `${index}`,
      function: { name: "a", arguments: "{}" },
    }));
    expect((await server.ask("chat", stream(chunk({ tool_calls: calls }), finish(), DONE))).calls).toHaveLength(256);
  });

  it("keeps arguments that are too deep or too many to be parsed as text", async () => {
    for (const [args, reason] of [
      [`{"a":${"[".repeat(200)}${"]".repeat(200)}}`, "nested deeper than 128 levels"],
      [`{"a":[${"0,".repeat(100_000)}0]}`, "made of more than 100000 values"],
    ] as const) {
      const got = await server.ask(
        "chat",
        stream(chunk({ tool_calls: [{ function: { name: "a", arguments: args } }] }), finish(), DONE),
      );
      expect(got.calls[0]).toMatchObject({
        toolCall: { code: "ERR_TOOL_INPUT" },
        inputError: expect.stringContaining(reason),
      });
      expect(got.calls[0]!.toolCall.inputText!.length).toBeLessThanOrEqual(65_536);
    }
  });

  it("may come byte by byte, in chunks of one byte", async () => {
    const body = stream(chunk({ content: "x".repeat(50_000) }), finish(), DONE);
    const got = await server.ask("chat", (response) => {
      response.writeHead(200, { "content-type": "text/event-stream", "transfer-encoding": "chunked" });
      for (const byte of body) response.write(byte);
      response.end();
    });
    expect(got.text).toHaveLength(50_000);
  });

  it("may be packed with gzip, and with nothing that takes more to unpack", async () => {
    const body = stream(chunk({ content: "packed" }), finish(), DONE);
    const packed =
      (coding: string, bytes: Buffer): Answer =>
      (response) =>
        response.writeHead(200, { "content-type": "text/event-stream", "content-encoding": coding }).end(bytes);
    expect(await server.ask("chat", packed("gzip", gzipSync(body)))).toMatchObject({ text: "packed" });
    expect((await server.ask("chat", packed("br", brotliCompressSync(body)))).error).toMatchObject({
      name: "ProviderError",
      code: "ERR_PROVIDER_STREAM",
      isTransient: false,
      message: "openai: the server packs its answer with br; gzip alone is unpacked",
    });
  });

  it("takes as much memory as it has bytes, in however many pieces JSON comes", async () => {
    const pieces = 300_000;
    const before = heldMB();
    let heldAtEnd = 0;
    let sent = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          controller.enqueue(Buffer.from(sent === 0 ? "{" : " "));
          if (++sent < pieces) return;
          heldAtEnd = heldMB();
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const watch = createStreamWatch({
      provider: "openai",
      idleTimeoutMs: 60_000,
      body: "events",
      fetch: () => Promise.resolve(new Response(body)),
    });
    await (await watch.fetch("http://example.invalid/")).text();
    expect(watch.jsonBody).toHaveLength(pieces);
    expect(heldAtEnd - before).toBeLessThan(8);
  });
});
