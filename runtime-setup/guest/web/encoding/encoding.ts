import { SafeRangeError, SafeTypeError, SafeUint8Array, StringSlice } from "../../../../src/shared/primordials.ts";
import { atob, btoa } from "./base64.ts";
import { bytesOf, viewParts } from "./bytes.ts";
import { withCode } from "../coded-error.ts";
import { defineClass, defineOperation } from "../define-class.ts";
import { type Encoding, encodingOf, windows1252Unit } from "./labels.ts";
import { createUtf8State, decodeUtf8Into, encodeUtf8, TextBuilder, type Utf8State, writeUtf8 } from "./utf8.ts";
import { toDomString } from "../web-strings.ts";

/** Strings to UTF-8. */
export class TextEncoder {
  get encoding(): string {
    return "utf-8";
  }

  encode(text: unknown = ""): Uint8Array {
    return encodeUtf8(toDomString(text));
  }

  /** Fills `target` with whole characters and says how far it came. */
  encodeInto(source: unknown, target: Uint8Array): { read: number; written: number } {
    const bytes = bytesOf(target);
    if (bytes === undefined) throw new SafeTypeError("Cannot encode into this target: it must be a Uint8Array");
    return writeUtf8(toDomString(source), bytes, viewParts(bytes)!.length);
  }
}

/** Bytes in UTF-8, UTF-16LE or windows-1252 (which the label "latin1" means on the web) to strings. */
export class TextDecoder {
  readonly #encoding: Encoding;
  readonly #fatal: boolean;
  readonly #ignoreBOM: boolean;
  #utf8: Utf8State = createUtf8State();
  /** The first half of a UTF-16 unit, and of a pair of units; -1 where there is none. */
  #halfUnit = -1;
  #highUnit = -1;
  #isStarted = false;

  constructor(label: unknown = "utf-8", options?: unknown) {
    const name = toDomString(label);
    const encoding = encodingOf(name);
    if (encoding === undefined) {
      const error = new SafeRangeError(`The "${name}" encoding is not supported`);
      throw withCode(error, "ERR_ENCODING_NOT_SUPPORTED");
    }
    const { fatal, ignoreBOM } = (options ?? {}) as Record<string, unknown>;
    this.#encoding = encoding;
    this.#fatal = !!fatal;
    this.#ignoreBOM = !!ignoreBOM;
  }

  get encoding(): string {
    return this.#encoding;
  }
  get fatal(): boolean {
    return this.#fatal;
  }
  get ignoreBOM(): boolean {
    return this.#ignoreBOM;
  }

  /** @throws {TypeError} ERR_ENCODING_INVALID_ENCODED_DATA for broken bytes when the decoder is fatal */
  decode(input?: unknown, options?: unknown): string {
    const bytes = input === undefined ? undefined : bytesOf(input);
    if (bytes === undefined && input !== undefined) {
      throw new SafeTypeError("Cannot decode this input: it must be an ArrayBuffer or a view of one");
    }
    const isLast = !(options as { stream?: unknown } | null | undefined)?.stream;
    const out = new TextBuilder();
    const length = bytes === undefined ? 0 : viewParts(bytes)!.length;
    const isWhole = bytes === undefined ? this.#finish(out, isLast) : this.#decodeInto(out, bytes, length, isLast);
    if (!isWhole) {
      this.#restart();
      const error = new SafeTypeError(`The encoded data was not valid for encoding ${this.#encoding}`);
      throw withCode(error, "ERR_ENCODING_INVALID_ENCODED_DATA");
    }
    const text = this.#withoutMark(out.take());
    if (isLast) this.#restart();
    return text;
  }

  #restart(): void {
    this.#utf8 = createUtf8State();
    this.#halfUnit = -1;
    this.#highUnit = -1;
    this.#isStarted = false;
  }

  #withoutMark(text: string): string {
    if (this.#isStarted || text === "") return text;
    this.#isStarted = true;
    if (this.#ignoreBOM || this.#encoding === "windows-1252" || text[0] !== "\ufeff") return text;
    return StringSlice(text, 1);
  }

  #decodeInto(out: TextBuilder, bytes: Uint8Array, length: number, isLast: boolean): boolean {
    if (this.#encoding === "utf-8") {
      return decodeUtf8Into(out, bytes, length, this.#utf8, { fatal: this.#fatal, isLast });
    }
    if (this.#encoding === "windows-1252") {
      for (let i = 0; i < length; i++) out.add(windows1252Unit(bytes[i]!));
      return true;
    }
    for (let i = 0; i < length; i++) {
      if (this.#halfUnit === -1) {
        this.#halfUnit = bytes[i]!;
        continue;
      }
      const unit = this.#halfUnit | (bytes[i]! << 8);
      this.#halfUnit = -1;
      if (!this.#addUnit(out, unit)) return false;
    }
    return this.#finish(out, isLast);
  }

  /** Adds a UTF-16 unit; a half of a pair without the other becomes U+FFFD. */
  #addUnit(out: TextBuilder, unit: number): boolean {
    const isLow = unit >= 0xdc00 && unit <= 0xdfff;
    const high = this.#highUnit;
    this.#highUnit = -1;
    if (high !== -1) {
      if (isLow) {
        out.add(high);
        out.add(unit);
        return true;
      }
      if (this.#fatal) return false;
      out.add(0xfffd);
    }
    if (unit >= 0xd800 && unit <= 0xdbff) this.#highUnit = unit;
    else if (!isLow) out.add(unit);
    else if (this.#fatal) return false;
    else out.add(0xfffd);
    return true;
  }

  /** At the end, what has begun and was not completed is broken. */
  #finish(out: TextBuilder, isLast: boolean): boolean {
    if (this.#encoding === "utf-8") {
      return decodeUtf8Into(out, EMPTY, 0, this.#utf8, { fatal: this.#fatal, isLast });
    }
    if (!isLast || (this.#halfUnit === -1 && this.#highUnit === -1)) return true;
    this.#halfUnit = -1;
    this.#highUnit = -1;
    if (this.#fatal) return false;
    out.add(0xfffd);
    return true;
  }
}

const EMPTY = new SafeUint8Array(0);

/** Defines TextEncoder, TextDecoder, atob and btoa. */
export function installEncoding(): void {
  defineClass("TextEncoder", TextEncoder);
  defineClass("TextDecoder", TextDecoder, { lengths: { decode: 0 } });
  defineOperation("atob", atob);
  defineOperation("btoa", btoa);
}
