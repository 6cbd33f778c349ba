import { GeppettoError } from "../../shared/errors.ts";

export type Fetch = typeof globalThis.fetch;

/** What the raw bytes told that the SDKs keep to themselves. */
export interface StreamWatch {
  readonly fetch: Fetch;
  /** Was there a `data: [DONE]` line? */
  readonly sawDone: boolean;
  /** The text of the first `error:` field, which the SDKs drop. */
  readonly errorField: string | undefined;
  /** Was any line one of an event stream? */
  readonly isEventStream: boolean;
  /** The content type of the answer, without parameters. */
  readonly contentType: string;
  /** The whole body where it was JSON instead of events, up to 4 MB. */
  readonly jsonBody: string;
  /** The end marker has come: from now on a wait of more than `graceMs` ends the body, quietly. */
  settle(graceMs: number): void;
}

const MAX_LINE_HEAD = 4096;
const MAX_JSON_BODY = 4 * 1024 * 1024;
const DRAIN_MS = 1000;
const FIELD = /^\uFEFF?(?:(?:data|event|id|retry|error)\s?:|:)/i;

/**
 * A `fetch` for one request that watches the body. While a reader waits, `idleTimeoutMs` without a byte breaks the
 * body with a transient `ProviderError`; comments and pings are bytes, and a slow reader is not a slow server.
 */
export function createStreamWatch(options: { provider: string; idleTimeoutMs: number; fetch?: Fetch }): StreamWatch {
  const inner = options.fetch ?? globalThis.fetch;
  const seen = new LineScanner();
  let contentType = "";
  let graceMs: number | undefined;

  const watchBody = (body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> => {
    const reader = body.getReader();
    let closed = false;
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const timer = setTimeout(
            () => {
              closed = true;
              if (graceMs === undefined) controller.error(stalled(options.provider, options.idleTimeoutMs));
              else controller.close();
              reader.cancel().catch(() => undefined);
            },
            Math.min(options.idleTimeoutMs, graceMs ?? options.idleTimeoutMs),
          );
          try {
            const { done, value } = await reader.read();
            if (closed) return;
            if (!done) {
              seen.push(value);
              controller.enqueue(value);
              return;
            }
            closed = true;
            seen.endLine();
            // The last event counts even where the server forgot the blank line after it.
            if (seen.isEventStream) controller.enqueue(new Uint8Array([10, 10]));
            controller.close();
          } catch (error) {
            if (closed) return;
            closed = true;
            controller.error(error);
          } finally {
            clearTimeout(timer);
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
      const response = await inner(input, init);
      contentType = (response.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
      if (!response.body || !response.ok) return response;
      seen.keepBody = contentType === "application/json";
      const { status, statusText, headers } = response;
      return new Response(watchBody(response.body), { status, statusText, headers });
    },
    get sawDone() {
      return seen.sawDone;
    },
    get errorField() {
      return seen.errorField;
    },
    get isEventStream() {
      return seen.isEventStream;
    },
    get contentType() {
      return contentType;
    },
    get jsonBody() {
      return Buffer.concat(seen.body).toString("utf8");
    },
    settle(ms) {
      graceMs = ms;
    },
  };
}

function stalled(provider: string, idleTimeoutMs: number): GeppettoError {
  return new GeppettoError(
    "ProviderError",
    `${provider}: the stream stalled: no data within ${idleTimeoutMs / 1000} s`,
    { code: "ERR_PROVIDER_TIMEOUT", isTransient: true },
  );
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

class LineScanner {
  sawDone = false;
  errorField: string | undefined;
  isEventStream = false;
  keepBody = false;
  readonly body: Uint8Array[] = [];
  #bodyBytes = 0;
  #head: Buffer[] = [];
  #headBytes = 0;

  push(bytes: Uint8Array): void {
    if (this.keepBody && this.#bodyBytes < MAX_JSON_BODY) {
      this.body.push(bytes);
      this.#bodyBytes += bytes.length;
    }
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let start = 0; start < chunk.length;) {
      const newline = chunk.indexOf(10, start);
      const end = newline < 0 ? chunk.length : newline;
      const room = MAX_LINE_HEAD - this.#headBytes;
      if (room > 0 && end > start) {
        const piece = Buffer.from(chunk.subarray(start, Math.min(end, start + room)));
        this.#head.push(piece);
        this.#headBytes += piece.length;
      }
      if (newline < 0) return;
      this.endLine();
      start = newline + 1;
    }
  }

  endLine(): void {
    if (this.#headBytes === 0) return;
    const line = Buffer.concat(this.#head).toString("utf8").trimEnd();
    this.#head = [];
    this.#headBytes = 0;
    if (!FIELD.test(line)) return;
    this.isEventStream = true;
    if (/^data: ?\[DONE\]$/.test(line)) this.sawDone = true;
    else if (/^error\s?:/i.test(line)) this.errorField ??= line.slice(line.indexOf(":") + 1).trim();
  }
}
