import {
  ReflectApply,
  SafeUint16Array,
  SafeUint8Array,
  StringCharCodeAt,
  StringFromCharCode,
} from "../../../../src/shared/primordials.ts";
import { firstBytes } from "./bytes.ts";

const CHUNK = 4096;

/** Shared by all builders: each is filled and emptied within one call, in which no code of a script's runs. */
const units = new SafeUint16Array(CHUNK);

/** Collects UTF-16 units into a string, a chunk at a time. One at a time: {@link take} before the next is made. */
export class TextBuilder {
  #text = "";
  #used = 0;

  add(unit: number): void {
    if (this.#used === CHUNK) this.#flush();
    units[this.#used++] = unit;
  }

  addCodePoint(code: number): void {
    if (code <= 0xffff) return this.add(code);
    this.add(0xd800 + ((code - 0x10000) >> 10));
    this.add(0xdc00 + ((code - 0x10000) & 0x3ff));
  }

  take(): string {
    this.#flush();
    const text = this.#text;
    this.#text = "";
    return text;
  }

  #flush(): void {
    if (this.#used === 0) return;
    let part = units;
    if (this.#used !== CHUNK) {
      part = new SafeUint16Array(this.#used);
      for (let i = 0; i < this.#used; i++) part[i] = units[i]!;
    }
    this.#text += ReflectApply(StringFromCharCode, undefined, part) as string;
    this.#used = 0;
  }
}

/** The code point at `at`, a lone surrogate as U+FFFD. */
function scalarAt(text: string, at: number): number {
  const unit = StringCharCodeAt(text, at);
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  const low = unit <= 0xdbff && at + 1 < text.length ? StringCharCodeAt(text, at + 1) : 0;
  return low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
}

/** Writes as many whole characters as fit; returns how many UTF-16 units were read and how many bytes written. */
export function writeUtf8(text: string, target: Uint8Array, room: number): { read: number; written: number } {
  let read = 0;
  let written = 0;
  while (read < text.length) {
    const code = scalarAt(text, read);
    const size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (written + size > room) break;
    if (size === 1) target[written] = code;
    else {
      let rest = code;
      for (let i = size - 1; i > 0; i--) {
        target[written + i] = 0x80 | (rest & 0x3f);
        rest >>= 6;
      }
      target[written] = ((0xf00 >> size) & 0xff) | rest;
    }
    written += size;
    read += size === 4 ? 2 : 1;
  }
  return { read, written };
}

/** The UTF-8 bytes of a string; a lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  let size = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = StringCharCodeAt(text, i);
    size += unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3;
  }
  const bytes = new SafeUint8Array(size);
  const { written } = writeUtf8(text, bytes, size);
  if (written === size) return bytes;
  // A pair of surrogates was counted as six bytes and takes four.
  const exact = new SafeUint8Array(written);
  const source = firstBytes(bytes, written);
  for (let i = 0; i < written; i++) exact[i] = source[i]!;
  return exact;
}

/** What a decoder carries from one call to the next: the character that the last bytes have begun. */
export interface Utf8State {
  code: number;
  needed: number;
  seen: number;
  lower: number;
  upper: number;
}

export function createUtf8State(): Utf8State {
  return { code: 0, needed: 0, seen: 0, lower: 0x80, upper: 0xbf };
}

function reset(state: Utf8State): void {
  state.code = 0;
  state.needed = 0;
  state.seen = 0;
  state.lower = 0x80;
  state.upper = 0xbf;
}

function begin(state: Utf8State, byte: number): boolean {
  if (byte >= 0xc2 && byte <= 0xdf) {
    state.needed = 1;
    state.code = byte & 0x1f;
  } else if (byte >= 0xe0 && byte <= 0xef) {
    if (byte === 0xe0) state.lower = 0xa0;
    if (byte === 0xed) state.upper = 0x9f;
    state.needed = 2;
    state.code = byte & 0xf;
  } else if (byte >= 0xf0 && byte <= 0xf4) {
    if (byte === 0xf0) state.lower = 0x90;
    if (byte === 0xf4) state.upper = 0x8f;
    state.needed = 3;
    state.code = byte & 0x7;
  } else return false;
  return true;
}

/** The text of so many bytes; each maximal part of a broken character becomes one U+FFFD. */
export function decodeUtf8(bytes: Uint8Array, length: number): string {
  const out = new TextBuilder();
  decodeUtf8Into(out, bytes, length, createUtf8State(), { fatal: false, isLast: true });
  return out.take();
}

/**
 * Decodes UTF-8 as the Encoding Standard does: each maximal part of a broken character becomes one U+FFFD.
 * Returns false at the first broken character when `fatal`.
 */
export function decodeUtf8Into(
  out: TextBuilder,
  bytes: Uint8Array,
  length: number,
  state: Utf8State,
  options: { fatal: boolean; isLast: boolean },
): boolean {
  for (let i = 0; i < length; i++) {
    const byte = bytes[i]!;
    if (state.needed === 0) {
      if (byte < 0x80) out.add(byte);
      else if (!begin(state, byte)) {
        if (options.fatal) return false;
        out.add(0xfffd);
      }
      continue;
    }
    if (byte < state.lower || byte > state.upper) {
      reset(state);
      if (options.fatal) return false;
      out.add(0xfffd);
      // The byte that does not belong may begin a character itself.
      i--;
      continue;
    }
    state.lower = 0x80;
    state.upper = 0xbf;
    state.code = (state.code << 6) | (byte & 0x3f);
    state.seen++;
    if (state.seen !== state.needed) continue;
    const { code } = state;
    reset(state);
    out.addCodePoint(code);
  }
  if (!options.isLast || state.needed === 0) return true;
  reset(state);
  if (options.fatal) return false;
  out.add(0xfffd);
  return true;
}
