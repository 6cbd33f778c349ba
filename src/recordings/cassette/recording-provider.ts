import type { ChatChunk, ChatProvider, ChatRequest, StreamOptions } from "../../providers/chat-provider.ts";
import { outsideValues } from "../../base/time/time-source.ts";
import { AnswerTimes } from "./answer-times.ts";
import { toRecordedRequest, type RequestDefaults } from "./recorded-request.ts";
import { toRecordedFailure, type ChatRecording, type RecordingSink } from "./recording.ts";
import { redactAll, redactDeltas, type Redact } from "../redact-secrets.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";

export interface RecordingOptions {
  /** What the provider adds to requests that do not say it; it is recorded with them. */
  defaults?: RequestDefaults;
}

/**
 * A provider that asks another and records what comes, chunk by chunk, failures too. To be put outside of retries.
 *
 * @example
 * const chatProvider = recordingProvider(createChatProvider(settings, { env }), cassette, { defaults: { model: "m" } });
 */
export function recordingProvider(
  provider: ChatProvider,
  cassette: RecordingSink,
  options: RecordingOptions = {},
): ChatProvider {
  refuseWrong("record", options, { defaults: true });
  return new RecordingProvider(provider, cassette, options);
}

class RecordingProvider implements ChatProvider {
  readonly name: string;
  readonly #inner: ChatProvider;
  readonly #cassette: RecordingSink;
  readonly #defaults: RequestDefaults | undefined;

  constructor(inner: ChatProvider, cassette: RecordingSink, { defaults }: RecordingOptions) {
    this.name = inner.name;
    this.#inner = inner;
    this.#cassette = cassette;
    this.#defaults = defaults;
  }

  async *stream(request: ChatRequest, options: StreamOptions): AsyncGenerator<ChatChunk, void, undefined> {
    const { redact } = this.#cassette;
    const recorded = toRecordedRequest(this.name, request, { redact, defaults: this.#defaults });
    const add = this.#cassette.claim({ request: recorded, stepId: options.runId ?? "" });
    const times = new AnswerTimes(this.#cassette);
    const chunks: ChatChunk[] = [];
    const record = (outcome: Pick<ChatRecording, "end" | "error">): Promise<void> =>
      times.write(add({ request: recorded, chunks: redactChunks(chunks, redact), ...times.end(), ...outcome }));
    let last: ChatChunk | undefined;
    let isRecorded = false;
    try {
      for await (const chunk of outsideValues(this.#inner.stream(request, options))) {
        await times.next(options.signal);
        chunks.push(structuredClone(chunk));
        if (chunk.type === "end") last = chunk;
        else yield chunk;
      }
      isRecorded = true;
      // Whoever has the whole answer may count on its being recorded.
      await record({ end: "complete" });
      if (last !== undefined) yield last;
    } catch (error) {
      if (!isRecorded && !options.signal.aborted) {
        isRecorded = true;
        await times.next(options.signal);
        await record({ end: "error", error: toRecordedFailure(error, redact) });
      }
      throw error;
    } finally {
      if (!isRecorded) await record({ end: "interrupted" });
    }
  }
}

function redactChunks(chunks: ChatChunk[], redact: Redact): ChatChunk[] {
  const texts = new Map<string, string[]>();
  for (const type of ["text", "reasoning", "refusal"] as const) {
    const deltas = chunks.flatMap((chunk) => (chunk.type === type ? [chunk.delta] : []));
    texts.set(type, redactDeltas(deltas, redact, `chunks.${type}`));
  }
  return chunks.map((chunk, index) => {
    const deltas = texts.get(chunk.type);
    if (deltas === undefined) return redactAll(chunk, redact, `chunks[${index}]`);
    return { ...chunk, delta: deltas.shift()! } as ChatChunk;
  });
}
