import { askForGzip, gzipOnly, judgePacked, PackedError, type PackedJudge } from "./packed-answers.ts";

type Fetch = typeof globalThis.fetch;
type Handler = Record<string, unknown>;
interface Dispatcher {
  dispatch(options: unknown, handler: Handler): boolean;
}

/** A piece of an answer may hold so many times its size. */
const MAX_WASTE = 4;
/** What hears the bytes of an answer, in both forms that undici has had. */
const DATA = ["onResponseData", "onData"] as const;

/** The bytes alone, where much more came with them. */
function ownBytes(chunk: unknown): unknown {
  const isWasteful = Buffer.isBuffer(chunk) && chunk.length * MAX_WASTE < chunk.buffer.byteLength;
  return isWasteful ? Buffer.from(chunk) : chunk;
}

/**
 * What waits to be read is counted by its own bytes, but each piece holds all that came with it: a server that says much
 * about each byte would fill the memory. So a small piece is taken out of what it came in.
 *
 * @param handler undici's, which hears of an answer.
 * @param judge how it may be packed
 * @param options of the request
 */
export function withOwnBytes<H extends object>(handler: H, judge: PackedJudge, options: { method?: unknown }): H {
  const own = Object.create(handler) as Handler;
  for (const name of DATA) {
    const inner = (handler as Handler)[name];
    if (typeof inner !== "function") continue;
    own[name] = (...args: unknown[]): unknown => Reflect.apply(inner, own, args.map(ownBytes));
  }
  judgePacked(own, judge, options);
  return own as H;
}

/** Asks as `fetch` does, but what waits to be read holds its own bytes only, and answers are packed with gzip or not at all. */
export const fetchOwnBytes: Fetch = async (input, init) => {
  const inner = (init as { dispatcher?: Dispatcher } | undefined)?.dispatcher ?? globalDispatcher();
  if (inner === undefined) return globalThis.fetch(input, init);
  const dispatcher: Dispatcher = {
    dispatch: (options, handler) =>
      inner.dispatch(askForGzip(options), withOwnBytes(handler, gzipOnly, options as { method?: unknown })),
  };
  try {
    return await globalThis.fetch(input, { ...init, dispatcher } as RequestInit);
  } catch (error) {
    if (error instanceof TypeError && error.cause instanceof PackedError) throw error.cause;
    throw error;
  }
};

/** What Node's own `fetch` sends requests with, which an app may have set; undefined where it cannot be found. */
function globalDispatcher(): Dispatcher | undefined {
  // Node makes it when it first needs something of the kind.
  void new Headers();
  const form = Number.parseInt(process.versions["undici"] ?? "0", 10) < 8 ? 1 : 2;
  const found = Reflect.get(globalThis, Symbol.for(`undici.globalDispatcher.${form}`)) as
    | Partial<Dispatcher>
    | undefined;
  return typeof found?.dispatch === "function" ? (found as Dispatcher) : undefined;
}
