import { abortable } from "../base/abortable.ts";
import type { ChatChunk, ChatProvider, ChatRequest } from "../providers/index.ts";
import { GeppettoError } from "../shared/errors.ts";
import type { Cassette } from "./cassette.ts";
import { nearestRecording } from "./nearest-recording.ts";
import { requestKey, toRecordedRequest, type RecordedRequest, type RequestDefaults } from "./recorded-request.ts";
import { toRecordedError, type Recording } from "./recording.ts";

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
}

/** How long a recording that was cut short waits to be cut short again. */
const CANCEL_WAIT_MS = 5000;
const MAX_SHOWN = 120;

/**
 * A provider that answers from a cassette and never asks anybody: the same chunks, or the same error. A request that was
 * recorded several times gets its answers in the order in which they were asked for.
 *
 * The stream throws a `ReplayError` ("ERR_REPLAY_MISS") for a request that was not recorded: it names the nearest
 * recording and the first field that differs.
 */
export function replayingProvider(cassette: Cassette, options: ReplayOptions = {}): ChatProvider {
  return new ReplayingProvider(cassette, options);
}

class ReplayingProvider implements ChatProvider {
  readonly name: string;
  readonly #cassette: Cassette;
  readonly #recordings: readonly Recording[];
  readonly #byKey: Map<string, Recording[]>;
  readonly #served = new Map<string, number>();
  readonly #repeats: "repeat" | "once";
  readonly #defaults: RequestDefaults | undefined;

  constructor(cassette: Cassette, { name, repeats = "repeat", defaults }: ReplayOptions) {
    this.#cassette = cassette;
    this.#defaults = defaults;
    this.#recordings = cassette.recordings;
    this.#byKey = Map.groupBy(this.#recordings, ({ request }) => requestKey(request));
    this.name = name ?? this.#recordings[0]?.request.provider ?? "replay";
    this.#repeats = repeats;
  }

  async *stream(request: ChatRequest, { signal }: { signal: AbortSignal }): AsyncGenerator<ChatChunk, void, undefined> {
    signal.throwIfAborted();
    const { redact } = this.#cassette;
    const recording = this.#next(toRecordedRequest(this.name, request, { redact, defaults: this.#defaults }));
    for (const chunk of recording.chunks) {
      // A chunk at a time, as from a server: whoever cancels is heard in between.
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
      yield structuredClone(chunk);
    }
    if (recording.error !== undefined) throw toRecordedError(recording.error);
    if (recording.end === "interrupted") await cutShort(signal);
  }

  #next(asked: RecordedRequest): Recording {
    const key = requestKey(asked);
    const answers = this.#byKey.get(key);
    if (answers === undefined) throw this.#miss(asked);
    const count = this.#served.get(key) ?? 0;
    this.#served.set(key, count + 1);
    const answer = answers[count] ?? (this.#repeats === "repeat" ? answers.at(-1) : undefined);
    if (answer !== undefined) return answer;
    const times = answers.length === 1 ? "once" : `${answers.length} times`;
    throw replayError(`${describe(asked)} was recorded ${times} in ${this.#cassette.name} and is asked once more`);
  }

  #miss(asked: RecordedRequest): GeppettoError {
    const { length } = this.#recordings;
    const nearest = nearestRecording(asked, this.#recordings);
    if (nearest === undefined) return replayError(`there are no recordings in ${this.#cassette.name}`);
    const place = this.#recordings.indexOf(nearest.recording) + 1;
    const { field, recorded, asked: wanted } = nearest;
    return replayError(
      `${describe(asked)} was not recorded; the nearest of ${length} in ${this.#cassette.name} is recording ${place}, ` +
        `where ${field} differs: recorded ${shown(recorded)}, asked ${shown(wanted)}`,
    );
  }
}

/** Whoever wanted no more then is to want no more now. */
async function cutShort(signal: AbortSignal): Promise<never> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, CANCEL_WAIT_MS);
  try {
    await abortable(promise, signal);
  } finally {
    clearTimeout(timer);
  }
  throw replayError("the answer ends where the recorded run was cancelled, and this one was not");
}

function describe({ provider, model, messages }: RecordedRequest): string {
  const last = Array.isArray(messages) ? (messages.at(-1) as { content?: unknown } | undefined)?.content : undefined;
  return `the request to ${provider}:${model} that ends with ${shown(JSON.stringify(last))}`;
}

function shown(json: string | undefined): string {
  if (json === undefined) return "nothing";
  return json.length > MAX_SHOWN ? `${json.slice(0, MAX_SHOWN).toWellFormed()}…` : json;
}

function replayError(why: string): GeppettoError {
  return new GeppettoError("ReplayError", `Cannot replay an answer: ${why}`, { code: "ERR_REPLAY_MISS" });
}
