import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type AnswerServer,
  type Api,
  chunk,
  DONE,
  finish,
  JSON_TYPE,
  namedStream,
  startAnswerServer,
  stream,
} from "./answer-server.ts";

const TEXT = "the engine died of thirst";

/** A failure as servers word it. */
const DRESSES: object[] = [
  { error: { message: TEXT, type: "server_error", code: 500 } },
  { error: { message: TEXT, type: null, code: null, param: null } },
  { error: TEXT },
  { error: true, message: TEXT },
  { object: "error", message: TEXT, type: "InternalServerError", param: null, code: 500 },
  { type: "error", error: { type: "api_error", message: TEXT } },
  { type: "error", message: TEXT, code: "server_error" },
  { message: TEXT, type: "internal", code: 500 },
  { message: TEXT },
  { text: TEXT, error_code: 50001 },
  { error_code: 336000, error_msg: TEXT },
  { detail: TEXT },
  { detail: [{ loc: ["body", "model"], msg: TEXT, type: "value_error" }] },
  { detail: { error: { message: TEXT } } },
  { base_resp: { status_code: 1013, status_msg: TEXT } },
  { success: false, errors: [{ code: 7000, message: TEXT }] },
  { code: 20012, message: TEXT, data: null },
  { code: "InvalidParameter", message: TEXT, request_id: "r" },
  { status: 500, title: "Internal Server Error", detail: TEXT },
  { fault: { faultstring: TEXT, detail: { errorcode: "x" } } },
  { status: "error", msg: TEXT },
];

describe("a failure that the server tells in its answer", () => {
  let server: AnswerServer;
  beforeAll(async () => {
    server = await startAnswerServer();
  });
  afterAll(() => server.close());

  it.each(DRESSES)(
    "as %j is an error with the server's text, as an event, a body and with an HTTP status",
    async (failure) => {
      for (const [what, answer] of [
        ["first event", stream(failure, DONE)],
        ["after text", stream(chunk({ content: "half" }), failure, DONE)],
        ["after the end", stream(chunk({ content: "half" }), finish(), failure)],
        ["named event", `event: error\n${stream(failure)}`],
        ["a bare line", `${stream(chunk({ content: "half" }))}${JSON.stringify(failure)}\n`],
        ["an error field", `${stream(chunk({ content: "half" }))}error: ${JSON.stringify(failure)}\n\n`],
        ["a body", { headers: JSON_TYPE, body: JSON.stringify(failure) }],
        ["a body that calls itself a stream", JSON.stringify(failure, null, 2)],
        ["a list as a body", { headers: JSON_TYPE, body: JSON.stringify([failure]) }],
        ["status 500", { status: 500, headers: JSON_TYPE, body: JSON.stringify(failure) }],
        ["status 418", { status: 418, headers: JSON_TYPE, body: JSON.stringify(failure) }],
      ] as const) {
        const got = await server.ask("chat", answer);
        expect(got.end, what).toBeUndefined();
        expect(got.error, what).toMatchObject({ name: "ProviderError" });
        expect(String(got.error), what).toContain(TEXT);
      }
    },
  );

  it.each(DRESSES.filter((failure) => !("choices" in failure)))(
    "as %j is one for the other APIs too",
    async (failure) => {
      const begin = namedStream({ type: "message_start", message: { id: "m", model: "m", content: [], usage: {} } });
      for (const [what, api, answer] of [
        ["anthropic, named", "messages", `${begin}event: error\n${stream(failure)}`],
        ["anthropic, without a name", "messages", `${begin}${stream(failure)}`],
        ["anthropic, a body", "messages", { headers: JSON_TYPE, body: JSON.stringify(failure) }],
        ["anthropic, status 500", "messages", { status: 500, headers: JSON_TYPE, body: JSON.stringify(failure) }],
        ["responses, an event", "responses", stream({ type: "response.created", response: {} }, failure)],
        ["responses, a body", "responses", { headers: JSON_TYPE, body: JSON.stringify(failure) }],
      ] as [string, Api, string][]) {
        const got = await server.ask(api, answer);
        expect(got.end, what).toBeUndefined();
        expect(got.error, what).toMatchObject({ name: "ProviderError" });
        expect(String(got.error), what).toContain(TEXT);
      }
    },
  );

  it("as a plain text under the name error keeps the text", async () => {
    expect(String((await server.ask("chat", `event: error\ndata: ${TEXT}\n\n`)).error)).toContain(TEXT);
    expect(String((await server.ask("messages", `event: error\ndata: ${TEXT}\n\n`)).error)).toContain(TEXT);
  });

  it("within a choice keeps the text too", async () => {
    const failed = chunk({}, { finish_reason: "error", error: { code: 502, message: TEXT } });
    const got = await server.ask("chat", stream(chunk({ content: "half" }), failed, DONE));
    expect(got.end).toBeUndefined();
    expect(String(got.error)).toContain(TEXT);
  });

  it.each(["error", "abort", "insufficient_system_resource", "ERROR", "network_error", "cancelled", "timeout"])(
    "as the finish reason %s is an error that names it",
    async (reason) => {
      const got = await server.ask("chat", stream(chunk({ content: "half an ans" }), finish(reason), DONE));
      expect(got.text).toBe("half an ans");
      expect(got.end).toBeUndefined();
      expect(got.error).toMatchObject({ name: "ProviderError", isTransient: true });
      expect(String(got.error)).toContain(`its finish reason is "${reason}"`);
    },
  );

  it("as a finish reason gives way to the text that follows it", async () => {
    const got = await server.ask("chat", stream(finish("error"), { error: { message: TEXT } }, DONE));
    expect(String(got.error)).toContain(TEXT);
  });

  it("as a code of success is none", async () => {
    const fine = chunk(
      { content: "Hi" },
      {},
      { base_resp: { status_code: 0, status_msg: "" }, error: null, error_code: 0 },
    );
    const got = await server.ask("chat", stream(fine, finish(), DONE));
    expect(got.error).toBeUndefined();
    expect(got.text).toBe("Hi");
  });

  it.each<[string, object, string, number | undefined, boolean]>([
    [
      "a model that is not there",
      { code: 404, message: "The model `x` does not exist.", object: "error", type: "NotFoundError" },
      "ERR_MODEL_NOT_FOUND",
      404,
      false,
    ],
    [
      "a model, in words alone",
      { error: "model 'llama9' not found, try pulling it first" },
      "ERR_MODEL_NOT_FOUND",
      undefined,
      false,
    ],
    ["a bad key", { error: { message: "Incorrect API key provided: sk-x" } }, "ERR_INVALID_KEY", undefined, false],
    [
      "a bad key, by MiniMax",
      { base_resp: { status_code: 1004, status_msg: "login fail" } },
      "ERR_INVALID_KEY",
      401,
      false,
    ],
    [
      "a bad key, by type",
      { object: "error", message: "no", type: "AuthenticationError" },
      "ERR_INVALID_KEY",
      undefined,
      false,
    ],
    [
      "an empty account",
      { base_resp: { status_code: 1008, status_msg: "insufficient balance" } },
      "ERR_QUOTA",
      402,
      false,
    ],
    [
      "a prompt that is too long",
      { object: "error", message: "This model's maximum context length is 8192 tokens", code: 400 },
      "ERR_CONTEXT_LENGTH",
      400,
      false,
    ],
    [
      "a bad request, by FastChat",
      { text: "temperature: must be positive", error_code: 40001 },
      "ERR_BAD_REQUEST",
      400,
      false,
    ],
    [
      "a bad request, by its validator",
      { detail: [{ loc: ["body", "n"], msg: "field required", type: "value_error" }] },
      "ERR_BAD_REQUEST",
      undefined,
      false,
    ],
    ["a rate limit, by MiniMax", { base_resp: { status_code: 1002, status_msg: "wait" } }, "ERR_RATE_LIMIT", 429, true],
    [
      "a rate limit, by Google",
      { error: { code: 429, message: "wait", status: "RESOURCE_EXHAUSTED" } },
      "ERR_RATE_LIMIT",
      429,
      true,
    ],
    [
      "an overloaded engine",
      { object: "error", message: "The engine is overloaded", type: "x" },
      "ERR_OVERLOADED",
      undefined,
      true,
    ],
    [
      "a broken engine",
      { object: "error", message: TEXT, type: "InternalServerError", code: 500 },
      "ERR_PROVIDER",
      500,
      true,
    ],
  ])("tells of %s: %j", async (_, failure, code, status, isTransient) => {
    server.play({ headers: JSON_TYPE, body: JSON.stringify(failure) });
    const stream = server
      .provider("chat", { retry: { attempts: 3, baseMs: 1 } })
      .stream({ model: "x", messages: [{ role: "user", content: "hi" }] }, { signal: new AbortController().signal });
    await expect(stream.next()).rejects.toMatchObject({ name: "ProviderError", code, status, isTransient });
    expect(server.requests).toHaveLength(isTransient ? 3 : 1);
  });

  it("that no server has worded so far is told with the beginning of the body", async () => {
    const got = await server.ask("chat", {
      headers: { "content-type": "text/html" },
      body: "<html><title>Bad gateway</title></html>",
    });
    expect(String(got.error)).toContain('its type is text/html and it begins with "Bad gateway"');
  });
});
