import type { Dispatcher } from "undici";
import { withOwnBytes } from "../base/bytes/own-bytes.ts";
import { askForGzip } from "../base/bytes/packed-answers.ts";
import type { GeppettoError } from "../shared/errors.ts";
import { fetchError } from "./fetch-error.ts";

/** What unpacking keeps at most, in MB: the window, or a thousand times what has come. What is not here takes 32 KB. */
const COSTS_MB: ReadonlyMap<string, number> = new Map([
  ["br", 16],
  ["zstd", 16],
  ["deflate", 64],
]);
const MAX_MB = 64;

/** What the answers of one engine that are being unpacked may take together, whoever packs them how. */
export class Unpacking {
  #usedMB = 0;

  /**
   * Sends one request. Where its answer is packed it is judged before anything of it is unpacked.
   *
   * @param onTaken is given what to call when nothing more of the answer is kept
   */
  dispatcherFor(agent: Dispatcher, onTaken: (release: () => void) => void): Dispatcher {
    let takenMB = 0;
    const judge = (codings: readonly string[]): void => {
      // What is packed twice is a million times its size.
      if (codings.length > 1) throw fetchError(`the server has packed its answer ${codings.length} times`);
      const [coding = ""] = codings;
      // A redirect may be packed as well.
      const addedMB = (COSTS_MB.get(coding) ?? 0) - takenMB;
      if (addedMB <= 0) return;
      if (this.#usedMB + addedMB > MAX_MB) throw tooManyPacked(coding);
      this.#usedMB += addedMB;
      takenMB += addedMB;
      onTaken(() => void (this.#usedMB -= addedMB));
    };
    const dispatcher: Pick<Dispatcher, "dispatch"> = {
      dispatch: (options, handler) => agent.dispatch(askForGzip(options), withOwnBytes(handler, judge, options)),
    };
    return dispatcher as Dispatcher;
  }
}

function tooManyPacked(coding: string): GeppettoError {
  const most = Math.floor(MAX_MB / COSTS_MB.get(coding)!);
  return fetchError(
    `the server packs its answer with ${coding}, and ${most} of these may be open at a time: read others to their end first, or ask with the header accept-encoding: gzip`,
    { isTransient: true },
  );
}
