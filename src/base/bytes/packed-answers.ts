/** Those that `fetch` unpacks. */
const KNOWN: ReadonlySet<string> = new Set(["gzip", "x-gzip", "deflate", "br", "zstd"]);
/** What `fetch` asks for where nobody says. */
const USUAL = /^(?:br, )?gzip, deflate(?:, (?:br|zstd))*$/;
/** The status of answers that have no body. */
export const BODILESS: ReadonlySet<unknown> = new Set([101, 204, 205, 304]);
/** Unpacked it is a thousand times as much at most, and comes all at once. */
const DEFLATE_BYTES = 512;

/** Judges how an answer is packed before anything of it is unpacked; throws to end the request. */
export type PackedJudge = (codings: readonly string[]) => void;

/** A server packs its answer in a way that would take more memory than it may. */
export class PackedError extends Error {
  override name = "PackedError";
}

/**
 * Takes gzip alone, which needs 32 KB: brotli takes 16 MB, and deflate is unpacked without regard to who reads it. What is
 * packed more than once is a million times its size.
 *
 * @throws {PackedError} for anything else.
 */
export function gzipOnly(codings: readonly string[]): void {
  if (codings.length === 0 || (codings.length === 1 && /^(?:x-)?gzip$/.test(codings[0]!))) return;
  throw new PackedError(`the server packs its answer with ${codings.join(" and ")}; gzip alone is unpacked`);
}

/** A request that asks for gzip, where it would have asked for all that `fetch` can unpack. */
export function askForGzip<T>(options: T): T {
  const { headers } = options as { headers?: unknown };
  if (typeof headers !== "object" || headers === null) return options;
  const asked = (headers as Record<string, unknown>)["accept-encoding"];
  if (typeof asked !== "string" || !USUAL.test(asked)) return options;
  return { ...options, headers: { ...headers, "accept-encoding": "gzip" } };
}

/**
 * Has an answer judged when it begins.
 *
 * @param own what hears of the answer, whose functions are those of `handler` in one of the two forms that undici has had
 */
export function judgePacked(own: Record<string, unknown>, judge: PackedJudge, { method }: { method?: unknown }): void {
  const { onResponseStart, onHeaders, onResponseData, onData } = own;
  let isDeflate = false;
  const begin = (status: unknown, value: string): void => {
    if (method === "HEAD" || BODILESS.has(status)) return;
    const codings = codingsOf(value);
    isDeflate = codings.includes("deflate");
    judge(codings);
  };
  if (typeof onResponseStart === "function") {
    own["onResponseStart"] = (...args: unknown[]): unknown => {
      const [, status, headers] = args;
      begin(status, String((headers as Record<string, string | string[]> | undefined)?.["content-encoding"] ?? ""));
      return Reflect.apply(onResponseStart, own, args);
    };
  }
  if (typeof onHeaders === "function") {
    own["onHeaders"] = (...args: unknown[]): unknown => {
      begin(args[0], rawEncoding(args[1]));
      return Reflect.apply(onHeaders, own, args);
    };
  }
  if (typeof onResponseData === "function") {
    own["onResponseData"] = (controller: unknown, chunk: Uint8Array): void => {
      const parts = isDeflate ? partsOf(chunk) : [chunk];
      for (const part of parts) Reflect.apply(onResponseData, own, [controller, part]);
    };
  }
  if (typeof onData === "function") {
    own["onData"] = (chunk: Uint8Array): unknown => {
      const parts = isDeflate ? partsOf(chunk) : [chunk];
      return parts.map((part): unknown => Reflect.apply(onData, own, [part])).at(-1);
    };
  }
}

/** What is to be unpacked, in order; nothing is where one of them is unknown. */
function codingsOf(value: string): string[] {
  const codings = value
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim());
  return codings.every((coding) => KNOWN.has(coding)) ? codings : [];
}

/** Names and values by turns. */
function rawEncoding(headers: unknown): string {
  const list = Array.isArray(headers) ? (headers as unknown[]) : [];
  return list
    .filter((_, i) => i % 2 === 1 && String(list[i - 1]).toLowerCase() === "content-encoding")
    .map(String)
    .join(",");
}

function partsOf(chunk: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.ceil(chunk.length / DEFLATE_BYTES) }, (_, i) =>
    chunk.subarray(i * DEFLATE_BYTES, (i + 1) * DEFLATE_BYTES),
  );
}
