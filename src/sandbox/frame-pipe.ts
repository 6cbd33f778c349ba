import type { Readable, Writable } from "node:stream";
import type { Frame } from "../shared/frames.ts";

/**
 * Messages between a process realm and its child, over a pair of pipes. Each is
 *
 *   u32 length of the rest · u32 length of the head · head (JSON) · text (UTF-8) · buffers
 *
 * with `bytes`, the lengths of text and buffers, in the head. Lengths are little-endian and bounded.
 */
export interface Message {
  type: string;
  /** Ties an answer to its question. */
  id: number;
  /** Anything small that the type wants. */
  data?: unknown;
  frame?: Frame;
}

/** Longest message that is accepted, in bytes; a longer one breaks the protocol. */
export const MAX_MESSAGE_BYTES: number = 128 * 1024 * 1024;

/** Longest head that is accepted, in bytes: it holds a few fields, what is large travels as text. */
const MAX_HEAD_BYTES = 1024 * 1024;

export class ProtocolError extends Error {}

export function encodeMessage({ type, id, data, frame }: Message): Buffer {
  const parts =
    frame === undefined ? [] : [Buffer.from(frame.text), ...(frame.buffers ?? []).map((b) => Buffer.from(b))];
  const head = Buffer.from(JSON.stringify({ type, id, data, bytes: parts.map((part) => part.length) }));
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32LE(4 + head.length + parts.reduce((sum, part) => sum + part.length, 0), 0);
  lengths.writeUInt32LE(head.length, 4);
  return Buffer.concat([lengths, head, ...parts]);
}

/** @throws {ProtocolError | SyntaxError} when the bytes are not a message. */
function decodeMessage(rest: Buffer): Message {
  const headLength = rest.length < 4 ? Infinity : rest.readUInt32LE(0);
  if (headLength > rest.length - 4) throw new ProtocolError("the head is cut");
  if (headLength > MAX_HEAD_BYTES) throw new ProtocolError("the head is too long");
  const head: unknown = JSON.parse(rest.toString("utf8", 4, 4 + headLength));
  const { type, id, data, bytes } = (head ?? {}) as Record<string, unknown>;
  if (typeof type !== "string" || !Number.isSafeInteger(id) || !Array.isArray(bytes)) {
    throw new ProtocolError("the head is malformed");
  }
  const parts: Buffer[] = [];
  let offset = 4 + headLength;
  for (const length of bytes as unknown[]) {
    if (!Number.isSafeInteger(length) || (length as number) < 0) throw new ProtocolError("a length is malformed");
    parts.push(rest.subarray(offset, offset + (length as number)));
    offset += length as number;
  }
  if (offset !== rest.length) throw new ProtocolError("the lengths do not add up");
  const message: Message = { type, id: id as number, data };
  const [text, ...buffers] = parts;
  if (text !== undefined) {
    message.frame = { text: text.toString("utf8") };
    if (buffers.length > 0) message.frame.buffers = buffers.map((part) => new Uint8Array(part).buffer);
  }
  return message;
}

/** Reads one message from something that gives exactly as many bytes as it is asked for. */
export function readMessage(read: (length: number) => Buffer): Message {
  const length = read(4).readUInt32LE(0);
  if (length > MAX_MESSAGE_BYTES) throw new ProtocolError("the message is too long");
  return decodeMessage(read(length));
}

export interface PipeListener {
  onMessage(message: Message): void;
  /** The other side has gone or broke the protocol. Called once. */
  onEnd(error?: Error): void;
}

/** One end of the pipes; without an output it only listens. */
export class FramePipe {
  readonly #output: Writable | undefined;
  #chunks: Buffer[] = [];
  #size = 0;
  #ended = false;

  constructor(input: Readable, output: Writable | undefined, listener: PipeListener) {
    this.#output = output;
    const end = (error?: Error): void => {
      if (this.#ended) return;
      this.#ended = true;
      listener.onEnd(error);
    };
    input.on("data", (chunk: Buffer) => {
      try {
        this.#read(chunk, listener);
      } catch (error) {
        end(error as Error);
      }
    });
    input.on("end", () => end());
    input.on("close", () => end());
    input.on("error", end);
    output?.on("error", end);
  }

  send(message: Message): void {
    if (!this.#ended) this.#output?.write(encodeMessage(message));
  }

  #read(chunk: Buffer, listener: PipeListener): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (!this.#ended && this.#size >= 4) {
      if (this.#chunks[0]!.length < 4) this.#chunks = [Buffer.concat(this.#chunks)];
      const length = this.#chunks[0]!.readUInt32LE(0);
      if (length > MAX_MESSAGE_BYTES) throw new ProtocolError("the message is too long");
      if (this.#size < 4 + length) return;
      const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
      this.#chunks = all.length > 4 + length ? [all.subarray(4 + length)] : [];
      this.#size -= 4 + length;
      listener.onMessage(decodeMessage(all.subarray(4, 4 + length)));
    }
  }
}
