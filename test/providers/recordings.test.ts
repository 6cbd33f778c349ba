import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEmbeddingProvider } from "../../src/providers/create-embedding-provider.ts";
import { providerErrorExtras } from "../../src/providers/provider-error.ts";
import type { Fetch } from "../../src/providers/sdk/watched-fetch.ts";
import { GeppettoError } from "../../src/shared/errors.ts";
import { collect } from "./collect.ts";
import {
  fetchByteByByte,
  loadRecordings,
  providerFor,
  type Recording,
  type ReplayServer,
  sharedFolder,
  startReplay,
} from "./replay.ts";
import { timed } from "../machine/machine-watch.ts";
import { patience } from "../machine/patience.ts";

const recordings = loadRecordings();
const chats = recordings.filter(({ api }) => api !== "embeddings");
const finals = chats.filter(({ expectedOutcome }) => expectedOutcome === "final");
const streams = finals.filter(({ file }) => file.endsWith(".sse"));
const failures = chats.filter(({ expectedOutcome }) => expectedOutcome === "error");
const STOP_REASONS: Record<string, string> = {
  stop: "stop",
  end_turn: "stop",
  length: "length",
  max_tokens: "length",
  tool_calls: "tool-calls",
  tool_use: "tool-calls",
  incomplete: "length",
};
/** What each recording's own stop reason means; that of the responses API says nothing of tool calls. */
function stopReasonOf({ expectedStopReason: reason, expectedToolCalls }: Recording): string | undefined {
  if (reason === "completed") return expectedToolCalls?.length ? "tool-calls" : "stop";
  return reason ? STOP_REASONS[reason] : "tool-calls";
}

describe.skipIf(!sharedFolder)("chat providers on recorded traffic", () => {
  let server: ReplayServer;
  beforeAll(async () => {
    server = await startReplay();
  });
  afterAll(() => server.close());

  async function expectFinal(recording: Recording, switches: string, fetch?: Fetch): Promise<void> {
    const got = await collect(providerFor(server, recording, {}, fetch), recording.name + switches);
    expect(got.error).toBeUndefined();
    expect(got.chunks.filter(({ type }) => type === "end")).toHaveLength(1);
    expect(got.chunks.at(-1)?.type).toBe("end");
    expect(got.text).toBe(recording.expectedText ?? "");
    expect(got.text.isWellFormed()).toBe(true);
    expect(got.calls.map(({ toolCall }) => toolCall)).toEqual(recording.expectedToolCalls ?? []);
    expect(got.calls.every(({ inputError }) => inputError === undefined)).toBe(true);
    const reason = recording.expectedStopReason ?? null;
    expect(got.end?.providerStopReason).toBe(reason);
    expect(got.end?.stopReason).toBe(stopReasonOf(recording));
    expect(got.end?.engine).toBe(recording.expectedModel);
    const usage = recording.expectedUsage;
    if (!usage) expect(got.end?.usage).toBeUndefined();
    else {
      expect(got.end?.usage).toMatchObject({
        inputTokens: usage["prompt_tokens"] ?? usage["input_tokens"],
        outputTokens: usage["completion_tokens"] ?? usage["output_tokens"],
      });
    }
    const thoughts = recording.expectedReasoning ?? recording.expectedThinking;
    if (thoughts !== undefined) expect(got.reasoning).toBe(thoughts);
  }

  it.each(finals)("$name comes out as its sidecar says", async (recording) => {
    await expectFinal(recording, "");
  });

  it.each(streams)(
    "$name comes out the same with CRLF and keep-alives, in one burst, without a last blank line",
    async (recording) => {
      await expectFinal(recording, "+crlf+ping=1");
      await expectFinal(recording, "+burst");
      await expectFinal(recording, "+noblank");
      await expectFinal(recording, "+unknown+textplain");
    },
  );

  it.each(streams)("$name comes out the same byte by byte", async (recording) => {
    await expectFinal(recording, "", fetchByteByByte);
    if (recording.bytes < 3000) await expectFinal(recording, "+split=1");
  });

  it.each(streams)("$name with a fault ends in a transient error, never in an end chunk", async (recording) => {
    for (const fault of ["eof", "cut", "cutmid", "garbage", "html", "empty", "json", "429", "500", "noconnect"]) {
      const got = await collect(providerFor(server, recording), `${recording.name}+${fault}`);
      expect(got.error, fault).toBeInstanceOf(GeppettoError);
      expect(got.error, fault).toMatchObject({ name: "ProviderError", isTransient: true });
      expect(got.end, fault).toBeUndefined();
    }
  });

  it.each(["oai-chat-text-gpt4o", "oai-resp-text-gpt4o", "ant-text-sonnet45"])(
    "%s that stalls breaks off after the idle timeout",
    async (name) => {
      const recording = chats.find((candidate) => candidate.name === name)!;
      const got = await collect(providerFor(server, recording, { idleTimeoutMs: 60 }), `${name}+hang`);
      expect(got.error).toMatchObject({ code: "ERR_PROVIDER_TIMEOUT", isTransient: true });
      expect(got.end).toBeUndefined();
      await expect.poll(() => server.requests.at(-1)?.closedByClient).toBe(true);
    },
  );

  it.each(["oai-chat-text-gpt4o", "oai-resp-text-gpt4o", "ant-text-sonnet45"])(
    "%s that is slow but pings outlives the idle timeout",
    async (name) => {
      const recording = chats.find((candidate) => candidate.name === name)!;
      const idleTimeoutMs = patience(150);
      const delayMs = Math.round(idleTimeoutMs / 5);
      const got = await collect(providerFor(server, recording, { idleTimeoutMs }), `${name}+ping=1+delay=${delayMs}`);
      expect(got.error).toBeUndefined();
      expect(got.text).toBe(recording.expectedText);
    },
  );

  it.each(["oai-chat-text-gpt4o", "oai-resp-text-gpt4o", "ant-text-sonnet45"])(
    "%s without headers in time is a timeout",
    async (name) => {
      const recording = chats.find((candidate) => candidate.name === name)!;
      const got = await collect(providerFor(server, recording, { headerTimeoutMs: 50 }), `${name}+ttfb=2000`);
      expect(got.error).toMatchObject({ code: "ERR_PROVIDER_TIMEOUT", isTransient: true });
    },
  );

  it.each(["oai-chat-text-gpt4o", "oai-resp-text-gpt4o", "ant-text-sonnet45"])(
    "%s aborted in mid-stream throws the reason, delivers nothing more and closes the socket within 50 ms",
    async (name) => {
      const recording = chats.find((candidate) => candidate.name === name)!;
      await collect(providerFor(server, recording), name);
      const controller = new AbortController();
      const reason = new Error("enough");
      const types: string[] = [];
      let abortedAt = 0;
      const stream = providerFor(server, recording).stream(
        { model: `${name}+forever`, messages: [{ role: "user", content: "hi" }] },
        { signal: controller.signal },
      );
      const read = async (): Promise<void> => {
        for await (const chunk of stream) {
          types.push(chunk.type);
          if (types.length === 3) {
            abortedAt = Date.now();
            controller.abort(reason);
          }
        }
      };
      const { allow } = await timed(async () => {
        await expect(read()).rejects.toBe(reason);
        await expect.poll(() => server.requests.at(-1)?.closedByClient, { interval: 5 }).toBe(true);
      });
      expect(types).toHaveLength(3);
      expect(server.requests.at(-1)!.closedAt! - abortedAt).toBeLessThan(allow(50));
    },
  );

  it.each(["oai-chat-text-gpt4o", "oai-resp-text-gpt4o", "ant-text-sonnet45"])(
    "%s left early closes the socket",
    async (name) => {
      const recording = chats.find((candidate) => candidate.name === name)!;
      const { signal } = new AbortController();
      const request = { model: `${name}+forever`, messages: [{ role: "user" as const, content: "hi" }] };
      for await (const chunk of providerFor(server, recording).stream(request, { signal })) if (chunk) break;
      await expect.poll(() => server.requests.at(-1)?.closedByClient, { interval: 5 }).toBe(true);
    },
  );

  it.each(failures)("$name is an error that keeps the provider's words", async (recording) => {
    const got = await collect(providerFor(server, recording), recording.name);
    expect(got.error).toBeInstanceOf(GeppettoError);
    expect(got.end).toBeUndefined();
    const words = recording.expectedError!.message.split(" ").slice(0, 3).join(" ");
    expect((got.error as GeppettoError).message).toContain(words.replace(/:$/, ""));
    if (recording.status >= 400) expect((got.error as GeppettoError).status).toBe(recording.status);
    expect(CODES[recording.name], recording.name).toBeDefined();
    expect((got.error as GeppettoError).code).toBe(CODES[recording.name]);
  });

  it("the embedding recordings come out as floats of the right length", async () => {
    for (const recording of recordings.filter(({ api }) => api === "embeddings")) {
      const expected = recording.expectedEmbeddings?.[0];
      const provider = createEmbeddingProvider(
        {
          provider: "openai",
          baseURL: server.openaiBaseURL,
          model: recording.name,
          retry: { attempts: 1 },
          ...(expected ? { dimensions: expected.dims } : {}),
        },
        { env: {} },
      );
      const embedding = provider.embed(["one", "", "three"], { signal: new AbortController().signal });
      if (!expected) {
        await expect(embedding).rejects.toMatchObject({ code: "ERR_MODEL_NOT_FOUND", status: 404 });
        continue;
      }
      const vectors = await embedding;
      expect(vectors).toHaveLength(3);
      for (const [place, number] of expected.first5.entries()) expect(vectors[2]![place]).toBeCloseTo(number, 5);
      expect(vectors[0]).toHaveLength(expected.dims);
      expect(server.requests.at(-1)!.body).toMatchObject({ encoding_format: "float", input: ["one", " ", "three"] });
    }
  });

  it("an embedding of another length is refused", async () => {
    const settings = {
      provider: "openai",
      baseURL: server.openaiBaseURL,
      model: "oai-emb-3small-float",
      dimensions: 768,
    };
    const provider = createEmbeddingProvider({ ...settings, retry: { attempts: 1 } }, { env: {} });
    await expect(provider.embed(["x"], { signal: new AbortController().signal })).rejects.toThrow(
      /1536 numbers: 768 were expected/,
    );
  });

  it("a base64 answer is refused although floats were asked for", async () => {
    const settings = { provider: "openai", baseURL: server.openaiBaseURL, model: "vllm-emb-e5-base64+asis" };
    const provider = createEmbeddingProvider({ ...settings, retry: { attempts: 1 } }, { env: {} });
    await expect(provider.embed(["x"], { signal: new AbortController().signal })).rejects.toThrow(
      /not a list of numbers/,
    );
  });

  it("retries are made in one place, obey retry-after and are told of", async () => {
    const [recording] = streams;
    server.reset();
    const model = `${recording!.name}+429=0>${recording!.name}+500>${recording!.name}`;
    const got = await collect(providerFor(server, recording!, { retry: { baseMs: 1 } }), model);
    expect(got.text).toBe(recording!.expectedText);
    expect(server.requests).toHaveLength(3);
    const failed = await collect(providerFor(server, recording!, { retry: { baseMs: 1 } }), `${recording!.name}+503`);
    expect((failed.error as Error).message).toContain("after 3 attempts");
    expect(providerErrorExtras(failed.error)).toMatchObject({ attempts: 3 });
    expect(server.requests).toHaveLength(6);
  });

  it("the key never shows in a message and never comes from the SDK's own environment", async () => {
    process.env["OPENAI_CUSTOM_HEADERS"] = "x-from-env: yes";
    process.env["ANTHROPIC_CUSTOM_HEADERS"] = "x-from-env: yes";
    process.env["OPENAI_ORG_ID"] = "org-from-env";
    try {
      for (const recording of [streams[0]!, streams.find(({ api }) => api === "messages")!]) {
        const got = await collect(
          providerFor(server, recording, { apiKey: "sk-secret-value-1" }),
          `${recording.name}+401`,
        );
        expect((got.error as GeppettoError).includes("invalid api key")).toBe(true);
        expect((got.error as Error).message).not.toContain("sk-secret");
        const { headers } = server.requests.at(-1)!;
        expect(headers["authorization"]).toBe("Bearer sk-secret-value-1");
        expect(headers["x-from-env"]).toBeUndefined();
        expect(headers["openai-organization"]).toBeUndefined();
      }
    } finally {
      delete process.env["OPENAI_CUSTOM_HEADERS"];
      delete process.env["ANTHROPIC_CUSTOM_HEADERS"];
      delete process.env["OPENAI_ORG_ID"];
    }
  });
});

const CODES: Record<string, string> = {
  "err-oai-401-invalid-key": "ERR_INVALID_KEY",
  "err-oai-400-unsupported-role": "ERR_BAD_REQUEST",
  "err-oai-400-image-format": "ERR_BAD_REQUEST",
  "err-oai-400-image-url": "ERR_BAD_REQUEST",
  "err-oai-400-max-tokens": "ERR_BAD_REQUEST",
  "err-oai-400-temperature-reasoning": "ERR_BAD_REQUEST",
  "err-oai-429-tpm": "ERR_RATE_LIMIT",
  "err-oai-429-quota": "ERR_QUOTA",
  "err-azure-429": "ERR_RATE_LIMIT",
  "err-openrouter-429": "ERR_RATE_LIMIT",
  "err-ollama-401": "ERR_INVALID_KEY",
  "err-ant-401": "ERR_INVALID_KEY",
  "err-ant-400-effort": "ERR_BAD_REQUEST",
  "err-ant-529": "ERR_OVERLOADED",
  "groq-chat-midstream-error": "ERR_BAD_REQUEST",
  "groq-chat-midstream-error-text": "ERR_BAD_REQUEST",
  "openrouter-chat-midstream-error": "ERR_BAD_REQUEST",
};
