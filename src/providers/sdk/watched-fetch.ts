import { currentCall } from "../../base/call-context.ts";
import { ByteBuffer } from "../../base/bytes/byte-buffer.ts";
import { fetchOwnBytes } from "../../base/bytes/own-bytes.ts";
import { hostTime } from "../../base/time/host-time.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { tooLarge } from "../answer/answer-text.ts";
import { EventSplitter, MAX_EVENT_BYTES, type ServerEvent } from "./event-splitter.ts";
import { fetchFromOrigin } from "./follow-redirects.ts";

export type Fetch = typeof globalThis.fetch;

/** What the raw bytes told that the SDKs keep to themselves. */
export interface StreamWatch {
  readonly fetch: Fetch;
  /** What the lines of an event stream said. */
  readonly seen: EventSplitter;
  /** The event that was handed out last. */
  readonly event: Omit<ServerEvent, "bytes"> | undefined;
  /** The content type of the answer, without parameters. */
  readonly contentType: string;
  /** The whole body where it was JSON instead of events. */
  readonly jsonBody: string | undefined;
  /** The body of an answer with an error status, or its beginning. */
  readonly errorBody: string | undefined;
  /** The end marker has come: from now on a wait of more than `graceMs` ends the body, quietly. */
  settle(graceMs: number): void;
}

export interface WatchOptions {
  provider: string;
  idleTimeoutMs: number;
  /** "events" for a stream of events, "named-events" where the SDK passes over those without a name, else "bytes". */
  body: "events" | "named-events" | "bytes";
  /** Most bytes of the answer; default 256 MB. */
  maxBytes?: number;
  fetch?: Fetch;
}

const MAX_ANSWER_BYTES = 256 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
const DRAIN_MS = 1000;
/** Most events, and bytes of them, that are handed out at a time. */
const MAX_TOGETHER = 16;
const MAX_TOGETHER_BYTES = 16_384;
/** What makes an event one that every SDK hears. */
const NAME_LINE = Buffer.from("event: message\n");
const DONE = Buffer.from("data: [DONE]\n\n");
/** White space, and the bytes of a byte order mark. */
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);

/**
 * A `fetch` for one request that watches the body. While a reader waits, `idleTimeoutMs` without a byte breaks the
 * body with a transient `ProviderError`; comments and pings are bytes, and a slow reader is not a slow server. Events
 * are handed out whole, some at a time; one that is named "error" comes alone, so that it is known which it is. A body that is larger than anybody takes breaks with a `ProviderError`, and so
 * does a redirect to another origin.
 */
export function createStreamWatch(options: WatchOptions): StreamWatch {
  const inner = options.fetch ?? fetchOwnBytes;
  const { provider, maxBytes = MAX_ANSWER_BYTES } = options;
  const seen = new EventSplitter();
  const tenant = currentCall()?.tenant ?? "";
  let contentType = "";
  let graceMs: number | undefined;
  let event: Omit<ServerEvent, "bytes"> | undefined;
  let json: ByteBuffer | undefined;
  let hasBegun = false;
  let errorBody: string | undefined;

  /** What of the bytes goes on at once; JSON stays here. */
  const take = (bytes: Uint8Array): (ServerEvent | Uint8Array)[] => {
    if (options.body === "bytes") return [bytes];
    if (!hasBegun) {
      const first = bytes.find((byte) => !SPACE.has(byte));
      hasBegun = first !== undefined;
      if (first === 0x5b || first === 0x7b) json = new ByteBuffer();
    }
    if (json !== undefined) {
      json.add(bytes);
      if (json.length > MAX_EVENT_BYTES) throw tooLong(provider);
      return [];
    }
    const events = seen.push(bytes);
    if (seen.pendingBytes > MAX_EVENT_BYTES) throw tooLong(provider);
    return events;
  };

  const toSend = ({ name, data, bytes }: ServerEvent): Uint8Array => {
    // SDKs know the end by these bytes alone.
    if (data.trim() === "[DONE]") return DONE;
    const isNameless = options.body === "named-events" && name === "";
    return isNameless ? Buffer.concat([NAME_LINE, bytes]) : bytes;
  };

  const watchBody = (body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> => {
    const reader = body.getReader();
    let waiting: (ServerEvent | Uint8Array)[] = [];
    let nextPlace = 0;
    let bytesRead = 0;
    let closed = false;
    let ended = false;

    const handOut = (controller: ReadableStreamDefaultController<Uint8Array>): boolean => {
      const next = waiting[nextPlace++];
      if (next === undefined) return false;
      if (next instanceof Uint8Array) controller.enqueue(next);
      else controller.enqueue(withFollowing(next));
      return true;
    };

    /** The bytes of an event, and of those after it that go out with it. */
    const withFollowing = (first: ServerEvent): Uint8Array => {
      event = first;
      const parts = [toSend(first)];
      if (first.name === "error") return parts[0]!;
      for (let size = parts[0]!.length; parts.length < MAX_TOGETHER; nextPlace++) {
        const next = waiting[nextPlace];
        if (next === undefined || next instanceof Uint8Array || next.name === "error") break;
        size += next.bytes.length;
        if (size > MAX_TOGETHER_BYTES) break;
        event = next;
        parts.push(toSend(next));
      }
      return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    };

    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const onStall = (): void => {
            closed = true;
            if (graceMs === undefined) controller.error(stalled(provider, options.idleTimeoutMs));
            else controller.close();
            reader.cancel().catch(() => undefined);
          };
          try {
            // Reading the next event, and all that follows from it, is this tenant's part of the time.
            await hostTime.turn(tenant);
            if (closed) return;
            while (!handOut(controller)) {
              if (ended) {
                closed = true;
                controller.close();
                return;
              }
              const waitMs = Math.min(options.idleTimeoutMs, graceMs ?? options.idleTimeoutMs);
              const { done, value } = await readInTime(reader, waitMs, onStall);
              await hostTime.turn(tenant);
              if (closed) return;
              if (done) {
                ended = true;
                const last = json === undefined && options.body !== "bytes" ? seen.flush() : undefined;
                waiting = last === undefined ? [] : [last];
                nextPlace = 0;
                continue;
              }
              waiting = take(value);
              nextPlace = 0;
              bytesRead += value.length;
              if (bytesRead > maxBytes) throw tooLarge(provider, `it has more than ${maxBytes} bytes`);
            }
          } catch (error) {
            if (closed) return;
            closed = true;
            controller.error(error);
            reader.cancel().catch(() => undefined);
          }
        },
        cancel(reason) {
          closed = true;
          // Reading a finished answer to its end keeps the connection for the next request.
          if (seen.sawDone) return drain(reader);
          return reader.cancel(reason);
        },
      },
      { highWaterMark: 0 },
    );
  };

  return {
    fetch: async (input, init) => {
      await hostTime.turn(tenant);
      const response = await fetchFromOrigin(inner, input, init, provider);
      contentType = (response.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
      const { status, statusText, headers } = response;
      // An answer without a body is read, and told of, as one with an empty body.
      const body = response.body ?? new Blob([]).stream();
      if (response.ok)
        return new Response(watchBody(body), { status: response.body ? status : 200, statusText, headers });
      errorBody = await readHead(body, options.idleTimeoutMs);
      await hostTime.turn(tenant);
      return new Response(errorBody, { status, statusText, headers });
    },
    seen,
    get event() {
      return event;
    },
    get contentType() {
      return contentType;
    },
    get jsonBody() {
      return json?.text();
    },
    get errorBody() {
      return errorBody;
    },
    settle(ms) {
      graceMs = ms;
    },
  };
}

function tooLong(provider: string): GeppettoError {
  return tooLarge(provider, `one event has more than ${MAX_EVENT_BYTES} bytes`);
}

function stalled(provider: string, idleTimeoutMs: number): GeppettoError {
  return new GeppettoError(
    "ProviderError",
    `${provider}: the stream stalled: no data within ${idleTimeoutMs / 1000} s`,
    { code: "ERR_PROVIDER_TIMEOUT", isTransient: true },
  );
}

/** Reads once, and calls `onLate` when nothing has come within the time. */
async function readInTime<R extends { read(): Promise<unknown> }>(
  reader: R,
  timeoutMs: number,
  onLate: () => void,
): Promise<Awaited<ReturnType<R["read"]>>> {
  let isWaiting = true;
  const isLate = (): void => {
    if (isWaiting) onLate();
  };
  // What has come while this process was busy lies in the socket still: it is read before the server is found late.
  const timer = setTimeout(() => setImmediate(() => setImmediate(isLate)), timeoutMs);
  try {
    return (await reader.read()) as Awaited<ReturnType<R["read"]>>;
  } finally {
    isWaiting = false;
    clearTimeout(timer);
  }
}

/** The beginning of the body of an error; what does not come in time, or breaks, is as good as none. */
async function readHead(body: ReadableStream<Uint8Array>, timeoutMs: number): Promise<string> {
  const reader = body.getReader();
  const timer = setTimeout(() => void reader.cancel().catch(() => undefined), timeoutMs);
  const head = new ByteBuffer();
  try {
    while (head.length < MAX_ERROR_BYTES) {
      const { done, value } = await reader.read();
      if (done) break;
      head.add(value.subarray(0, MAX_ERROR_BYTES - head.length));
    }
  } catch {
    // The status says enough.
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => undefined);
  }
  return head.takeText();
}

async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const timer = setTimeout(() => void reader.cancel().catch(() => undefined), DRAIN_MS);
  timer.unref();
  try {
    while (!(await reader.read()).done);
  } catch {
    // What comes after the end marker does not matter, nor does a failure there.
  } finally {
    clearTimeout(timer);
  }
}
