import { GeppettoError } from "../../shared/errors.ts";
import type { ChatChunk, ChatProvider, ChatRequest } from "../chat-provider.ts";
import { failureIn } from "../failures/failure-facts.ts";
import { recordOf } from "../input/unknown-fields.ts";
import { brokenStream, type ErrorOrigin, toProviderError } from "../provider-error.ts";
import type { ResolvedSettings } from "../settings.ts";
import { cleanProviderText } from "../redact.ts";
import { errorOriginOf } from "./sdk-client.ts";
import { createStreamWatch, type Fetch, type StreamWatch } from "./watched-fetch.ts";
import { wellFormed } from "./well-formed.ts";

/** Makes chunks of the events of one answer. */
export interface EventReader {
  /** The event after which no more text comes has been read. */
  readonly isFinished: boolean;
  readonly eventCount: number;
  /** What the last event said went wrong: a record as servers send it. */
  readonly failure?: unknown;
  /** Why the answer is not whole although its end has come. */
  readonly endFailure?: unknown;
  read(event: unknown): Iterable<ChatChunk>;
  /** The same for an answer that came as one document; false where it is not one. */
  takesWhole(answer: Record<string, unknown>): boolean;
  readWhole(answer: Record<string, unknown>): Iterable<ChatChunk>;
  /** What is still to come when there are no more events, the "end" chunk last. */
  end(): Iterable<ChatChunk>;
}

/** How one request is sent. */
export interface Sending {
  settings: ResolvedSettings;
  fetch: Fetch;
  signal: AbortSignal;
}

/** What all chat providers have in common that speak through a vendor's SDK. One attempt per stream. */
export abstract class SdkChat<R extends EventReader> implements ChatProvider {
  abstract readonly name: string;
  /** How long the server may keep us waiting, or the connection open, once the reader is finished. */
  protected abstract readonly graceMs: number;
  /** Does the SDK pass over events without a name? */
  protected readonly needsEventNames: boolean = false;
  /** What a stream that broke off has ended without. */
  protected abstract readonly endMarker: string;
  /** A line `[DONE]` ends the answer too. */
  protected readonly endsWithDone: boolean = false;
  readonly #settings: ResolvedSettings;
  readonly #fetch: Fetch | undefined;

  constructor(settings: ResolvedSettings, options: { fetch?: Fetch } = {}) {
    this.#settings = settings;
    this.#fetch = options.fetch;
  }

  async *stream(given: ChatRequest, { signal }: { signal: AbortSignal }): AsyncGenerator<ChatChunk, void, undefined> {
    signal.throwIfAborted();
    const settings = this.#settings;
    const origin = errorOriginOf(settings);
    const watch = createStreamWatch({
      provider: this.name,
      idleTimeoutMs: settings.idleTimeoutMs,
      body: this.needsEventNames ? "named-events" : "events",
      ...(this.#fetch ? { fetch: this.#fetch } : {}),
    });
    // Strict servers refuse half a surrogate pair.
    const request = wellFormed(given);
    const reader = this.createReader(request);
    try {
      for await (const event of await this.send(request, { settings, fetch: watch.fetch, signal })) {
        for (const chunk of reader.read(event)) {
          signal.throwIfAborted();
          yield chunk;
        }
        const failure = reader.failure ?? (watch.event?.name === "error" ? event : undefined);
        if (failure !== undefined) throw toProviderError({ error: failure }, origin);
        if (reader.isFinished) watch.settle(this.graceMs);
      }
      signal.throwIfAborted();
      // Whole, so that nothing of it is seen where its end is missing.
      const rest = [...this.#readEnd(reader, watch, origin)];
      for (const chunk of rest) {
        signal.throwIfAborted();
        yield chunk;
      }
    } catch (error) {
      throw signal.aborted ? signal.reason : this.#explain(error, watch, origin);
    }
  }

  protected abstract createReader(request: ChatRequest): R;

  /** Asks the vendor's SDK. */
  protected abstract send(request: ChatRequest, sending: Sending): Promise<AsyncIterable<unknown>>;

  /**
   * What is left when there are no more events. Some gateways answer with one JSON document although a stream was asked
   * for: it is in the watch. Throws where the answer is not whole.
   */
  *#readEnd(reader: R, watch: StreamWatch, origin: ErrorOrigin): Generator<ChatChunk> {
    const { seen, jsonBody } = watch;
    if (reader.eventCount === 0 && jsonBody !== undefined) {
      const answer = parseBody(jsonBody);
      const record = recordOf(answer);
      const isAnswer = record !== undefined && reader.takesWhole(record);
      const failure = failureIn(answer, isAnswer);
      if (failure !== undefined) throw toProviderError({ error: failure }, origin);
      if (isAnswer) yield* reader.readWhole(record);
    }
    const told = seen.errorField ?? seen.strayJson;
    const failure = (told && failureFromText(told)) ?? reader.failure ?? reader.endFailure;
    if (failure !== undefined) throw toProviderError({ error: failure }, origin);
    if (reader.eventCount === 0 && seen.firstLine === undefined) throw brokenStream(this.name, "the answer is empty");
    if (reader.eventCount === 0)
      throw brokenStream(this.name, `the answer is not an event stream${noteOn(watch, origin)}`);
    if (!reader.isFinished && !(this.endsWithDone && seen.sawDone)) {
      throw brokenStream(this.name, `the stream broke off: it ended without ${this.endMarker}`);
    }
    yield* reader.end();
  }

  #explain(error: unknown, { event, errorBody, jsonBody }: StreamWatch, origin: ErrorOrigin): GeppettoError {
    if (!(error instanceof SyntaxError)) return toProviderError(error, origin, { errorBody });
    if (jsonBody !== undefined) return brokenStream(this.name, "the answer is JSON that breaks off");
    // What is not JSON may be the server's own words.
    return toProviderError(event?.name === "error" ? { error: event.data } : error, origin);
  }
}

/** A body may hold one document, or one a line; then the first says whether it is an error. */
function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const end = text.trimStart().indexOf("\n");
    if (end < 0) throw error;
    const first: unknown = JSON.parse(text.trimStart().slice(0, end));
    if (failureIn(first) === undefined) throw error;
    return first;
  }
}

/** Old llama.cpp reports failures as a field of its own, `error: {"code": 500, "message": …}`; others as a bare line. */
function failureFromText(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return failureIn(value) ?? (recordOf(value)?.["message"] === undefined ? undefined : value);
  } catch {
    return /^\s*[[{]/.test(text) ? undefined : { message: text };
  }
}

function noteOn({ seen, contentType }: StreamWatch, { secrets }: ErrorOrigin): string {
  if (seen.isEventStream) return ": it has no events";
  const type = contentType ? `: its type is ${contentType.slice(0, 100)}` : "";
  const text = cleanProviderText((seen.firstLine ?? "").slice(0, 200), secrets);
  return text === "" ? type : `${type}${type === "" ? ": it" : " and it"} begins with ${JSON.stringify(text)}`;
}
