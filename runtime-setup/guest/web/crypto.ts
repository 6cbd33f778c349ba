import { OPS } from "../../../src/shared/contract/ops.ts";
import {
  append,
  NumberToString,
  ObjectDefineProperty,
  SafeSymbol,
  SafeTypeError,
  SafeUint8Array,
  StringCharCodeAt,
  StringIncludes,
  typedArrayName,
} from "../../../src/shared/primordials.ts";
import { MAX_RANDOM_BYTES } from "../../../src/shared/limits.ts";
import { callSync, defineGlobal } from "../core/kernel.ts";
import { bytesOf } from "./encoding/bytes.ts";
import { defineClass } from "./define-class.ts";
import { DOMException } from "./dom-exception.ts";

const POOL_BYTES = 2048;
const INTEGER_ARRAYS =
  " Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array BigInt64Array BigUint64Array ";

const HEX: string[] = [];
for (let byte = 0; byte < 256; byte++) append(HEX, (byte < 16 ? "0" : "") + NumberToString(byte, 16));

/** Random bytes of the host's. Each is used once and then forgotten. */
const pool = new SafeUint8Array(POOL_BYTES);
let next = POOL_BYTES;

/** What a hexadecimal digit in lower case stands for. */
function digitOf(code: number): number {
  return code < 0x3a ? code - 0x30 : code - 0x57;
}

function refill(): void {
  const hex = callSync(OPS.random_bytes, { count: POOL_BYTES });
  for (let i = 0; i < POOL_BYTES; i++) {
    pool[i] = digitOf(StringCharCodeAt(hex, i * 2)) * 16 + digitOf(StringCharCodeAt(hex, i * 2 + 1));
  }
  next = 0;
}

/** What is left of those that came before is not used. */
export function forgetRandomBytes(): void {
  next = POOL_BYTES;
}

function takeByte(): number {
  if (next === POOL_BYTES) refill();
  const byte = pool[next]!;
  pool[next++] = 0;
  return byte;
}

function takeHex(): string {
  return HEX[takeByte()]!;
}

/** A version 4 UUID in lower case. */
export function randomUUID(): string {
  const start = `${takeHex()}${takeHex()}${takeHex()}${takeHex()}-${takeHex()}${takeHex()}`;
  const version = HEX[(takeByte() & 0x0f) | 0x40]! + takeHex();
  const variant = HEX[(takeByte() & 0x3f) | 0x80]! + takeHex();
  return `${start}-${version}-${variant}-${takeHex()}${takeHex()}${takeHex()}${takeHex()}${takeHex()}${takeHex()}`;
}

function getRandomValues<T>(array: T): T {
  const name = typedArrayName(array);
  if (name === undefined || !StringIncludes(INTEGER_ARRAYS, ` ${name} `)) {
    throw new DOMException("The data argument must be an integer-type TypedArray", "TypeMismatchError");
  }
  const bytes = bytesOf(array)!;
  const { length } = bytes;
  if (length > MAX_RANDOM_BYTES) {
    throw new DOMException("The requested length exceeds 65,536 bytes", "QuotaExceededError");
  }
  for (let i = 0; i < length; i++) bytes[i] = takeByte();
  return array;
}

const CREATE = SafeSymbol("create");

/** Random values of the host's. */
class Crypto {
  readonly #isOwn: boolean;

  constructor(mark?: unknown) {
    if (mark !== CREATE) throw new SafeTypeError("Illegal constructor");
    this.#isOwn = true;
  }
  randomUUID(): string {
    if (!this.#isOwn) throw new SafeTypeError("Illegal invocation");
    return randomUUID();
  }
  getRandomValues<T>(array: T): T {
    if (!this.#isOwn) throw new SafeTypeError("Illegal invocation");
    if (arguments.length === 0) throw new SafeTypeError("Cannot give random values: there is no array for them");
    return getRandomValues(array);
  }
}

/** Defines `crypto.randomUUID()` and `crypto.getRandomValues(array)`. */
export function installCrypto(): void {
  defineClass("Crypto", Crypto, { lengths: { constructor: 0 } });
  defineGlobal("crypto", new Crypto(CREATE));
  ObjectDefineProperty(globalThis, "crypto", { __proto__: null, enumerable: true } as PropertyDescriptor);
}
