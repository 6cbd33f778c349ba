import type { ReadableStreamDefaultReader } from "node:stream/web";
import { GeppettoError } from "../shared/errors.ts";
import { fetchError, toFetchError } from "./fetch-error.ts";
import { SecretFilter, type SecretPatterns } from "./secret-patterns.ts";

export interface FetchLimits {
  /** Requests and answers under way at a time. */
  fetches: number;
  /** Bytes of one answer, unpacked. */
  responseBytes: number;
  /** Longest time of one request with its answer, in milliseconds. */
  fetchMs: number;
}

/** One request, from its sending to the end of its answer. */
export class OpenFetch {
  readonly #limits: FetchLimits;
  readonly #tooMuch: (limit: keyof FetchLimits) => GeppettoError;
  readonly #filter: SecretFilter | undefined;
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #bytes = 0;
  #isReading = false;
  #isEnded = false;
  readonly #onEnd: (() => void)[] = [];

  constructor(limits: FetchLimits, patterns: SecretPatterns, tooMuch: (limit: keyof FetchLimits) => GeppettoError) {
    this.#limits = limits;
    this.#tooMuch = tooMuch;
    this.#filter = patterns.isEmpty ? undefined : new SecretFilter(patterns);
    this.#timer = setTimeout(() => this.end(tooMuch("fetchMs")), limits.fetchMs);
    this.#timer.unref();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Calls back once, when nothing more comes. */
  onEnd(fn: () => void): void {
    if (this.#abort.signal.aborted) fn();
    else this.#onEnd.push(fn);
  }

  /** The answer has begun, and its body is read from here. */
  begin(reader: ReadableStreamDefaultReader<Uint8Array>): void {
    this.#reader = reader;
  }

  /** The next bytes of the answer; undefined at its end. */
  async next(): Promise<Uint8Array | undefined> {
    if (this.#isEnded) return undefined;
    if (this.#reader === undefined || this.#isReading) throw fetchError("the answer is being read already");
    this.#isReading = true;
    try {
      return await this.#next(this.#reader);
    } catch (error) {
      this.#abort.signal.throwIfAborted();
      this.#finish();
      throw toFetchError(error);
    } finally {
      this.#isReading = false;
    }
  }

  async #next(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | undefined> {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) {
        this.#isEnded = true;
        this.#finish();
        const rest = this.#filter?.end();
        return rest === undefined || rest.length === 0 ? undefined : rest;
      }
      this.#bytes += value.length;
      if (this.#bytes > this.#limits.responseBytes) {
        const error = this.#tooMuch("responseBytes");
        this.end(error);
        throw error;
      }
      const bytes = this.#filter === undefined ? value : this.#filter.push(value);
      if (bytes.length > 0) return bytes;
    }
  }

  /** Ends the request, and its connection where the answer has not come to its end. */
  end(reason: unknown): void {
    this.#finish();
    this.#abort.abort(reason);
  }

  #finish(): void {
    clearTimeout(this.#timer);
    for (const fn of this.#onEnd.splice(0)) fn();
  }
}
