import type { FetchLike } from "@modelcontextprotocol/client";
import { fetchOwnBytes } from "../../base/bytes/own-bytes.ts";
import { Semaphore } from "../../base/semaphore.ts";
import { MessageSize, type Traffic } from "./message-size.ts";

const LF = 10;
const CR = 13;
const D = "d".charCodeAt(0);
/** What an event costs that holds nothing, in bytes of text that cost as much. */
const EVENT_WEIGHT = 1_000;

/** So many messages of a server that are larger than this come at a time, in bytes; the others wait for their rest. */
const LARGE = 1_000_000;
const MAX_LARGE = 8;

/** The place of one message among the large ones. */
class Place {
  readonly #places: Semaphore;
  readonly #ended = new AbortController();
  #leave: (() => void) | undefined;

  constructor(places: Semaphore) {
    this.#places = places;
  }

  /** Waits where a message is large and too many others are. */
  async take({ weight }: MessageSize): Promise<void> {
    if (weight > LARGE) this.#leave ??= await this.#places.acquire(this.#ended.signal);
  }

  /** Nothing comes after an error. */
  whileWell(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.end();
      throw error;
    }
  }

  /** The message is whole. */
  leave(): void {
    this.#leave?.();
    this.#leave = undefined;
  }

  /** Nothing more comes. */
  end(): void {
    this.#ended.abort();
    this.leave();
  }
}

/** Asks as `fetch` does; an answer, or an event of a stream, that is larger than it may be breaks off, and so do too many. */
export function boundedFetch(traffic: Traffic): FetchLike {
  const places = new Semaphore(MAX_LARGE);
  return async (url, init) => {
    const response = await fetchOwnBytes(url, init);
    const { body, headers, status, statusText } = response;
    if (body === null) return response;
    const isStream = headers.get("content-type")?.startsWith("text/event-stream") === true;
    const place = new Place(places);
    const counted = isStream ? countedEvents(traffic, place) : countedBody(traffic, place);
    const bounded = new Response(body.pipeThrough(counted), { status, statusText, headers });
    // What is made anew has none, and redirects are judged by it.
    Object.defineProperty(bounded, "url", { value: response.url });
    return bounded;
  };
}

type Bytes = TransformStream<Uint8Array, Uint8Array>;

function countedBody(traffic: Traffic, place: Place): Bytes {
  const size = new MessageSize();
  return new TransformStream({
    async transform(chunk, controller) {
      const before = size.weight;
      place.whileWell(() => {
        size.add(chunk);
        traffic.add(size.weight - before);
      });
      await place.take(size);
      controller.enqueue(chunk);
    },
    flush: () => place.end(),
    cancel: () => place.end(),
  });
}

/** Up to the end of an event that has data: what has none may come without end. */
function countedEvents(traffic: Traffic, place: Place): Bytes {
  let size = new MessageSize();
  let isAtLineStart = true;
  let hasData = false;
  return new TransformStream({
    async transform(chunk, controller) {
      place.whileWell(() => {
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
            place.leave();
          }
          // A line that has only begun with the mark of its end may still be blank.
          if (line.length > 1 || line[0] !== CR) isAtLineStart = at >= 0;
          start += line.length;
        }
      });
      await place.take(size);
      controller.enqueue(chunk);
    },
    flush: () => place.end(),
    cancel: () => place.end(),
  });
}
