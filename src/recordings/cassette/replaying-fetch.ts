import { timeSource } from "../../base/time/time-source.ts";
import type { FetchAnswer, FetchSource } from "../../fetch/fetch-source.ts";
import type { Cassette } from "./cassette.ts";
import { toRecordedFetch, unpackPiece } from "./fetch-recording.ts";
import { endAsRecorded, RecordedAnswers } from "./recorded-answers.ts";
import type { RecordedRequest } from "./recorded-request.ts";
import { isFetchRecording, timeOf, type FetchRecording } from "./recording.ts";
import type { ReplayOptions } from "./replaying-provider.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";

export interface FetchReplayOptions extends Pick<ReplayOptions, "repeats" | "onServe"> {
  /** Is asked for what was not recorded; default nobody is. */
  otherwise?: FetchSource;
}

/**
 * Gives scripts the recorded answers of servers, and asks nobody: `source` only judges what a script may ask. A request is
 * known by its method, URL and body; one that was recorded several times gets its answers in the order in which they were
 * asked for.
 *
 * `fetch` rejects with a `ReplayError` ("ERR_REPLAY_MISS") for a request that was not recorded: it names the nearest
 * recording and the first field that differs.
 */
export function replayingFetch(source: FetchSource, cassette: Cassette, options: FetchReplayOptions = {}): FetchSource {
  refuseWrong("replay", options, { repeats: true, otherwise: true, onServe: true });
  const { repeats = "repeat", onServe, otherwise } = options;
  const what = "recorded requests of fetch";
  const answers = new RecordedAnswers(cassette, isFetchRecording, { repeats, what, describe, onServe });
  return {
    check: (request) => source.check(request),
    async send(request, signal) {
      const asked = toRecordedFetch(request, cassette.redact);
      if (otherwise !== undefined && !answers.has(asked)) return otherwise.send(request, signal);
      signal.throwIfAborted();
      return replayed(answers.next(asked), signal);
    },
  };
}

async function replayed(recording: FetchRecording, signal: AbortSignal): Promise<FetchAnswer> {
  const { answer: head, body, encoding } = recording;
  // As from a server: whoever cancels is heard.
  const arrive = (part: number): Promise<void> => timeSource().sleep(0, signal, timeOf(recording, part));
  await arrive(0);
  if (head === undefined) {
    await endAsRecorded(recording, signal);
    throw new Error("a recording without an answer has an error");
  }
  let pieces = 0;
  return {
    head,
    async next() {
      const piece = body[pieces++];
      if (piece !== undefined || recording.end === "error") await arrive(pieces);
      if (piece !== undefined) return unpackPiece(piece, encoding);
      await endAsRecorded(recording, signal);
      return undefined;
    },
    end() {
      pieces = body.length;
    },
  };
}

function describe({ method, url }: RecordedRequest): string {
  return `the request ${String(method)} ${String(url).slice(0, 200)}`;
}
