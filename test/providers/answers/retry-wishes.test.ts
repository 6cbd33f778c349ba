import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEmbeddingProvider } from "../../../src/providers/create-embedding-provider.ts";
import { providerErrorExtras, toProviderError } from "../../../src/providers/provider-error.ts";
import { collect } from "../collect.ts";
import {
  type Answer,
  type AnswerServer,
  chunk,
  DONE,
  finish,
  JSON_TYPE,
  namedStream,
  startAnswerServer,
  stream,
} from "./answer-server.ts";

const OK = stream(chunk({ content: "OK" }), finish(), DONE);
const refusal = (status: number, headers: Record<string, string> = {}, message = "try again"): Answer => ({
  status,
  headers: { ...JSON_TYPE, ...headers },
  body: JSON.stringify({ error: { message } }),
});

describe("what a server says about asking again", () => {
  let server: AnswerServer;
  beforeAll(async () => {
    server = await startAnswerServer();
  });
  afterAll(() => server.close());

  it.each([
    ["-1", undefined],
    ["NaN", undefined],
    ["Infinity", undefined],
    ["1e3", undefined],
    ["9".repeat(400), undefined],
    ["soon", undefined],
    ["", undefined],
    ["2001-01-01", undefined],
    ["5, 5", undefined],
    ["Sat, 01 Jan 2000 00:00:00 GMT", undefined],
    ["0", 0],
    ["0.5", 500],
    [" 7 ", 7000],
  ])("as retry-after: %s means %s ms", (value, expected) => {
    const error = toProviderError(
      { status: 429, error: { message: "x" }, headers: new Headers({ "retry-after": value }) },
      { provider: "p", secrets: [] },
    );
    expect(providerErrorExtras(error).retryAfterMs).toBe(expected);
  });

  it("as a date that is to come is waited for", () => {
    const headers = new Headers({ "retry-after": new Date(Date.now() + 30_000).toUTCString() });
    const { retryAfterMs } = providerErrorExtras(
      toProviderError({ status: 503, headers }, { provider: "p", secrets: [] }),
    );
    expect(retryAfterMs).toBeGreaterThan(20_000);
    expect(retryAfterMs).toBeLessThanOrEqual(30_000);
  });

  it("as garbage leaves the pause to the client", async () => {
    for (const value of ["-1", "Sat, 01 Jan 2000 00:00:00 GMT", "soon"]) {
      server.play(refusal(429, { "retry-after": value }), OK);
      expect((await collect(server.provider("chat", { retry: { attempts: 3, baseMs: 200 } }), "m")).text).toBe("OK");
      expect(server.requests[1]!.at - server.requests[0]!.at).toBeGreaterThanOrEqual(145);
    }
  });

  it("as x-should-retry is heard both ways", async () => {
    for (const value of ["true", "TRUE"]) {
      server.play(refusal(400, { "x-should-retry": value }), OK);
      expect((await collect(server.provider("chat", { retry: { attempts: 3, baseMs: 1 } }), "m")).text).toBe("OK");
      expect(server.requests).toHaveLength(2);
    }
    for (const status of [429, 500, 503]) {
      server.play(refusal(status, { "x-should-retry": "false" }), OK);
      expect((await collect(server.provider("chat", { retry: { attempts: 3, baseMs: 1 } }), "m")).error).toMatchObject({
        isTransient: false,
      });
      expect(server.requests).toHaveLength(1);
    }
  });

  it.each([400, 401, 403, 404, 405, 413, 422, 501, 505])("as status %i is that it is not worth it", async (status) => {
    server.play(refusal(status), OK);
    expect((await collect(server.provider("chat", { retry: { attempts: 3, baseMs: 1 } }), "m")).error).toMatchObject({
      status,
      isTransient: false,
    });
    expect(server.requests).toHaveLength(1);
  });

  it.each([408, 409, 425, 429, 500, 502, 503, 504, 529])("as status %i is that it may be worth it", async (status) => {
    server.play(refusal(status), OK);
    expect((await collect(server.provider("chat", { retry: { attempts: 3, baseMs: 1 } }), "m")).text).toBe("OK");
  });

  it("by a certificate that is wrong is that it is not worth it", () => {
    class APIConnectionError extends Error {}
    const failed = (code: string) =>
      toProviderError(new APIConnectionError("x", { cause: Object.assign(new Error("x"), { code }) }), {
        provider: "p",
        secrets: [],
      });
    for (const code of [
      "CERT_HAS_EXPIRED",
      "DEPTH_ZERO_SELF_SIGNED_CERT",
      "ERR_TLS_CERT_ALTNAME_INVALID",
      "ERR_SSL_WRONG_VERSION_NUMBER",
    ]) {
      expect(failed(code)).toMatchObject({ code: "ERR_PROVIDER_UNREACHABLE", isTransient: false });
    }
    expect(failed("ECONNREFUSED")).toMatchObject({ code: "ERR_PROVIDER_UNREACHABLE", isTransient: true });
  });
});

describe("a redirect", () => {
  let server: AnswerServer;
  let other: AnswerServer;
  beforeAll(async () => {
    [server, other] = await Promise.all([startAnswerServer(), startAnswerServer()]);
  });
  afterAll(() => Promise.all([server.close(), other.close()]));

  const to = (location: string, status = 307): Answer => ({ status, headers: { location } });

  it.each([301, 302, 303, 307, 308])(
    "to another origin with status %i is refused, and its address named",
    async (status) => {
      for (const api of ["chat", "responses", "messages"] as const) {
        other.play(OK);
        const got = await server.ask(api, to(`${other.origin}/v2/chat?token=secret`, status), {
          retry: { attempts: 3, baseMs: 1 },
          headers: { "x-own": "private" },
        });
        expect(got.error).toMatchObject({ name: "ProviderError", code: "ERR_PROVIDER_REDIRECT", isTransient: false });
        expect(String(got.error)).toContain(`the server points to ${other.origin}/v2/chat, which is another origin`);
        expect(String(got.error)).not.toContain("secret");
        expect(server.requests).toHaveLength(1);
        expect(other.requests).toHaveLength(0);
      }
    },
  );

  it("to another address of the same server is followed with the whole request", async () => {
    for (const status of [301, 302, 307, 308]) {
      server.play(to("/v2/chat/completions", status), OK);
      expect((await collect(server.provider("chat"), "m")).text).toBe("OK");
      expect(server.requests.map(({ url }) => url)).toEqual(["/v1/chat/completions", "/v2/chat/completions"]);
      expect(server.requests[1]!.body).toEqual(server.requests[0]!.body);
      expect(server.requests[1]!.headers.authorization).toBe("Bearer key-for-tests");
    }
  });

  it("without end, to nowhere, or one that would lose the request, is refused", async () => {
    expect(String((await server.ask("chat", to("/again"))).error)).toContain("points on and on");
    expect(String((await server.ask("chat", to("http://[bad"))).error)).toContain("its address cannot be read");
    expect(String((await server.ask("chat", to("/see-other", 303))).error)).toContain("with status 303");
  });

  it("of embeddings is refused too", async () => {
    server.play(to(`${other.origin}/v1/embeddings`));
    const provider = createEmbeddingProvider(
      { provider: "openai", baseURL: `${server.origin}/v1`, model: "x", retry: { attempts: 1 } },
      { env: {} },
    );
    await expect(provider.embed(["x"], { signal: new AbortController().signal })).rejects.toMatchObject({
      code: "ERR_PROVIDER_REDIRECT",
    });
  });
});

describe("text that a provider gets", () => {
  let server: AnswerServer;
  beforeAll(async () => {
    server = await startAnswerServer();
  });
  afterAll(() => server.close());

  it("is well-formed at every depth, whatever the script sent", async () => {
    const half = "\ud83d";
    const messages = namedStream({ type: "message_start", message: { model: "m" } }, { type: "message_stop" });
    for (const [api, answer] of [
      ["chat", OK],
      ["messages", messages],
      ["responses", stream({ type: "response.completed", response: { status: "completed" } })],
    ] as const) {
      server.play(answer);
      const request = {
        model: "m",
        system: `s${half}`,
        messages: [
          { role: "user" as const, content: [{ type: "text" as const, text: `u${half}` }] },
          {
            role: "assistant" as const,
            content: `a${half}`,
            toolCalls: [{ id: `i${half}`, name: "t", input: { [`k${half}`]: [`v${half}`] } }],
          },
          { role: "tool" as const, toolCallId: `i${half}`, content: `r${half}` },
        ],
        tools: [
          {
            name: "t",
            description: `d${half}`,
            input: { type: "object", properties: { [`p${half}`]: { description: half } } },
          },
        ],
        responseFormat: { title: "x", type: "object", properties: { [half]: {} } },
      };
      for await (const piece of server.provider(api).stream(request, { signal: new AbortController().signal }))
        void piece;
      const text = JSON.stringify(server.requests[0]!.body);
      expect(text).not.toMatch(/\\ud83d/i);
      expect(text).toContain("\ufffd");
    }
    server.play({ headers: JSON_TYPE, body: '{"data":[{"embedding":[1]}]}' });
    const provider = createEmbeddingProvider(
      { provider: "openai", baseURL: `${server.origin}/v1`, model: "x" },
      { env: {} },
    );
    await provider.embed([`e${half}`], { signal: new AbortController().signal });
    expect(server.requests[0]!.body["input"]).toBe("e\ufffd");
  });

  it("goes to a base URL with white space and slashes around it", async () => {
    server.play(OK);
    expect(
      (await collect(server.provider("chat", { baseURL: `  ${server.origin}/v1/ \n`, apiKey: " key \n" }), "m")).text,
    ).toBe("OK");
    expect(server.requests[0]).toMatchObject({ url: "/v1/chat/completions", headers: { authorization: "Bearer key" } });
  });
});
