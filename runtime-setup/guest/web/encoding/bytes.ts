import {
  ObjectGetPrototypeOf,
  SafeUint8Array,
  typedArrayName,
  uncurryGetter,
} from "../../../../src/shared/primordials.ts";

const TypedArrayPrototype = ObjectGetPrototypeOf(Uint8Array.prototype) as object;
const typedBuffer = uncurryGetter(TypedArrayPrototype, "buffer") as (view: unknown) => ArrayBuffer;
const typedOffset = uncurryGetter(TypedArrayPrototype, "byteOffset") as (view: unknown) => number;
const typedByteLength = uncurryGetter(TypedArrayPrototype, "byteLength") as (view: unknown) => number;
const viewBuffer = uncurryGetter(DataView.prototype, "buffer") as (view: unknown) => ArrayBuffer;
const viewOffset = uncurryGetter(DataView.prototype, "byteOffset") as (view: unknown) => number;
const viewByteLength = uncurryGetter(DataView.prototype, "byteLength") as (view: unknown) => number;
const bufferByteLength = uncurryGetter(ArrayBuffer.prototype, "byteLength") as (buffer: unknown) => number;

/** Where a view looks: its buffer, offset and length in bytes. Undefined for what is neither a view nor a buffer. */
export function viewParts(value: unknown): { buffer: ArrayBuffer; offset: number; length: number } | undefined {
  if (typedArrayName(value) !== undefined) {
    return { buffer: typedBuffer(value), offset: typedOffset(value), length: typedByteLength(value) };
  }
  try {
    return { buffer: viewBuffer(value), offset: viewOffset(value), length: viewByteLength(value) };
  } catch {
    // No DataView; an ArrayBuffer may still be one.
  }
  try {
    return { buffer: value as ArrayBuffer, offset: 0, length: bufferByteLength(value) };
  } catch {
    return undefined;
  }
}

/** The bytes behind a typed array, a DataView or an ArrayBuffer, not copied; undefined for everything else. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  const parts = viewParts(value);
  return parts && new SafeUint8Array(parts.buffer, parts.offset, parts.length);
}

/** The first bytes, not copied. */
export function firstBytes(bytes: Uint8Array, count: number): Uint8Array {
  return new SafeUint8Array(typedBuffer(bytes), typedOffset(bytes), count);
}
