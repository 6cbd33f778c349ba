import { timeSource } from "../../base/time/time-source.ts";
import type { FetchRequest } from "../../fetch/fetch-request.ts";
import type { FetchAnswer, FetchSource } from "../../fetch/fetch-source.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { AnswerTimes } from "./answer-times.ts";
import { packBody, toRecordedFetch, toRecordedHead } from "./fetch-recording.ts";
import { toRecordedFailure, type FetchRecording, type Finished, type RecordingSink } from "./recording.ts";

/** Largest body of an answer that is recorded, in bytes. */
const MAX_BODY_BYTES = 16_000_000;

/**
 * What asks servers for scripts, and records what comes: the beginning of each answer, and its body piece by piece as far as
 * the script reads it; failures of the network too. What a script may not ask is not recorded.
 *
 * @example
 * setupFetch({ wrapFetch: (network) => recordingFetch(network, cassette) });
 */
export function recordingFetch(source: FetchSource, cassette: RecordingSink): FetchSource {
  return {
    check: (request) => source.check(request),
    send: (request, signal) => new RecordedExchange(request, cassette, signal).send(source),
  };
}

/** One request and its answer, while it is recorded. */
class RecordedExchange {
  readonly #request: FetchRequest;
  readonly #cassette: RecordingSink;
  readonly #signal: AbortSignal;
  readonly #times: AnswerTimes;
  readonly #add: (recording: Finished<FetchRecording>) => Promise<void>;
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;
  #answer: FetchAnswer | undefined;
  #isOver = false;

  constructor(request: FetchRequest, cassette: RecordingSink, signal: AbortSignal) {
    this.#request = request;
    this.#cassette = cassette;
    this.#signal = signal;
    this.#add = cassette.claim<FetchRecording>({ request: this.#asked, stepId: "" });
    this.#times = new AnswerTimes(cassette);
  }

  get #asked(): FetchRecording["request"] {
    return toRecordedFetch(this.#request, this.#cassette.redact);
  }

  async send(source: FetchSource): Promise<FetchAnswer> {
    const answer = await this.#recorded(() => source.send(this.#request, this.#signal));
    this.#answer = answer;
    if (!answer.head.hasBody) await this.#record({ end: "complete" });
    return {
      head: answer.head,
      next: () => this.#next(answer),
      end: (reason) => {
        answer.end(reason);
        void this.#record({ end: "interrupted" });
      },
    };
  }

  async #next(answer: FetchAnswer): Promise<Uint8Array | undefined> {
    const piece = await this.#recorded(() => answer.next());
    if (piece === undefined) await this.#record({ end: "complete" });
    else if ((this.#bytes += piece.length) <= MAX_BODY_BYTES) this.#pieces.push(piece.slice());
    return piece;
  }

  /** What comes of something, in its order among all that is recorded; how it fails is the end of the recording. */
  async #recorded<T>(ask: () => Promise<T>): Promise<T> {
    try {
      const value = await timeSource().outside(ask);
      await this.#times.next(this.#signal);
      return value;
    } catch (error) {
      if (this.#signal.aborted) await this.#record({ end: "interrupted" });
      else if (!this.#isOver) {
        await this.#times.next(this.#signal);
        await this.#record({ end: "error", error: toRecordedFailure(error, this.#cassette.redact) });
      }
      throw error;
    }
  }

  async #record(outcome: Pick<FetchRecording, "end" | "error">): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    const { redact } = this.#cassette;
    const { head } = this.#answer ?? {};
    const isTooLong = this.#bytes > MAX_BODY_BYTES;
    const body = packBody(isTooLong ? [] : this.#pieces, redact);
    const recording = {
      request: this.#asked,
      ...(head === undefined ? {} : { answer: toRecordedHead(head, redact) }),
      ...body,
      ...this.#times.end(),
      ...(isTooLong ? { end: "error" as const, error: toRecordedFailure(tooLong(), redact) } : outcome),
    };
    await this.#times.write(this.#add(recording));
  }
}

function tooLong(): GeppettoError {
  const message = `Cannot replay an answer: its body was larger than ${MAX_BODY_BYTES / 1_000_000} MB, and was not recorded`;
  return new GeppettoError("ReplayError", message, { code: "ERR_REPLAY_MISS" });
}
