import { brokenStream, toProviderError } from "../provider-error.ts";
import { waitForNextAttempt } from "../retry-policy.ts";
import { createOpenAIClient, errorOriginOf } from "../sdk/sdk-client.ts";
import { type Environment, type ModelSettings, type ResolvedSettings, resolveProviderSettings } from "../settings.ts";
import { createStreamWatch, type Fetch } from "../sdk/watched-fetch.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";

export interface SpeechSettings extends Pick<
  ModelSettings,
  "model" | "apiKey" | "baseURL" | "headers" | "headerTimeoutMs" | "idleTimeoutMs" | "retry"
> {
  /** Default "alloy". */
  voice?: string;
  /** How it is to be said, for models that take it. */
  instructions?: string;
  /** From 0.25 to 4; default 1. */
  speed?: number;
}

export interface SpeechOptions {
  /** Where key and base URL come from that the settings do not have; default `process.env`. */
  env?: Environment;
  fetch?: Fetch;
}

const DEFAULT_MODEL = "gpt-4o-mini-tts";

/** Speech from OpenAI, or a server that imitates it: three attempts each, for as long as nothing has come. */
export class OpenAISpeech {
  /** Of the samples, in Hz. */
  readonly sampleRate = 24_000;
  readonly #speech: SpeechSettings;
  readonly #settings: ResolvedSettings;
  readonly #fetch: Fetch | undefined;

  /** @throws {GeppettoError} ConfigError for an invalid base URL. */
  constructor(settings: SpeechSettings, options: SpeechOptions) {
    refuseWrong("use the voice", options, { env: true, fetch: true });
    const { env = process.env, fetch } = options;
    const { voice: _, instructions: __, speed: ___, ...rest } = settings;
    this.#speech = settings;
    this.#settings = resolveProviderSettings({ ...rest, provider: "openai" }, env);
    this.#fetch = fetch;
  }

  /**
   * PCM16 of one channel, cut anywhere, even within a sample.
   *
   * @throws {GeppettoError} ProviderError; ConfigError for a missing key; `signal.reason` after an abort.
   */
  async *stream(text: string, { signal }: { signal: AbortSignal }): AsyncGenerator<Uint8Array, void, undefined> {
    for (let attempt = 1; ; attempt++) {
      let hasBegun = false;
      try {
        for await (const bytes of this.#request(text, signal)) {
          hasBegun = true;
          yield bytes;
        }
        return;
      } catch (error) {
        if (hasBegun) throw error;
        await waitForNextAttempt(error, attempt, this.#settings.retry ?? {}, signal);
      }
    }
  }

  async *#request(text: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    signal.throwIfAborted();
    const { idleTimeoutMs, model } = this.#settings;
    const { voice = "alloy", instructions, speed } = this.#speech;
    const watch = createStreamWatch({
      provider: "openai",
      idleTimeoutMs,
      body: "bytes",
      ...(this.#fetch ? { fetch: this.#fetch } : {}),
    });
    try {
      const client = await createOpenAIClient(this.#settings, watch.fetch);
      const { body } = await client.audio.speech.create(
        {
          model: model || DEFAULT_MODEL,
          voice,
          input: text.toWellFormed(),
          response_format: "pcm",
          ...(instructions === undefined ? {} : { instructions }),
          ...(speed === undefined ? {} : { speed }),
        },
        { signal },
      );
      if (/^text\/|json|xml/.test(watch.contentType)) {
        await body?.cancel();
        throw brokenStream("openai", `the answer is not audio: its type is ${watch.contentType.slice(0, 100)}`);
      }
      let isEmpty = true;
      for await (const bytes of body ?? []) {
        signal.throwIfAborted();
        if (bytes.length === 0) continue;
        isEmpty = false;
        yield bytes;
      }
      signal.throwIfAborted();
      if (isEmpty) throw brokenStream("openai", "the answer holds no audio");
    } catch (error) {
      throw signal.aborted ? signal.reason : toProviderError(error, errorOriginOf(this.#settings), watch);
    }
  }
}
