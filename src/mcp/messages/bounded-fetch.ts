import type { FetchLike } from "@modelcontextprotocol/client";
import { fetchOwnBytes } from "../../base/bytes/own-bytes.ts";
import { MessageSize, type Traffic } from "./message-size.ts";

const LF = 10;
const CR = 13;
const D = "d".charCodeAt(0);
/** What an event costs that holds nothing, in bytes of text that cost as much. */
const EVENT_WEIGHT = 1_000;

/** Asks as `fetch` does; an answer, or an event of a stream, that is larger than it may be breaks off, and so do too many. */
export function boundedFetch(traffic: Traffic): FetchLike {
  return async (url, init) => {
    const response = await fetchOwnBytes(url, init);
    const { body, headers, status, statusText } = response;
    if (body === null) return response;
    const isStream = headers.get("content-type")?.startsWith("text/event-stream") === true;
    const counted = isStream ? countedEvents(traffic) : countedBody(traffic);
    const bounded = new Response(body.pipeThrough(counted), { status, statusText, headers });
    // What is made anew has none, and redirects are judged by it.
    Object.defineProperty(bounded, "url", { value: response.url });
    return bounded;
  };
}

type Bytes = TransformStream<Uint8Array, Uint8Array>;

function countedBody(traffic: Traffic): Bytes {
  const size = new MessageSize();
  return new TransformStream({
    transform(chunk, controller) {
      const before = size.weight;
      size.add(chunk);
      traffic.add(size.weight - before);
      controller.enqueue(chunk);
    },
  });
}

/** Up to the end of an event that has data: what has none may come without end. */
function countedEvents(traffic: Traffic): Bytes {
  let size = new MessageSize();
  let isAtLineStart = true;
  let hasData = false;
  return new TransformStream({
    transform(chunk, controller) {
      for (let start = 0; start < chunk.length;) {
        const at = chunk.indexOf(LF, start);
        const line = chunk.subarray(start, at < 0 ? chunk.length : at + 1);
        size.add(line);
        if (isAtLineStart && line[0] === D) hasData = true;
        const isBlank = isAtLineStart && (line[0] === LF || (line[0] === CR && line[1] === LF));
        if (isBlank && hasData) {
          traffic.add(size.weight + EVENT_WEIGHT);
          size = new MessageSize();
          hasData = false;
        }
        // A line that has only begun with the mark of its end may still be blank.
        if (line.length > 1 || line[0] !== CR) isAtLineStart = at >= 0;
        start += line.length;
      }
      controller.enqueue(chunk);
    },
  });
}
