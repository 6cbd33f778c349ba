import { MAX_FRAME_CHARS, type Frame } from "../shared/frames.ts";

/** What a process realm and its child say to each other. */
export const MESSAGE = {
  /** Parent: make the realm, with these limits and this runtime; child: it is there. */
  create: 1,
  ready: 2,
  /** Parent: deliver this frame, run this source; each is a turn. */
  invoke: 3,
  run: 4,
  /** Child: all turns up to this one are over; this one is over, and this is how it failed. */
  ended: 5,
  failed: 6,
  /** Child: the guest calls, calls and waits long, says; parent: the answer to a call. */
  call: 7,
  callBlocking: 8,
  note: 9,
  answer: 10,
  /** Child: the guest is past help. */
  memory: 11,
  /** Parent: the realm is over, make another one; child, with the same id: it is there ({@link ready}). */
  renew: 12,
} as const;

export type MessageType = (typeof MESSAGE)[keyof typeof MESSAGE];

/**
 * A message over a pair of pipes. Each is
 *
 *   u32 length of the rest · u8 type · u8 flags · u16 number of buffers · u32 id · u32 length of the data
 *   · u32 length of the text · u32 length of each buffer · data (JSON) · text · buffers
 *
 * in bytes, little-endian and bounded. The text is ASCII, or UTF-8 where the flag says so.
 */
export interface Message {
  type: MessageType;
  /** Ties an answer to its question. */
  id: number;
  /** Anything small that the type wants. */
  data?: unknown;
  frame?: Frame | undefined;
}

/** Longest message that a child accepts, in bytes; a longer one breaks the protocol. */
export const MAX_MESSAGE_BYTES: number = 128 * 1024 * 1024;

/** Longest message that a parent accepts: a child sends no buffers, and a character of its frames takes three bytes at most. */
export const MAX_CHILD_MESSAGE_BYTES: number = 3 * MAX_FRAME_CHARS + 1024 * 1024;

/** Longest data that is accepted, in bytes: it holds a few fields, what is large travels as text. */
const MAX_DATA_BYTES = 1024 * 1024;

const LENGTH_BYTES = 4;
const HEAD_BYTES = 16;
const HAS_FRAME = 1;
const IS_UTF8 = 2;

export class ProtocolError extends Error {}

/** Texts up to this long are given the room that the longest of their length takes. */
const SHORT_CHARS = 16_384;
/** Messages that are written together share pieces of this many bytes. */
const PIECE_BYTES = 65_536;
/** A piece with less room than this is not begun anew. */
const SPARE_BYTES = 4096;

const NO_BUFFERS: readonly ArrayBuffer[] = [];

/** Writes messages one after the other into the same piece of memory. */
export class MessageWriter {
  #piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  /** What is written lies from `#start` up to `#end`. */
  #start = 0;
  #end = 0;

  /** Bytes that are written. */
  get size(): number {
    return this.#end - this.#start;
  }

  add({ type, id, data, frame }: Message): void {
    const json = data === undefined ? "" : JSON.stringify(data);
    const { text, buffers = NO_BUFFERS } = frame ?? { text: "" };
    let most = LENGTH_BYTES + HEAD_BYTES + 4 * buffers.length + mostBytes(json) + mostBytes(text);
    for (const buffer of buffers) most += buffer.byteLength;
    this.#makeRoom(most);
    const bytes = this.#piece;
    const head = this.#end;
    let at = head + LENGTH_BYTES + HEAD_BYTES;
    for (const buffer of buffers) at = bytes.writeUInt32LE(buffer.byteLength, at);
    const dataBytes = json === "" ? 0 : bytes.write(json, at);
    at += dataBytes;
    const textBytes = text === "" ? 0 : bytes.write(text, at);
    at += textBytes;
    for (const buffer of buffers) {
      bytes.set(new Uint8Array(buffer), at);
      at += buffer.byteLength;
    }
    bytes.writeUInt32LE(at - head - LENGTH_BYTES, head);
    bytes[head + 4] = type;
    bytes[head + 5] = (frame === undefined ? 0 : HAS_FRAME) | (textBytes === text.length ? 0 : IS_UTF8);
    bytes.writeUInt16LE(buffers.length, head + 6);
    bytes.writeUInt32LE(id, head + 8);
    bytes.writeUInt32LE(dataBytes, head + 12);
    bytes.writeUInt32LE(textBytes, head + 16);
    this.#end = at;
  }

  /** What is written; it stays as it is. */
  take(): Buffer {
    const taken = this.#piece.subarray(this.#start, this.#end);
    this.#start = this.#end;
    return taken;
  }

  #makeRoom(bytes: number): void {
    if (this.#piece.length - this.#end >= Math.max(bytes, this.size === 0 ? SPARE_BYTES : 0)) return;
    const written = this.#piece.subarray(this.#start, this.#end);
    const piece = Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, 2 * written.length, written.length + bytes));
    written.copy(piece);
    this.#piece = piece;
    this.#start = 0;
    this.#end = written.length;
  }
}

function mostBytes(text: string): number {
  return text.length <= SHORT_CHARS ? 3 * text.length : Buffer.byteLength(text);
}

const single = new MessageWriter();

/** The bytes of one message. */
export function encodeMessage(message: Message): Buffer {
  single.add(message);
  return single.take();
}

/**
 * The message that lies between two places.
 *
 * @throws {ProtocolError | SyntaxError} when the bytes are not a message.
 */
function decodeMessage(bytes: Buffer, start: number, end: number): Message {
  if (end - start < HEAD_BYTES) throw new ProtocolError("the head is cut");
  const flags = bytes[start + 1]!;
  const count = bytes.readUInt16LE(start + 2);
  const dataBytes = bytes.readUInt32LE(start + 8);
  const textBytes = bytes.readUInt32LE(start + 12);
  const lengthsAt = start + HEAD_BYTES;
  let at = lengthsAt + 4 * count;
  if (at > end) throw new ProtocolError("the head is cut");
  if (dataBytes > MAX_DATA_BYTES) throw new ProtocolError("the data are too long");
  let told = at + dataBytes + textBytes;
  for (let i = 0; i < count; i++) told += bytes.readUInt32LE(lengthsAt + 4 * i);
  if (told !== end) throw new ProtocolError("the lengths do not add up");
  const message: Message = { type: bytes[start] as MessageType, id: bytes.readUInt32LE(start + 4) };
  if (dataBytes > 0) message.data = JSON.parse(bytes.toString("utf8", at, at + dataBytes));
  at += dataBytes;
  if ((flags & HAS_FRAME) === 0) return message;
  const text = bytes.toString((flags & IS_UTF8) === 0 ? "latin1" : "utf8", at, at + textBytes);
  message.frame = { text };
  at += textBytes;
  if (count === 0) return message;
  const buffers: ArrayBuffer[] = [];
  for (let i = 0; i < count; i++) {
    const length = bytes.readUInt32LE(lengthsAt + 4 * i);
    buffers.push(new Uint8Array(bytes.subarray(at, at + length)).buffer);
    at += length;
  }
  message.frame.buffers = buffers;
  return message;
}

/** Takes messages out of bytes as they come in pieces. */
export class MessageReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  /** Where in the first chunk the next message begins. */
  #start = 0;
  #size = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that are there. */
  get size(): number {
    return this.#size;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  /**
   * The next message, when it is there in full.
   *
   * @throws {ProtocolError | SyntaxError} when the bytes are not a message.
   */
  next(): Message | undefined {
    if (this.#size < LENGTH_BYTES) return undefined;
    const length = this.#first(LENGTH_BYTES).readUInt32LE(this.#start);
    if (length > this.#maxBytes) throw new ProtocolError("the message is too long");
    const whole = LENGTH_BYTES + length;
    if (this.#size < whole) return undefined;
    const bytes = this.#first(whole);
    const start = this.#start + LENGTH_BYTES;
    this.#start += whole;
    this.#size -= whole;
    if (this.#start === bytes.length) {
      this.#chunks.shift();
      this.#start = 0;
    }
    return decodeMessage(bytes, start, start + length);
  }

  /** The first chunk, with at least so many bytes from {@link #start} on, which are there. */
  #first(bytes: number): Buffer {
    const first = this.#chunks[0]!;
    if (first.length - this.#start >= bytes) return first;
    const joined = Buffer.concat([first.subarray(this.#start), ...this.#chunks.slice(1)]);
    this.#chunks = [joined];
    this.#start = 0;
    return joined;
  }
}
