import type { FetchConfig } from "../../../src/shared/contract/features.ts";
import { OPS, type FetchHead } from "../../../src/shared/contract/ops.ts";
import { append, promiseThen, SafePromise } from "../../../src/shared/primordials.ts";
import { markHandled } from "../core/calls.ts";
import { type AsyncCall, callAsync, callNote } from "../core/kernel.ts";
import { abortReason, type AbortSignal, isAborted, onAbort } from "../web/abort.ts";
import { defineClass, defineOperation } from "../web/define-class.ts";
import type { BodySource, SentBody } from "./body.ts";
import { Headers, headerPairs } from "./headers.ts";
import { Request, type RequestState, requestState } from "./request.ts";
import { createResponse, Response } from "./response.ts";
import { defineSecrets } from "./secrets.ts";

/** The rest of an answer, read from the host as it is asked for. */
class AnswerSource implements BodySource {
  readonly #id: number;
  readonly #forget: () => void;
  #call: AsyncCall<Uint8Array | null> | undefined;
  #aborted: { reason: unknown } | undefined;

  constructor(id: number, signal: AbortSignal) {
    this.#id = id;
    if (isAborted(signal)) this.#abort(abortReason(signal));
    this.#forget = onAbort(signal, (reason) => this.#abort(reason));
  }

  read(): Promise<Uint8Array | null> {
    const aborted = this.#aborted;
    if (aborted !== undefined) return new SafePromise((_, reject) => reject(aborted.reason));
    const call = callAsync(OPS.fetch_read, { id: this.#id }, { onSettled: () => (this.#call = undefined) });
    this.#call = call;
    return promiseThen(call.promise, (bytes) => {
      if (bytes === null) this.#forget();
      return bytes;
    }) as Promise<Uint8Array | null>;
  }

  cancel(): void {
    this.#forget();
    callNote(OPS.fetch_close, { id: this.#id });
  }

  #abort(reason: unknown): void {
    this.#aborted = { reason };
    this.#call?.abort(reason);
    callNote(OPS.fetch_close, { id: this.#id });
  }
}

function sendable(headers: Headers): [string, string][] {
  const pairs = headerPairs(headers)!;
  const list: [string, string][] = [];
  for (let i = 0; i < pairs.length; i++) append(list, [pairs[i]!.name, pairs[i]!.value]);
  return list;
}

function send({ url, method, headers, redirect, signal }: RequestState, body: SentBody | undefined): Promise<Response> {
  if (isAborted(signal)) throw abortReason(signal);
  let forget = (): void => {};
  const toResponse = (head: FetchHead): Response => createResponse(head, () => new AnswerSource(head.id, signal));
  const call = callAsync(
    OPS.fetch_send,
    { url, method, headers: sendable(headers), redirect, ...body },
    { map: toResponse, onSettled: () => forget() },
  );
  forget = onAbort(signal, (reason) => call.abort(reason));
  return call.promise;
}

/** Resolves with an answer when its headers have come. */
function fetch(input: unknown, ...options: unknown[]): Promise<Response> {
  const promise = new SafePromise<Response>((resolve, reject) => {
    const state = requestState(new Request(input, options[0]))!;
    const { signal } = state;
    if (isAborted(signal)) throw abortReason(signal);
    // The signal may live long: it holds the promise no longer than it is pending.
    const forget = onAbort(signal, () => markHandled(promise));
    const succeed = (response: unknown): void => {
      forget();
      resolve(response as Response);
    };
    const fail = (error: unknown): void => {
      forget();
      reject(error);
    };
    // Called at once where the body is there: an error then shows where the script has asked.
    state.body.send((body) => void promiseThen(send(state, body), succeed, fail), fail);
  });
  return promise;
}

/** `fetch` and what belongs to it, and `secrets`. */
export function installFetch({ secrets }: FetchConfig): void {
  defineClass("Headers", Headers, {
    lengths: { append: 2, delete: 1, get: 1, has: 1, set: 2, forEach: 1, constructor: 0 },
  });
  defineClass("Request", Request, { lengths: { constructor: 1 } });
  defineClass("Response", Response, {
    lengths: { constructor: 0 },
    statics: ["error", "json", "redirect"],
  });
  defineOperation("fetch", fetch);
  defineSecrets(secrets);
}
