import type { Readable, Writable } from "node:stream";
import { hostTime } from "../base/time/host-time.ts";
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
  frame?: Frame;
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

export function encodeMessage({ type, id, data, frame }: Message): Buffer {
  const json = data === undefined ? "" : JSON.stringify(data);
  const dataBytes = json === "" ? 0 : Buffer.byteLength(json);
  const text = frame?.text ?? "";
  const textBytes = Buffer.byteLength(text);
  const isUtf8 = textBytes !== text.length;
  const buffers = frame?.buffers ?? [];
  let rest = HEAD_BYTES + 4 * buffers.length + dataBytes + textBytes;
  for (const buffer of buffers) rest += buffer.byteLength;
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + rest);
  bytes.writeUInt32LE(rest, 0);
  bytes[4] = type;
  bytes[5] = (frame === undefined ? 0 : HAS_FRAME) | (isUtf8 ? IS_UTF8 : 0);
  bytes.writeUInt16LE(buffers.length, 6);
  bytes.writeUInt32LE(id, 8);
  bytes.writeUInt32LE(dataBytes, 12);
  bytes.writeUInt32LE(textBytes, 16);
  let at = LENGTH_BYTES + HEAD_BYTES;
  for (const buffer of buffers) at = bytes.writeUInt32LE(buffer.byteLength, at);
  if (dataBytes > 0) at += bytes.write(json, at, "utf8");
  if (textBytes > 0) at += bytes.write(text, at, isUtf8 ? "utf8" : "latin1");
  for (const buffer of buffers) {
    bytes.set(new Uint8Array(buffer), at);
    at += buffer.byteLength;
  }
  return bytes;
}

/** @throws {ProtocolError | SyntaxError} when the bytes are not a message. */
function decodeMessage(rest: Buffer): Message {
  if (rest.length < HEAD_BYTES) throw new ProtocolError("the head is cut");
  const flags = rest[1]!;
  const count = rest.readUInt16LE(2);
  const dataBytes = rest.readUInt32LE(8);
  const textBytes = rest.readUInt32LE(12);
  let at = HEAD_BYTES + 4 * count;
  if (at > rest.length) throw new ProtocolError("the head is cut");
  if (dataBytes > MAX_DATA_BYTES) throw new ProtocolError("the data are too long");
  let end = at + dataBytes + textBytes;
  for (let i = 0; i < count; i++) end += rest.readUInt32LE(HEAD_BYTES + 4 * i);
  if (end !== rest.length) throw new ProtocolError("the lengths do not add up");
  const message: Message = { type: rest[0] as MessageType, id: rest.readUInt32LE(4) };
  if (dataBytes > 0) message.data = JSON.parse(rest.toString("utf8", at, at + dataBytes));
  at += dataBytes;
  if ((flags & HAS_FRAME) === 0) return message;
  const text = rest.toString((flags & IS_UTF8) === 0 ? "latin1" : "utf8", at, at + textBytes);
  message.frame = { text };
  at += textBytes;
  if (count === 0) return message;
  const buffers: ArrayBuffer[] = [];
  for (let i = 0; i < count; i++) {
    const length = rest.readUInt32LE(HEAD_BYTES + 4 * i);
    buffers.push(new Uint8Array(rest.subarray(at, at + length)).buffer);
    at += length;
  }
  message.frame.buffers = buffers;
  return message;
}

/** Takes messages out of bytes as they come in pieces. */
export class MessageReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
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
    if (this.#chunks[0]!.length < LENGTH_BYTES) this.#join();
    const length = this.#chunks[0]!.readUInt32LE(0);
    if (length > this.#maxBytes) throw new ProtocolError("the message is too long");
    if (this.#size < LENGTH_BYTES + length) return undefined;
    if (this.#chunks[0]!.length < LENGTH_BYTES + length) this.#join();
    const all = this.#chunks[0]!;
    const end = LENGTH_BYTES + length;
    if (all.length > end) this.#chunks[0] = all.subarray(end);
    else this.#chunks.shift();
    this.#size -= end;
    return decodeMessage(all.subarray(LENGTH_BYTES, end));
  }

  #join(): void {
    this.#chunks = [Buffer.concat(this.#chunks)];
  }
}

export interface PipeListener {
  onMessage(message: Message): void;
  /** The other side has gone or broke the protocol. Called once. */
  onEnd(error?: Error): void;
  /** At whose cost messages are read and heard; default nobody's in particular. */
  tenant?(): string;
}

/** Most messages, and bytes of them, that are heard within one turn of the event loop: others have theirs between. */
const MAX_HEARD = 64;
const MAX_HEARD_BYTES = 262_144;

/**
 * The parent's end of the pipes. What is sent within one turn of the event loop is written together. What has come
 * together is heard one after the other, each when all that follows from the one before it without waiting has been done:
 * so nothing depends on how the bytes were cut. While there is something to hear nothing more is read.
 */
export class FramePipe {
  readonly #input: Readable;
  readonly #output: Writable;
  #listener: PipeListener;
  readonly #reader = new MessageReader(MAX_CHILD_MESSAGE_BYTES);
  #unsent: Buffer[] = [];
  #unsentBytes = 0;
  /** Messages, and bytes of them, that are heard in this turn of the event loop. */
  #count = 0;
  #bytes = 0;
  /** Set while nothing is heard because others are to have their share of this process's time. */
  #hold: NodeJS.Timeout | undefined;
  /** The other side has said all that it will. */
  #isComplete = false;
  #isOver = false;

  constructor(input: Readable, output: Writable, listener: PipeListener) {
    this.#input = input;
    this.#output = output;
    this.#listener = listener;
    const end = (error?: Error): void => this.#end(error);
    input.on("data", (chunk: Buffer) => {
      this.#reader.add(chunk);
      this.#hear();
    });
    const onComplete = (): void => {
      this.#isComplete = true;
      this.#hear();
    };
    input.on("end", onComplete);
    input.on("close", onComplete);
    input.on("error", end);
    output.on("error", end);
  }

  /** Whatever has not been heard yet is heard by this listener. */
  listen(listener: PipeListener): void {
    this.#listener = listener;
  }

  /** Bytes that the other side has not taken. */
  get unreadBytes(): number {
    return this.#unsentBytes + this.#output.writableLength;
  }

  /** Is what the other side says kept waiting, because its tenant has taken more than a share of this process's time? */
  get isHeld(): boolean {
    return this.#hold !== undefined;
  }

  send(message: Message): void {
    if (this.#isOver) return;
    const bytes = encodeMessage(message);
    this.#unsent.push(bytes);
    this.#unsentBytes += bytes.length;
    if (this.#unsent.length === 1) setImmediate(() => this.#flush());
  }

  /** Hears as much of what is there as there is room for in this turn of the event loop, and reads on when that is all. */
  #hear(): void {
    if (this.#isOver || this.#hold !== undefined) return;
    const tenant = hostTime.isShared ? (this.#listener.tenant?.() ?? "") : undefined;
    if (tenant !== undefined) {
      const holdMs = this.#isComplete ? 0 : hostTime.holdMs(tenant);
      if (holdMs > 0) {
        this.#input.pause();
        this.#hold = setTimeout(() => {
          this.#hold = undefined;
          this.#hear();
        }, holdMs);
        return;
      }
      hostTime.charge(tenant);
    }
    try {
      while (!this.#isOver && this.#count < MAX_HEARD && this.#bytes < MAX_HEARD_BYTES) {
        const before = this.#reader.size;
        const message = this.#reader.next();
        if (message === undefined) {
          if (this.#isComplete) setImmediate(() => this.#end());
          else this.#input.resume();
          return;
        }
        if (this.#count++ === 0) setImmediate(() => this.#hearMore());
        this.#bytes += before - this.#reader.size;
        setImmediate(() => {
          if (this.#isOver) return;
          if (tenant !== undefined) hostTime.charge(tenant);
          this.#listener.onMessage(message);
        });
      }
    } catch (error) {
      this.#input.pause();
      // What came before it is heard first.
      setImmediate(() => this.#end(error as Error));
      return;
    }
    this.#input.pause();
  }

  #hearMore(): void {
    this.#count = 0;
    this.#bytes = 0;
    this.#hear();
  }

  #end(error?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#hold);
    this.#listener.onEnd(error);
  }

  #flush(): void {
    const unsent = this.#unsent;
    this.#unsent = [];
    this.#unsentBytes = 0;
    if (!this.#isOver) this.#output.write(unsent.length === 1 ? unsent[0]! : Buffer.concat(unsent));
  }
}
