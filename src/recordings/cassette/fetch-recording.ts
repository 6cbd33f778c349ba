import { createHash } from "node:crypto";
import type { FetchRequest } from "../../fetch/fetch-request.ts";
import type { AnswerHead } from "../../fetch/fetch-source.ts";
import { redactAll, redactDeltas, type Redact } from "../redact-secrets.ts";
import type { RecordedRequest } from "./recorded-request.ts";

/** What stands in the place of a provider's name. */
const PROVIDER = "fetch";
/** Longest body of a request that is kept as it is, in characters. */
const MAX_BODY_CHARS = 20_000;
/** Headers of answers that are not kept: they hold what stands for a person. */
const PRIVATE_HEADERS: ReadonlySet<string> = new Set(["set-cookie", "set-cookie2", "authorization", "cookie"]);

/** What servers said, as a recording keeps it: pieces of text, or of base64 for what is not UTF-8. */
export interface PackedBody {
  body: string[];
  encoding?: "base64";
}

/** The one form of a request of a script's, with what is not to be kept taken out. Its headers are not part of it. */
export function toRecordedFetch({ url, method, body, redirect }: FetchRequest, redact: Redact): RecordedRequest {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  const request: RecordedRequest = {
    provider: PROVIDER,
    model: url.host,
    method,
    url: shown.href,
    ...(redirect === "follow" ? {} : { redirect }),
  };
  const kept = redactAll(request, redact, "request");
  return body === undefined ? kept : { ...kept, body: bodyText(body, redact) };
}

/** A long body, and one that is not UTF-8, is known by its hash. */
function bodyText(body: Buffer, redact: Redact): string {
  const text = toText(body);
  const clean = text === undefined ? undefined : redact(text, "request.body");
  if (clean !== undefined && clean.length <= MAX_BODY_CHARS) return clean;
  return `sha256:${createHash("sha256")
    .update(clean ?? body)
    .digest("hex")}`;
}

/** The beginning of an answer as it is kept. */
export function toRecordedHead({ headers, ...head }: AnswerHead, redact: Redact): AnswerHead {
  const kept = headers.filter(([name]) => !PRIVATE_HEADERS.has(name.toLowerCase()));
  return redactAll({ ...head, headers: kept }, redact, "answer");
}

/** The pieces of a body, with what is not to be kept taken out, also where it is in two of them. */
export function packBody(pieces: readonly Uint8Array[], redact: Redact): PackedBody {
  const texts = pieces.map(toText);
  if (texts.every((text) => text !== undefined)) return { body: redactDeltas(texts, redact, "body") };
  const whole = toText(Buffer.concat(pieces));
  if (whole !== undefined) return { body: [redact(whole, "body")] };
  const bytes = redactDeltas(
    pieces.map((piece) => Buffer.from(piece).toString("latin1")),
    redact,
    "body",
  );
  return { body: bytes.map((text) => Buffer.from(text, "latin1").toString("base64")), encoding: "base64" };
}

export function unpackPiece(piece: string, encoding: PackedBody["encoding"]): Uint8Array {
  return new Uint8Array(Buffer.from(piece, encoding ?? "utf8"));
}

/** The text of bytes in UTF-8; undefined for others. */
function toText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** @throws {Error} that says what is wrong where these are not those of a recording. */
export function checkFetchParts({ answer, body, encoding }: Readonly<Record<string, unknown>>): void {
  if (!Array.isArray(body) || !body.every((piece) => typeof piece === "string"))
    throw new Error("its body must be a list of texts");
  if (encoding !== undefined && encoding !== "base64") throw new Error('its encoding must be "base64"');
  if (answer === undefined) return;
  const { url, status, statusText, headers, isRedirected, hasBody } = (answer ?? {}) as Record<string, unknown>;
  const isHead =
    typeof url === "string" &&
    Number.isInteger(status) &&
    (status as number) >= 200 &&
    (status as number) <= 599 &&
    typeof statusText === "string" &&
    typeof isRedirected === "boolean" &&
    typeof hasBody === "boolean";
  if (!isHead) throw new Error("its answer must have url, status, statusText, isRedirected and hasBody");
  if (!Array.isArray(headers) || !headers.every(isHeader)) throw new Error("its headers must be pairs of texts");
}

function isHeader(header: unknown): boolean {
  return Array.isArray(header) && header.length === 2 && header.every((part) => typeof part === "string");
}
