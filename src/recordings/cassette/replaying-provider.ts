import { timeSource } from "../../base/time/time-source.ts";
import type { ChatChunk, ChatProvider, ChatRequest } from "../../providers/chat-provider.ts";
import type { Cassette } from "./cassette.ts";
import { endAsRecorded, RecordedAnswers, shownJson } from "./recorded-answers.ts";
import { toRecordedRequest, type RecordedRequest, type RequestDefaults } from "./recorded-request.ts";
import { isChatRecording, timeOf, type ChatRecording, type Recording } from "./recording.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";

export interface ReplayOptions {
  /** The provider that requests are for; default the one of the first recording. */
  name?: string;
  /** As they were given when it was recorded. */
  defaults?: RequestDefaults;
  /**
   * What a request gets that is made more often than it was recorded: its last answer again ("repeat", the default), or a
   * ReplayError ("once").
   */
  repeats?: "repeat" | "once";
  /** Is asked for what was not recorded; default nobody is. */
  otherwise?: ChatProvider;
  /** Hears of each recording that is replayed. */
  onServe?: (recording: Recording) => void;
}

/**
 * A provider that answers from a cassette and never asks anybody: the same chunks, or the same error. A request that was
 * recorded several times gets its answers in the order in which they were asked for.
 *
 * The stream throws a `ReplayError` ("ERR_REPLAY_MISS") for a request that was not recorded: it names the nearest
 * recording and the first field that differs.
 */
export function replayingProvider(cassette: Cassette, options: ReplayOptions = {}): ChatProvider {
  refuseWrong("replay", options, { name: true, defaults: true, repeats: true, otherwise: true, onServe: true });
  return new ReplayingProvider(cassette, options);
}

class ReplayingProvider implements ChatProvider {
  readonly name: string;
  readonly #cassette: Cassette;
  readonly #answers: RecordedAnswers<ChatRecording>;
  readonly #defaults: RequestDefaults | undefined;
  readonly #otherwise: ChatProvider | undefined;

  constructor(cassette: Cassette, { name, repeats = "repeat", defaults, otherwise, onServe }: ReplayOptions) {
    this.#cassette = cassette;
    this.#defaults = defaults;
    this.#otherwise = otherwise;
    this.#answers = new RecordedAnswers(cassette, isChatRecording, { repeats, what: "recordings", describe, onServe });
    this.name = name ?? this.#answers.provider ?? "replay";
  }

  async *stream(request: ChatRequest, { signal }: { signal: AbortSignal }): AsyncGenerator<ChatChunk, void, undefined> {
    signal.throwIfAborted();
    const { redact } = this.#cassette;
    const asked = toRecordedRequest(this.name, request, { redact, defaults: this.#defaults });
    if (this.#otherwise !== undefined && !this.#answers.has(asked)) {
      yield* this.#otherwise.stream(request, { signal });
      return;
    }
    const recording = this.#answers.next(asked);
    for (const [index, chunk] of recording.chunks.entries()) {
      // A chunk at a time, as from a server: whoever cancels is heard in between.
      await timeSource().sleep(0, signal, timeOf(recording, index));
      yield structuredClone(chunk);
    }
    if (recording.error !== undefined) await timeSource().sleep(0, signal, timeOf(recording, recording.chunks.length));
    await endAsRecorded(recording, signal);
  }
}

function describe({ provider, model, messages }: RecordedRequest): string {
  const last = Array.isArray(messages) ? (messages.at(-1) as { content?: unknown } | undefined)?.content : undefined;
  return `the request to ${provider}:${model} that ends with ${shownJson(JSON.stringify(last))}`;
}
