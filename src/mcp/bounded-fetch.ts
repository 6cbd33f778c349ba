import type { FetchLike } from "@modelcontextprotocol/client";

const LF = 10;
const CR = 13;
const D = "d".charCodeAt(0);

/** Asks as `fetch` does; an answer, or an event of a stream, that has more bytes than it may breaks off. */
export function boundedFetch(maxBytes: number): FetchLike {
  return async (url, init) => {
    const response = await fetch(url, init);
    const { body, headers, status, statusText } = response;
    if (body === null) return response;
    const isStream = headers.get("content-type")?.startsWith("text/event-stream") === true;
    const bounded = new Response(body.pipeThrough(counted(maxBytes, isStream)), { status, statusText, headers });
    // What is made anew has none, and redirects are judged by it.
    Object.defineProperty(bounded, "url", { value: response.url });
    return bounded;
  };
}

/** Counts bytes; of a stream of events up to the end of one that has data: what has none may come without end. */
function counted(maxBytes: number, isStream: boolean): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  let isAtLineStart = true;
  let hasData = false;
  return new TransformStream({
    transform(chunk, controller) {
      if (!isStream) bytes += chunk.length;
      else {
        for (const byte of chunk) {
          bytes++;
          if (isAtLineStart && byte === D) hasData = true;
          if (isAtLineStart && byte === LF && hasData) {
            bytes = 0;
            hasData = false;
          }
          if (byte !== CR) isAtLineStart = byte === LF;
          if (bytes > maxBytes) break;
        }
      }
      if (bytes > maxBytes) throw new Error(`the answer exceeded maximum size of ${maxBytes} bytes`);
      controller.enqueue(chunk);
    },
  });
}
