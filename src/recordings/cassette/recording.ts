import type { ChatChunk } from "../../providers/chat-provider.ts";
import { GeppettoError, toErrorRecord, type ErrorName } from "../../shared/errors.ts";
import type { ErrorRecord } from "../../shared/frames.ts";
import type { RecordedRequest } from "./recorded-request.ts";
import { redactAll, type Redact } from "../redact-secrets.ts";
import type { AnswerHead } from "../../fetch/fetch-source.ts";
import { checkMcpParts, type McpParts } from "./mcp-recording.ts";
import { checkFetchParts, type PackedBody } from "./fetch-recording.ts";
import { fromVectorText } from "./vector-text.ts";

interface RecordingHead {
  /** Tells recordings of the same request apart. */
  id: string;
  /** When it was asked for, RFC 3339. */
  recordedAt: string;
  /** When it had been answered. Recordings of earlier versions do not say so. */
  endedAt?: string;
  /**
   * When each chunk came, or the vectors, or what a server told and gave, then the error if there was one: in milliseconds since the epoch. It is there
   * where other answers came meanwhile, so that they can be given in the same order again.
   */
  times?: number[];
  request: RecordedRequest;
  /** How it ended: as it should, with `error`, or because whoever asked wanted no more. */
  end: "complete" | "error" | "interrupted";
  error?: ErrorRecord;
}

/** One answer of a chat provider, as it came. */
export interface ChatRecording extends RecordingHead {
  /** Chunk by chunk, as the provider gave them. */
  chunks: ChatChunk[];
}

/** What an embedding provider gave for a list of texts, the `texts` of the request. */
export interface EmbeddingRecording extends RecordingHead {
  /** Numbers in each vector. */
  dimensions: number;
  /** A vector for each text, in their order: 32-bit floats, little endian, as base64. Empty where it did not complete. */
  vectors: string[];
}

/** What a server answered a script's `fetch`. */
export interface FetchRecording extends RecordingHead, PackedBody {
  /** Absent where there was none. */
  answer?: AnswerHead;
}

/** What came of a call of an MCP server's tool, or what the server was asked otherwise. */
export interface McpRecording extends RecordingHead, McpParts {}

/** One answer of a provider, or of a server. */
export type Recording = ChatRecording | EmbeddingRecording | FetchRecording | McpRecording;

/** A recording as whoever made it hands it over: when it was made and its id are the cassette's to say. */
export type Finished<R extends Recording> = Omit<R, "id" | "recordedAt" | "endedAt">;

/** Where recordings go: a cassette is one. */
export interface RecordingSink {
  /** Takes out what is not to be kept. */
  readonly redact: Redact;
  /**
   * Hears of a request that is about to be made.
   *
   * @param asked the request, and the run of the step that makes it, "" where that is not known.
   * @returns what takes the recording when it is finished, and never rejects; the end of an answer waits for it.
   */
  claim<R extends Recording = ChatRecording>(asked: {
    request: RecordedRequest;
    stepId: string;
  }): (recording: Finished<R>) => Promise<void>;
}

const ENDS: ReadonlySet<unknown> = new Set(["complete", "error", "interrupted"]);
const CHUNKS: ReadonlySet<unknown> = new Set(["text", "reasoning", "refusal", "tool-call", "end"]);

export function isEmbeddingRecording(recording: Recording): recording is EmbeddingRecording {
  return "vectors" in recording;
}

export function isFetchRecording(recording: Recording): recording is FetchRecording {
  return "body" in recording;
}

export function isMcpRecording(recording: Recording): recording is McpRecording {
  return "told" in recording;
}

export function isChatRecording(recording: Recording): recording is ChatRecording {
  return !isEmbeddingRecording(recording) && !isFetchRecording(recording) && !isMcpRecording(recording);
}

/** Throws an error that says what is wrong when `value` is not a recording. */
export function parseRecording(value: unknown): Recording {
  const { id, recordedAt, times, request, vectors, body, told, end, error } = (value ?? {}) as Record<string, unknown>;
  const { provider, model } = (request ?? {}) as Record<string, unknown>;
  if (typeof id !== "string" || typeof recordedAt !== "string") throw new Error("it has no id and recordedAt");
  if (typeof provider !== "string" || typeof model !== "string")
    throw new Error("its request names no provider and model");
  if (!ENDS.has(end)) throw new Error("its end must be complete, error or interrupted");
  if (end === "error" && typeof (error as ErrorRecord | undefined)?.message !== "string")
    throw new Error("its error has no message");
  if (times !== undefined && !(Array.isArray(times) && times.every(Number.isFinite)))
    throw new Error("its times must be a list of numbers");
  if (told !== undefined) checkMcpParts(value as Record<string, unknown>);
  else if (body !== undefined) {
    checkFetchParts(value as Record<string, unknown>);
    if (end === "complete" && (value as FetchRecording).answer === undefined)
      throw new Error("it is complete, but has no answer");
  } else if (vectors === undefined) checkChunks(value as ChatRecording);
  else checkVectors(value as EmbeddingRecording);
  return value as Recording;
}

function checkChunks({ chunks, end }: { chunks: unknown; end: unknown }): void {
  if (!Array.isArray(chunks)) throw new Error("its chunks must be a list");
  for (const [index, chunk] of chunks.entries()) {
    const { type, delta, toolCall } = (chunk ?? {}) as Record<string, unknown>;
    const isText = type === "text" || type === "reasoning" || type === "refusal";
    const isWhole = isText ? typeof delta === "string" : type !== "tool-call" || typeof toolCall === "object";
    if (!CHUNKS.has(type) || !isWhole) throw new Error(`chunks[${index}] is not a chunk`);
  }
  if (end === "complete" && (chunks.at(-1) as ChatChunk | undefined)?.type !== "end")
    throw new Error('it is complete, but its last chunk is not "end"');
}

function checkVectors({
  vectors,
  dimensions,
  end,
  request,
}: Omit<EmbeddingRecording, "vectors"> & { vectors: unknown }): void {
  const { texts } = request as { texts?: unknown };
  if (!Array.isArray(texts)) throw new Error("its request has no texts");
  if (!Array.isArray(vectors)) throw new Error("its vectors must be a list");
  if (!Number.isInteger(dimensions)) throw new Error("its dimensions must be a whole number");
  for (const [index, vector] of vectors.entries()) {
    if (fromVectorText(vector, dimensions) === undefined)
      throw new Error(`vectors[${index}] does not have ${dimensions} dimensions`);
  }
  if (end === "complete" && vectors.length !== texts.length)
    throw new Error(`it has ${vectors.length} vectors for ${texts.length} texts`);
}

/** The time of a part of an answer among those of one cassette: they are given again in this order. */
export function timeOf({ times, endedAt, recordedAt }: Recording, index: number): number {
  return times?.[index] ?? (Date.parse(endedAt ?? recordedAt) || 0);
}

/** What is kept of an error that a provider threw. */
export function toRecordedFailure(error: unknown, redact: Redact): ErrorRecord {
  const { stack: _, ...record } = toErrorRecord(error);
  return redactAll(record, redact, "error");
}

/** The error that the provider threw. */
export function toRecordedError({ name, message, code, status, isTransient, cause }: ErrorRecord): Error {
  const details = { code, status, isTransient, cause: cause && toRecordedError(cause) };
  return new GeppettoError(name as ErrorName, message, details);
}
