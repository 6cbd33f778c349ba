/** What is compressed at a time, in bytes; a record that is longer goes alone. */
export const PIECE_BYTES = 262_144;

/** Memory that a journal begins with, in bytes, and by how much it grows: most runs are short. */
const FIRST_BYTES = 16_384;
const GROWTH = 4;

/** Texts up to this long are given the room that the longest of their length takes. */
const SHORT_CHARS = 16_384;
/** Most room that the length of a part takes, with its colon. */
const LENGTH_BYTES = 10;

const NOTHING = Buffer.alloc(0);
const TINY_CHARS = 32;
const MAX_ASCII = 0x7f;
const COLON = 58;
const ZERO = 48;

/** Pieces that have been compressed are written again: new memory costs more than what is written into it. */
const spare: Buffer[] = [];
const MAX_SPARE = 4;

/** Takes a piece back, when nobody reads it any more. */
export function releasePiece({ buffer }: Buffer): void {
  if (buffer.byteLength === PIECE_BYTES && spare.length < MAX_SPARE) spare.push(Buffer.from(buffer));
}

/** The room that a record takes at most, in bytes. */
export function roomFor(first?: string, second?: string): number {
  return 1 + (first === undefined ? 0 : partRoom(first)) + (second === undefined ? 0 : partRoom(second));
}

function partRoom(part: string): number {
  return LENGTH_BYTES + textRoom(part);
}

function textRoom(text: string): number {
  return text.length <= SHORT_CHARS ? 3 * text.length : Buffer.byteLength(text);
}

/**
 * Records as bytes, written one after the other. Their texts are copied at once: a text that is kept until later costs
 * V8's collector more than its bytes do.
 */
export class RecordBuffer {
  #bytes: Buffer = NOTHING;
  #size = 0;
  #firstBytes = FIRST_BYTES;

  /** Bytes that are written. */
  get size(): number {
    return this.#size;
  }

  /** `room` is what {@link roomFor} says of its parts. */
  add(room: number, letter: string, first?: string, second?: string): void {
    this.#makeRoom(room);
    this.#bytes[this.#size++] = letter.charCodeAt(0);
    if (first !== undefined) this.#addPart(first);
    if (second !== undefined) this.#addPart(second);
  }

  /** What is written from a place on. */
  textFrom(start: number): string {
    return this.#bytes.toString("utf8", start, this.#size);
  }

  replaceFrom(start: number, text: string): void {
    this.#size = start;
    this.#makeRoom(textRoom(text));
    this.#size += this.#bytes.write(text, start);
  }

  /** What is written. It is the caller's, and nothing of it is here any more. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#size);
    this.#bytes = NOTHING;
    this.#size = 0;
    // Who has filled one will fill another.
    this.#firstBytes = PIECE_BYTES;
    return taken;
  }

  #addPart(text: string): void {
    this.#addLength(text.length);
    this.#bytes[this.#size++] = COLON;
    if (!this.#addAscii(text)) this.#size += this.#bytes.write(text, this.#size);
  }

  /** A call into Node takes longer than writing so few characters here. Says whether the text was short, and of ASCII only. */
  #addAscii(text: string): boolean {
    const { length } = text;
    if (length > TINY_CHARS) return false;
    const start = this.#size;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > MAX_ASCII) return false;
      this.#bytes[start + i] = code;
    }
    this.#size = start + length;
    return true;
  }

  #addLength(length: number): void {
    let digits = 1;
    for (let limit = 10; length >= limit; limit *= 10) digits++;
    let left = length;
    for (let at = this.#size + digits - 1; at >= this.#size; at--) {
      this.#bytes[at] = ZERO + (left % 10);
      left = Math.floor(left / 10);
    }
    this.#size += digits;
  }

  #makeRoom(room: number): void {
    const needed = this.#size + room;
    const { length } = this.#bytes;
    if (needed <= length) return;
    const bytes = allocate(Math.max(needed, length === 0 ? this.#firstBytes : Math.min(GROWTH * length, PIECE_BYTES)));
    this.#bytes.copy(bytes, 0, 0, this.#size);
    this.#bytes = bytes;
  }
}

function allocate(bytes: number): Buffer {
  return (bytes === PIECE_BYTES ? spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(bytes);
}
