/**
 * structuredClone in two steps: first everything is read, so that a value that cannot be cloned changes nothing; then
 * buffers are transferred and the copy is built.
 */
import {
  append,
  isArray,
  ObjectGetOwnPropertyDescriptor,
  ObjectHasOwn,
  ObjectKeys,
  SafeArrayBuffer,
  SafeDataView,
  SafeError,
  SafeMap,
  SafeRangeError,
  SafeString,
  SafeTypeError,
  SafeUint8Array,
  typedArrayName,
  uncurryGetter,
  uncurryMethod,
} from "../../../src/shared/primordials.ts";
import { TYPED_ARRAYS } from "../../../src/shared/values/typed-arrays.ts";
import { bufferByteLength, isArrayBuffer, isDataView, isError, isMap, isSet } from "../inspect/brands.ts";
import { listEntries } from "../inspect/collections.ts";
import { viewParts } from "./encoding/bytes.ts";
import { type Build, cloneError, define, planLeaf, refuseUncloneable } from "./clone-plans.ts";
import { defineOperation } from "./define-class.ts";
import { DOMException, isDomException } from "./dom-exception.ts";

const transferBuffer = uncurryMethod(ArrayBuffer.prototype.transfer) as (buffer: ArrayBuffer) => ArrayBuffer;
const isDetached = uncurryGetter(ArrayBuffer.prototype, "detached") as (buffer: unknown) => boolean;
const mapSet = uncurryMethod(Map.prototype.set) as (map: unknown, key: unknown, value: unknown) => unknown;
const setAdd = uncurryMethod(Set.prototype.add) as (set: unknown, value: unknown) => unknown;
const PlainMap = Map;
const PlainSet = Set;

type ViewConstructor = new (buffer: ArrayBuffer, offset: number, length: number) => object;
const VIEWS = {
  __proto__: null,
  ...TYPED_ARRAYS,
  BigInt64Array,
  BigUint64Array,
} as unknown as Record<string, (ViewConstructor & { BYTES_PER_ELEMENT: number }) | undefined>;
const ERRORS = {
  __proto__: null,
  Error: SafeError,
  EvalError,
  RangeError: SafeRangeError,
  ReferenceError,
  SyntaxError,
  TypeError: SafeTypeError,
  URIError,
} as unknown as Record<string, ErrorConstructor | undefined>;

/** What has been planned so far, so that cycles and shared objects stay what they are. */
type Memory = Map<object, Build>;

/** A plan that makes its object once, and fills it after that: what is in it may refer back to it. */
function once<T extends object>(make: () => T, fill: (copy: T) => void): Build {
  let copy: T | undefined;
  return () => {
    if (copy === undefined) {
      copy = make();
      fill(copy);
    }
    return copy;
  };
}

function read(value: unknown, memory: Memory): Build {
  refuseUncloneable(value);
  if (typeof value !== "object" || value === null) return () => value;
  const known = memory.get(value);
  if (known !== undefined) return known;
  const leaf = planLeaf(value);
  if (leaf !== undefined) {
    const plan = once(leaf as () => object, () => {});
    memory.set(value, plan);
    return plan;
  }
  if (isArrayBuffer(value))
    return remember(
      memory,
      value,
      once(copyOf(value as ArrayBuffer), () => {}),
    );
  if (typedArrayName(value) !== undefined || isDataView(value)) return readView(value, memory);
  if (isMap(value) || isSet(value)) return readCollection(value, memory);
  if (isDomException(value)) return readDomException(value, memory);
  if (isError(value)) return readError(value, memory);
  return readProperties(value, memory);
}

function remember(memory: Memory, value: object, plan: Build): Build {
  memory.set(value, plan);
  return plan;
}

function copyOf(buffer: ArrayBuffer): () => ArrayBuffer {
  if (isDetached(buffer)) throw cloneError("An ArrayBuffer is detached and");
  const length = bufferByteLength(buffer);
  const source = new SafeUint8Array(buffer);
  const copy = new SafeArrayBuffer(length);
  const target = new SafeUint8Array(copy);
  for (let i = 0; i < length; i++) target[i] = source[i]!;
  return () => copy;
}

function readView(value: object, memory: Memory): Build {
  const { buffer, offset, length } = viewParts(value)!;
  const whole = read(buffer, memory);
  const name = typedArrayName(value);
  if (name === undefined) {
    return remember(
      memory,
      value,
      once(
        () => new SafeDataView(whole() as ArrayBuffer, offset, length),
        () => {},
      ),
    );
  }
  const View = VIEWS[name];
  if (View === undefined) throw cloneError(`#<${name}>`);
  const count = length / View.BYTES_PER_ELEMENT;
  return remember(
    memory,
    value,
    once(
      () => new View(whole() as ArrayBuffer, offset, count),
      () => {},
    ),
  );
}

function readCollection(value: object, memory: Memory): Build {
  const isMapLike = isMap(value);
  const entries: { key: Build; item: Build }[] = [];
  const plan = once<object>(
    () => (isMapLike ? new PlainMap() : new PlainSet()),
    (copy) => {
      for (let i = 0; i < entries.length; i++) {
        const { key, item } = entries[i]!;
        if (isMapLike) mapSet(copy, key(), item());
        else setAdd(copy, item());
      }
    },
  );
  memory.set(value, plan);
  const listed = listEntries(value, isMapLike);
  for (let i = 0; i < listed.length; i++) {
    const pair = listed[i]!;
    append(entries, { key: read(pair[0], memory), item: read(pair[1], memory) });
  }
  return plan;
}

function readProperties(value: object, memory: Memory): Build {
  const isList = isArray(value);
  const length = isList ? value.length : 0;
  const fields: { key: string; item: Build }[] = [];
  const make = (): object => {
    if (!isList) return {};
    const copy: unknown[] = [];
    copy.length = length;
    return copy;
  };
  const plan = once(make, (copy) => {
    for (let i = 0; i < fields.length; i++) define(copy, fields[i]!.key, fields[i]!.item());
  });
  memory.set(value, plan);
  const keys = ObjectKeys(value);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    // A getter may have removed it meanwhile.
    if (!ObjectHasOwn(value, key)) continue;
    append(fields, { key, item: read((value as Record<string, unknown>)[key], memory) });
  }
  return plan;
}

function ownText(error: object, key: string): string | undefined {
  const descriptor = ObjectGetOwnPropertyDescriptor(error, key);
  if (descriptor === undefined || !("value" in descriptor) || descriptor.value === undefined) return undefined;
  return SafeString(descriptor.value);
}

function readError(error: Error, memory: Memory): Build {
  const name: unknown = error.name;
  const Base = (typeof name === "string" ? ERRORS[name] : undefined) ?? SafeError;
  const message = ownText(error, "message");
  const stack: unknown = error.stack;
  let cause: Build | undefined;
  const plan = once(
    () => new Base(),
    (copy) => {
      if (typeof stack === "string") define(copy, "stack", stack, false);
      if (message !== undefined) define(copy, "message", message, false);
      if (cause !== undefined) define(copy, "cause", cause(), false);
    },
  );
  memory.set(error, plan);
  if (ObjectHasOwn(error, "cause")) cause = read(error.cause, memory);
  return plan;
}

function readDomException(error: DOMException, memory: Memory): Build {
  const { name, message } = error;
  const stack: unknown = error.stack;
  const plan = once(
    () => new DOMException(message, name),
    (copy) => typeof stack === "string" && define(copy, "stack", stack, false),
  );
  return remember(memory, error, plan);
}

function listTransfers(options: unknown): ArrayBuffer[] {
  const list: ArrayBuffer[] = [];
  const transfer = (options as { transfer?: unknown } | null | undefined)?.transfer;
  if (transfer === undefined) return list;
  if (typeof transfer !== "object" || transfer === null) {
    throw new SafeTypeError("Cannot transfer: options.transfer must be an array or another iterable");
  }
  const take = (item: unknown): void => {
    if (!isArrayBuffer(item)) {
      throw new DOMException("Value not transferable: only ArrayBuffers are", "DataCloneError");
    }
    if (isDetached(item))
      throw new DOMException("An ArrayBuffer is detached and could not be cloned.", "DataCloneError");
    for (let i = 0; i < list.length; i++) {
      if (list[i] === item)
        throw new DOMException("ArrayBuffer occurs in the transfer list more than once", "DataCloneError");
    }
    append(list, item as ArrayBuffer);
  };
  if (isArray(transfer)) for (let i = 0; i < transfer.length; i++) take(transfer[i]);
  else for (const item of transfer as Iterable<unknown>) take(item);
  return list;
}

/**
 * A deep copy of a value, cycles and shared objects included.
 *
 * @throws {DOMException} DataCloneError for functions, symbols, promises, weak collections and the platform's objects
 */
export function structuredClone(value: unknown, options?: unknown): unknown {
  if (arguments.length === 0) throw new SafeTypeError("Cannot clone: structuredClone needs a value");
  const memory: Memory = new SafeMap();
  const transfers = listTransfers(options);
  for (let i = 0; i < transfers.length; i++) {
    const buffer = transfers[i]!;
    memory.set(
      buffer,
      once(
        () => transferBuffer(buffer),
        () => {},
      ),
    );
  }
  const build = read(value, memory);
  // What is transferred leaves its owner even where the value does not contain it.
  for (let i = 0; i < transfers.length; i++) memory.get(transfers[i]!)!();
  return build();
}

/** Defines structuredClone. */
export function installStructuredClone(): void {
  defineOperation("structuredClone", structuredClone);
}
