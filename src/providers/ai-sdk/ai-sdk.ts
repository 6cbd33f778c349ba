import { abortable } from "../../base/abortable.ts";
import { createDeferred } from "../../base/deferred.ts";
import { timeSource } from "../../base/time/time-source.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { MAX_TIMER_MS } from "../../shared/limits.ts";
import type { ChatChunk, ChatRequest, OneModelChat, StreamOptions } from "../chat-provider.ts";
import { recordOf, stringOf } from "../input/unknown-fields.ts";
import { brokenStream, toProviderError } from "../provider-error.ts";
import { cleanProviderText } from "../redact.ts";
import { RetryingProvider } from "../retrying-provider.ts";
import { checkRetry, type RetryOptions } from "../retry-policy.ts";
import { wellFormed } from "../sdk/well-formed.ts";
import { type AiSdkModel, type AiSdkStream, Unsupported } from "./ai-sdk-model.ts";
import { AiSdkReader } from "./ai-sdk-reader.ts";
import { type TakesURL, toAiSdkOptions } from "./ai-sdk-request.ts";
import { refuseWrong, type FieldsOf } from "../../shared/wrong-option.ts";

export interface AiSdkOptions {
  /** Texts that no error may show beside what looks like a key: the model's key, the address of its server. */
  secrets?: readonly string[];
  /** Longest wait for an answer to begin; default 60,000. */
  headerTimeoutMs?: number;
  /** Longest wait between two parts of an answer; default 120,000. */
  idleTimeoutMs?: number;
  retry?: RetryOptions;
}

const FIELDS: FieldsOf<AiSdkOptions> = {
  secrets: true,
  headerTimeoutMs: "amount",
  idleTimeoutMs: "amount",
  retry: true,
};
const HEADER_TIMEOUT_MS = 60_000;
const IDLE_TIMEOUT_MS = 120_000;
/** Failures of the AI SDK's by their names, and which of its own they are to be read as. */
const BROKEN = /^AI_(?:JSONParse|TypeValidation|InvalidResponseData|EmptyResponseBody|NoContentGenerated)Error$/;

/**
 * A chat provider of any model that the AI SDK has: of `@ai-sdk/openai`, `@ai-sdk/anthropic`, `@ai-sdk/google`,
 * `@ai-sdk/openai-compatible` or anything else that implements `LanguageModelV2`, `V3` or `V4` of `@ai-sdk/provider`.
 *
 * What is asked for and the model will not do is an error that names it: nothing is left out in silence. Its key and
 * its address are the model's own affair.
 *
 * @example
 * setupDefaults({ chat: { provider: aiSdk(google("gemini-2.5-flash")), temperature: 0 } });
 * @throws {GeppettoError} ConfigError for what is not such a model.
 */
export function aiSdk(model: AiSdkModel, options: AiSdkOptions = {}): OneModelChat {
  refuseWrong("use the model", options, FIELDS);
  checkRetry(options.retry);
  const { specificationVersion: version, doStream } = (recordOf(model) ?? model ?? {}) as Partial<AiSdkModel>;
  if (typeof doStream !== "function" || !["v2", "v3", "v4"].includes(version!)) {
    const found = typeof doStream === "function" ? `its version is ${String(version)}` : "it has no doStream";
    throw new GeppettoError(
      "ConfigError",
      `Cannot use the model: expected a language model of the AI SDK, version v2, v3 or v4: ${found}`,
    );
  }
  const once = new AiSdkChat(model, options);
  const retrying = new RetryingProvider(once, options.retry);
  return {
    name: once.name,
    model: once.model,
    stream: (request, streamOptions) => retrying.stream(request, streamOptions),
  };
}

class AiSdkChat implements OneModelChat {
  readonly name: string;
  readonly model: string;
  readonly #model: AiSdkModel;
  readonly #options: AiSdkOptions;

  constructor(model: AiSdkModel, options: AiSdkOptions) {
    this.#model = model;
    this.#options = options;
    this.name = (model.provider || "ai-sdk").slice(0, 100);
    this.model = model.modelId.slice(0, 200);
  }

  async *stream(given: ChatRequest, { signal }: StreamOptions): AsyncGenerator<ChatChunk, void, undefined> {
    signal.throwIfAborted();
    if (given.model !== "" && given.model !== this.model) {
      throw new GeppettoError(
        "ConfigError",
        `Cannot ask ${this.name} for the model "${given.model}": it asks "${this.model}" and no other`,
        { code: "ERR_MODEL_NOT_FOUND" },
      );
    }
    const { headerTimeoutMs = HEADER_TIMEOUT_MS, idleTimeoutMs = IDLE_TIMEOUT_MS } = this.#options;
    const ended = new AbortController();
    let reader: ReturnType<AiSdkStream["getReader"]> | undefined;
    try {
      const request = wellFormed(given);
      const options = toAiSdkOptions(request, {
        model: this.#model,
        name: this.name,
        takesURL: await this.#urls(request),
        signal: AbortSignal.any([signal, ended.signal]),
      });
      const asked = Promise.resolve(this.#model.doStream(options));
      const { stream } = await this.#within(asked, headerTimeoutMs, "no answer began", signal);
      reader = stream.getReader();
      const parts = new AiSdkReader(this.name, this.model);
      for (;;) {
        const { done, value } = await this.#within(reader.read(), idleTimeoutMs, "the stream stalled", signal);
        if (done) break;
        for (const chunk of parts.read(value)) {
          signal.throwIfAborted();
          yield chunk;
        }
        if (parts.failure !== undefined) throw parts.failure;
        if (parts.isFinished) break;
        await timeSource().giveWay();
      }
      signal.throwIfAborted();
      // Whole, so that nothing of it is seen where its end is missing.
      const rest = [...parts.end()];
      for (const chunk of rest) {
        signal.throwIfAborted();
        yield chunk;
      }
    } catch (error) {
      throw signal.aborted ? signal.reason : this.#explain(error);
    } finally {
      ended.abort(new GeppettoError("AbortError", "The answer is over"));
      // Whatever a model's stream does with that, nobody waits for it.
      void reader?.cancel().catch(() => {});
    }
  }

  async #urls({ messages }: ChatRequest): Promise<TakesURL> {
    const hasURL = messages.some(
      ({ content }) =>
        typeof content !== "string" && content.some((part) => part.type === "image" && !part.url.startsWith("data:")),
    );
    const supported = hasURL ? await this.#model.supportedUrls : undefined;
    const patterns = Object.entries(supported ?? {}).flatMap(([type, list]) =>
      /^(?:image\/|\*)/.test(type) ? list : [],
    );
    return (url) => patterns.some((pattern) => pattern.test(url));
  }

  async #within<T>(work: Promise<T>, ms: number, what: string, signal: AbortSignal): Promise<T> {
    const overdue = createDeferred<never>();
    overdue.promise.catch(() => {});
    const timer = setTimeout(
      () =>
        overdue.reject(
          new GeppettoError("ProviderError", `${this.name}: timed out: ${what}`, {
            code: "ERR_PROVIDER_TIMEOUT",
            isTransient: true,
          }),
        ),
      Math.min(ms, MAX_TIMER_MS),
    );
    try {
      return await abortable(Promise.race([work, overdue.promise]), signal);
    } finally {
      clearTimeout(timer);
      // What loses the race may fail later.
      work.catch(() => {});
    }
  }

  #explain(thrown: unknown): GeppettoError {
    if (thrown instanceof GeppettoError) return thrown;
    const { secrets = [] } = this.#options;
    const origin = { provider: this.name, secrets };
    if (thrown instanceof Unsupported) return this.#unsupported(thrown.feature, thrown.message);
    const name = stringOf((thrown as { name?: unknown } | null)?.name) ?? "";
    const fields = (thrown ?? {}) as Record<string, unknown>;
    if (name === "AI_UnsupportedFunctionalityError") {
      return this.#unsupported(stringOf(fields["functionality"]) ?? "this", "");
    }
    if (name === "AI_LoadAPIKeyError" || name === "AI_LoadSettingError") {
      const text = stringOf(fields["message"]) ?? "";
      return new GeppettoError("ConfigError", `${this.name}: ${text}`, { code: "ERR_MISSING_KEY" });
    }
    if (BROKEN.test(name)) return brokenStream(this.name, `the stream broke: what came is not an answer (${name})`);
    if (name !== "AI_APICallError") return toProviderError(thrown, origin);
    const { statusCode, responseHeaders, responseBody, data, message, url, cause } = fields;
    if (statusCode === undefined && cause !== undefined) return toProviderError(unreachable(cause), origin);
    return toProviderError(
      { status: statusCode, headers: responseHeaders, error: data, message },
      { ...origin, secrets: [...secrets, ...(typeof url === "string" ? [url] : [])] },
      { errorBody: stringOf(responseBody)?.slice(0, 65_536) },
    );
  }

  #unsupported(feature: string, details: string): GeppettoError {
    const { secrets = [] } = this.#options;
    const shown = cleanProviderText(details === "" ? feature : `${feature}: ${details}`, secrets);
    return new GeppettoError("ProviderError", `${this.name}: ${this.model} does not support ${shown}`, {
      code: "ERR_MODEL_CAPABILITY",
    });
  }
}

/** What the vendors' SDKs throw for the same. */
function unreachable(cause: unknown): unknown {
  class APIConnectionError extends Error {}
  return new APIConnectionError("no answer", { cause });
}
