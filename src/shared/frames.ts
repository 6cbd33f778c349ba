/**
 * What crosses the wall between host and guest: one string per call, a JSON array that starts with the version, and
 * beside it, from the host only, ArrayBuffers for vectors. The same frames travel in every kind of realm.
 *
 *   host → guest (entry)  [1, kind, ...body]            one entry is one turn of the guest
 *   guest → host (call)   [1, op, args]  or  [1, op, args, callId]  for an asynchronous op
 *   answer to a call      {"ok":true,"value":…}  or  {"ok":false,"error":ErrorRecord}
 */
export const FRAME_VERSION = 1;

/** Longest string that either side accepts as one frame, in UTF-16 units. */
export const MAX_FRAME_CHARS: number = 16 * 1024 * 1024;

/**
 * What parts of a value count on top of their text, in characters: as long as reading them takes beside reading text.
 * Names of fields may all differ, which makes them the dearest; a message has so many for nothing.
 */
export const READING_COST = { item: 6, object: 24, field: 150, freeFields: 20_000, entry: 64, error: 300 } as const;

/** Deepest nesting of a value that crosses. */
export const MAX_VALUE_DEPTH = 200;

/** Most digits, and sign, of a bigint that crosses: reading more takes time that grows faster than they do. */
export const MAX_BIGINT_DIGITS = 4095;

/** Longest text (message or stack) of an error that crosses, in UTF-16 units. */
export const MAX_ERROR_CHARS = 8192;

/** An error as plain data. `stack` holds guest frames only; a host stack never crosses. */
export interface ErrorRecord {
  name: string;
  message: string;
  code?: string;
  isTransient?: boolean;
  status?: number;
  stack?: string;
  cause?: ErrorRecord;
  /** The errors within: `errors` of an AggregateError, `error` and `suppressed` of a SuppressedError. Some at most. */
  errors?: ErrorRecord[];
  /** Copies of the properties that a script gave it; of what is long or cannot be copied, the text. */
  fields?: Record<string, unknown>;
  /** All of these properties as the console shows them: "{ status: 500 }". */
  details?: string;
  /** The name of its class, where `name` does not say it. */
  className?: string;
  /** What may help, in one line. */
  hint?: string;
}

/** How an operation ended, as a value. */
export type Outcome<T = unknown> = { ok: true; value: T } | { ok: false; error: ErrorRecord };

/** One frame with the buffers that it refers to by index. */
export interface Frame {
  text: string;
  buffers?: ArrayBuffer[];
  /** What the text is made of, where it is one of many pieces of text. */
  piece?: Piece;
}

/** What is the same in many frames: the text before `seq`, before `time`, before `delta`, and the end. */
export type PieceShape = readonly [string, string, string, string];

/** An event of a run that is a piece of text, as its frame has it. */
export interface Piece {
  shape: PieceShape;
  seq: number;
  /** Milliseconds since the epoch. */
  time: number;
  /** In JSON. */
  delta: string;
}

/** The frame's text. */
export function pieceText({ shape: [beforeSeq, beforeTime, beforeDelta, end], seq, time, delta }: Piece): string {
  return `${beforeSeq}${seq}${beforeTime}${time}${beforeDelta}${delta}${end}`;
}
