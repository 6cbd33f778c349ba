import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type AudioData,
  interruptElement,
  openAISpeech,
  PipelineBuilder,
  type SpeechSettings,
  type StageError,
  textToSpeech,
} from "../../../src/pipeline/index.ts";
import { runStages } from "./run-stages.ts";
import { failure, pcm, type SpeechServer, startSpeechServer } from "./speech-server.ts";

let server: SpeechServer;

beforeEach(async () => {
  server = await startSpeechServer();
});

afterEach(() => server.close());

const voiceOf = (settings: SpeechSettings = {}) =>
  openAISpeech({ baseURL: server.baseURL, retry: { baseMs: 1 }, ...settings }, { env: {} });

async function say(
  text: string,
  settings?: SpeechSettings,
  signal = new AbortController().signal,
): Promise<AudioData[]> {
  const pieces: AudioData[] = [];
  for await (const audio of voiceOf(settings).synthesize(text, { signal })) pieces.push(audio);
  return pieces;
}

describe("openAISpeech()", () => {
  it("asks for PCM and gives it as it comes, cut between samples", async () => {
    server.answer(pcm(3, 1, 5, 2));
    const pieces = await say("Hello", { apiKey: "k", model: "m", voice: "v", instructions: "softly", speed: 2 });
    const { path, authorization, body } = server.requests[0]!;
    expect([path, authorization]).toEqual(["/v1/audio/speech", "Bearer k"]);
    expect(body).toEqual({
      model: "m",
      voice: "v",
      input: "Hello",
      instructions: "softly",
      speed: 2,
      response_format: "pcm",
    });
    expect(pieces.every(({ samples }) => samples.length % 2 === 0)).toBe(true);
    // A lone byte at the end is half a sample.
    expect(Buffer.concat(pieces.map(({ samples }) => samples))).toEqual(Buffer.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    expect(pieces[0]).toMatchObject({ sampleRate: 24_000, channels: 1, format: "pcm16" });
  });

  it("speaks with a default model and voice", async () => {
    server.answer(pcm(2));
    await say("Hello");
    expect(server.requests[0]!.body).toEqual({
      model: "gpt-4o-mini-tts",
      voice: "alloy",
      input: "Hello",
      response_format: "pcm",
    });
  });

  it("tries again after a transient failure, three times in all", async () => {
    server.answer(failure(500, "later"), failure(429, "slower"), pcm(4));
    expect(await say("Hello")).toHaveLength(1);
    server.answer(failure(503, "busy"));
    await expect(say("Hello")).rejects.toMatchObject({ name: "ProviderError", code: "ERR_OVERLOADED" });
    expect(server.requests).toHaveLength(6);
  });

  it("does not try again after a refusal, nor after the first samples", async () => {
    server.answer(failure(401, "who are you"));
    await expect(say("Hello", { apiKey: "secret-key" })).rejects.toMatchObject({ code: "ERR_INVALID_KEY" });
    server.answer((response) => {
      response.writeHead(200, { "content-type": "audio/pcm" });
      response.write(Buffer.alloc(4), () => response.destroy());
    });
    await expect(say("Hello")).rejects.toMatchObject({ name: "ProviderError", code: "ERR_PROVIDER_STREAM" });
    expect(server.requests).toHaveLength(2);
  });

  it("takes no page, and no silence, for audio", async () => {
    const answers: [string, string, string][] = [
      ["text/html", "<html>", "openai: the answer is not audio: its type is text/html"],
      ["application/json", "{}", "openai: the answer is not audio: its type is application/json"],
      ["audio/pcm", "", "openai: the answer holds no audio"],
    ];
    for (const [type, body, message] of answers) {
      server.answer((response) => {
        response.writeHead(200, { "content-type": type });
        response.end(body);
      });
      await expect(say("Hello", { retry: { attempts: 1 } })).rejects.toThrow(message);
    }
  });

  it("gives up when nothing comes for too long", async () => {
    server.answer((response) => {
      response.writeHead(200, { "content-type": "audio/pcm" });
      response.write(Buffer.alloc(2));
    });
    await expect(say("Hello", { idleTimeoutMs: 50, retry: { attempts: 1 } })).rejects.toMatchObject({
      code: "ERR_PROVIDER_TIMEOUT",
    });
  });

  it("wants a key for OpenAI itself, with the first text, and finds it in the environment", async () => {
    const { signal } = new AbortController();
    const voice = openAISpeech({}, { env: {} });
    await expect(voice.synthesize("Hello", { signal })[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      name: "ConfigError",
      code: "ERR_MISSING_KEY",
    });
    server.answer(pcm(2));
    const env = { OPENAI_API_KEY: "from env", OPENAI_BASE_URL: server.baseURL };
    for await (const _ of openAISpeech({}, { env }).synthesize("Hello", { signal })) break;
    expect(server.requests[0]!.authorization).toBe("Bearer from env");
  });

  it("refuses an address that is none when it is made", () => {
    expect(() => openAISpeech({ baseURL: "nowhere" }, { env: {} })).toThrow(
      "its base URL must be an http or https URL",
    );
  });

  it("closes the connection when the loop is left, and at an abort", async () => {
    const hang = (response: import("node:http").ServerResponse): void => {
      response.writeHead(200, { "content-type": "audio/pcm" });
      response.write(Buffer.alloc(2));
    };
    server.answer(hang);
    const { signal } = new AbortController();
    for await (const _ of voiceOf().synthesize("Hello", { signal })) break;
    await expect.poll(() => server.closedByClient).toBe(1);
    const controller = new AbortController();
    const saying = say("Hello", {}, controller.signal);
    await expect.poll(() => server.requests.length).toBe(2);
    controller.abort(new Error("enough"));
    await expect(saying).rejects.toThrow("enough");
    await expect.poll(() => server.closedByClient).toBe(2);
  });

  it("closes the connection at an interrupt, in a pipeline, and speaks what comes after", async () => {
    server.answer((response) => {
      response.writeHead(200, { "content-type": "audio/pcm" });
      response.write(Buffer.alloc(2));
    }, pcm(4));
    const interrupt = Promise.withResolvers<void>();
    const input = async function* () {
      yield "A long story begins. ";
      await interrupt.promise;
      yield interruptElement();
      yield "Something else.";
    };
    const kinds: string[] = [];
    const pipeline = new PipelineBuilder().chain(textToSpeech("speech", { synthesizer: voiceOf() })).build();
    for await (const element of pipeline.execute(input())) {
      kinds.push(element.kind === "audio" ? String(element.metadata["text"]) : element.kind);
      interrupt.resolve();
    }
    expect(kinds).toEqual(["A long story begins.", "interrupt", "Something else."]);
    await expect.poll(() => server.closedByClient).toBe(1);
  });

  it("is the cause when an execution ends with its failure, without the key", async () => {
    server.answer(failure(401, "bad key secret-key"));
    const stage = textToSpeech("speech", { synthesizer: voiceOf({ apiKey: "secret-key" }) });
    const error = (await runStages([stage], "Hello").catch((reason: unknown) => reason)) as StageError;
    expect([error.stage, error.cause]).toMatchObject(["speech", { name: "ProviderError", status: 401 }]);
    expect(error.message).not.toContain("secret-key");
  });
});
