import type { ChatChunk } from "../providers/index.ts";
import { GeppettoError, type ErrorName } from "../shared/errors.ts";
import type { ErrorRecord } from "../shared/frames.ts";
import type { RecordedRequest } from "./recorded-request.ts";

/** One answer of a provider, as it came. */
export interface Recording {
  /** Tells recordings of the same request apart. */
  id: string;
  /** RFC 3339. */
  recordedAt: string;
  request: RecordedRequest;
  /** Chunk by chunk, as the provider gave them. */
  chunks: ChatChunk[];
  /** How it ended: as it should, with `error`, or because whoever asked wanted no more. */
  end: "complete" | "error" | "interrupted";
  error?: ErrorRecord;
}

const ENDS: ReadonlySet<unknown> = new Set(["complete", "error", "interrupted"]);
const CHUNKS: ReadonlySet<unknown> = new Set(["text", "reasoning", "refusal", "tool-call", "end"]);

/** Throws an error that says what is wrong when `value` is no recording. */
export function parseRecording(value: unknown): Recording {
  const { id, recordedAt, request, chunks, end, error } = (value ?? {}) as Record<string, unknown>;
  const { provider, model } = (request ?? {}) as Record<string, unknown>;
  if (typeof id !== "string" || typeof recordedAt !== "string") throw new Error("it has no id and recordedAt");
  if (typeof provider !== "string" || typeof model !== "string")
    throw new Error("its request names no provider and model");
  if (!Array.isArray(chunks)) throw new Error("its chunks are no list");
  for (const [index, chunk] of chunks.entries()) {
    const { type, delta, toolCall } = (chunk ?? {}) as Record<string, unknown>;
    const isText = type === "text" || type === "reasoning" || type === "refusal";
    const isWhole = isText ? typeof delta === "string" : type !== "tool-call" || typeof toolCall === "object";
    if (!CHUNKS.has(type) || !isWhole) throw new Error(`chunks[${index}] is none`);
  }
  if (!ENDS.has(end)) throw new Error("its end is none of complete, error, interrupted");
  if (end === "complete" && (chunks.at(-1) as ChatChunk | undefined)?.type !== "end")
    throw new Error('it is complete, but its last chunk is no "end"');
  if (end === "error" && typeof (error as ErrorRecord | undefined)?.message !== "string")
    throw new Error("its error has no message");
  return value as Recording;
}

/** The error that the provider threw. */
export function toRecordedError({ name, message, code, status, isTransient, cause }: ErrorRecord): Error {
  const details = { code, status, isTransient, cause: cause && toRecordedError(cause) };
  return new GeppettoError(name as ErrorName, message, details);
}
