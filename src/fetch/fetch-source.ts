import type { FetchHead } from "../shared/contract/ops.ts";
import type { FetchRequest } from "./fetch-request.ts";

/** What a script sees of an answer when it begins; there is no secret in it. */
export type AnswerHead = Omit<FetchHead, "id">;

/** An answer that has begun. */
export interface FetchAnswer {
  head: AnswerHead;
  /** The next bytes; undefined at the end. */
  next(): Promise<Uint8Array | undefined>;
  /** Nobody reads on. Idempotent. */
  end(reason: unknown): void;
}

/** Who is asked when a script fetches something. */
export interface FetchSource {
  /**
   * Judges a request, once, before it is sent.
   *
   * @throws {GeppettoError} for one that the script may not make.
   */
  check(request: FetchRequest): void;
  /**
   * Sends a request that {@link check} lets pass; resolves when the answer begins.
   *
   * @param signal ends the answer as well
   * @throws {GeppettoError} a TypeError with the code ERR_FETCH where the network fails; PermissionError where it redirects
   *   to what the script may not ask.
   */
  send(request: FetchRequest, signal: AbortSignal): Promise<FetchAnswer>;
}
