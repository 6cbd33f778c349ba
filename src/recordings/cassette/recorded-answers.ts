import { timeSource } from "../../base/time/time-source.ts";
import { abortable } from "../../base/abortable.ts";
import { GeppettoError } from "../../shared/errors.ts";
import type { Cassette } from "./cassette.ts";
import { nearestRecording } from "./nearest-recording.ts";
import { requestKey, type RecordedRequest } from "./recorded-request.ts";
import { toRecordedError, type Recording } from "./recording.ts";

export interface RecordedAnswersOptions {
  /** "repeat": a request that is made more often than it was recorded gets its last answer again; "once": an error. */
  repeats: "repeat" | "once";
  /** What these are, for messages: "recordings". */
  what: string;
  /** Names a request: "the request to openai:m that …". */
  describe: (request: RecordedRequest) => string;
  /** Hears of each recording that is replayed. */
  onServe?: ((recording: Recording) => void) | undefined;
}

/** How long a recording that was cut short waits to be cut short again. */
const CANCEL_WAIT_MS = 5000;
const MAX_SHOWN = 120;

/** The answers of one kind in a cassette, each request's in the order in which they were asked for. */
export class RecordedAnswers<R extends Recording> {
  readonly #cassette: Cassette;
  readonly #all: readonly Recording[];
  readonly #own: readonly R[];
  readonly #byKey: Map<string, R[]>;
  readonly #served = new Map<string, number>();
  readonly #options: RecordedAnswersOptions;

  constructor(cassette: Cassette, isOwn: (recording: Recording) => recording is R, options: RecordedAnswersOptions) {
    this.#cassette = cassette;
    this.#all = cassette.recordings;
    this.#own = this.#all.filter(isOwn);
    this.#byKey = Map.groupBy(this.#own, ({ request }) => requestKey(request));
    this.#options = options;
  }

  /** The provider of the oldest. */
  get provider(): string | undefined {
    return this.#own[0]?.request.provider;
  }

  /** Was the same ever asked? */
  has(asked: RecordedRequest): boolean {
    return this.#byKey.has(requestKey(asked));
  }

  /** @throws {GeppettoError} ReplayError that names the nearest recording and the first field that differs. */
  next(asked: RecordedRequest): R {
    const { repeats, describe, onServe } = this.#options;
    const key = requestKey(asked);
    const answers = this.#byKey.get(key);
    if (answers === undefined) throw this.#miss(asked);
    const count = this.#served.get(key) ?? 0;
    this.#served.set(key, count + 1);
    const answer = answers[count] ?? (repeats === "repeat" ? answers.at(-1) : undefined);
    if (answer !== undefined) {
      onServe?.(answer);
      return answer;
    }
    const times = answers.length === 1 ? "once" : `${answers.length} times`;
    throw replayError(`${describe(asked)} was recorded ${times} in ${this.#cassette.name} and is requested once more`);
  }

  #miss(asked: RecordedRequest): GeppettoError {
    const { describe, what } = this.#options;
    const { name } = this.#cassette;
    const nearest = nearestRecording(asked, this.#own);
    if (nearest === undefined) return replayError(`there are no ${what} in ${name}`);
    const place = this.#all.indexOf(nearest.recording) + 1;
    const { field, recorded, asked: wanted } = nearest;
    return replayError(
      `${describe(asked)} was not recorded; the nearest of ${this.#all.length} in ${name} is recording ${place}, ` +
        `where ${field} differs: recorded ${shownJson(recorded)}, asked ${shownJson(wanted)}`,
    );
  }
}

/**
 * Ends as the recorded answer did, where that did not end well: with its error, or, where whoever asked wanted no more
 * then, when they want no more now.
 */
export async function endAsRecorded({ end, error }: Recording, signal: AbortSignal): Promise<void> {
  if (error !== undefined) throw toRecordedError(error);
  if (end !== "interrupted") return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = timeSource().after(CANCEL_WAIT_MS, resolve);
  try {
    await timeSource().parked(() => abortable(promise, signal));
  } finally {
    stop();
  }
  throw replayError("the answer ends where the recorded run was cancelled, and this one was not");
}

/** A value as JSON, shortened for a message. */
export function shownJson(json: string | undefined): string {
  if (json === undefined) return "nothing";
  return json.length > MAX_SHOWN ? `${json.slice(0, MAX_SHOWN).toWellFormed()}…` : json;
}

function replayError(why: string): GeppettoError {
  return new GeppettoError("ReplayError", `Cannot replay an answer: ${why}`, { code: "ERR_REPLAY_MISS" });
}
