/**
 * Intrinsics captured before any script ran. Everything between a script and the bridge is written with these, so that
 * a script that poisons `Array.prototype`, `Promise.prototype.then` or `JSON` can neither break the bridge nor spy on it.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- an uncurried method takes whatever the method takes
type Method = (...args: any[]) => any;

const { call, bind } = Function.prototype;

/** Turns a method into a function that takes its receiver first, free of later changes to the prototype. */
const uncurry = bind.bind(call) as <T extends Method>(
  method: T,
) => (receiver: unknown, ...args: Parameters<T>) => ReturnType<T>;

export const isArray: (value: unknown) => value is unknown[] = Array.isArray;
export const {
  assign: ObjectAssign,
  keys: ObjectKeys,
  create: ObjectCreate,
  defineProperty: ObjectDefineProperty,
  freeze: ObjectFreeze,
  getPrototypeOf: ObjectGetPrototypeOf,
  setPrototypeOf: ObjectSetPrototypeOf,
  getOwnPropertyDescriptor: ObjectGetOwnPropertyDescriptor,
  isExtensible: ObjectIsExtensible,
} = Object;
export const { apply: ReflectApply, construct: ReflectConstruct, ownKeys: ReflectOwnKeys } = Reflect;
export const JSONParse: (text: string) => unknown = JSON.parse;
export const JSONStringify: (value: string | number | boolean) => string = JSON.stringify;
export const { MAX_SAFE_INTEGER } = Number;
export const NumberIsFinite: (value: unknown) => boolean = Number.isFinite;
export const NumberIsInteger: (value: unknown) => boolean = Number.isInteger;
export const { floor: MathFloor, imul: MathImul, min: MathMin, max: MathMax } = Math;
export const SafeString: StringConstructor = String;
export const SafeNumber: NumberConstructor = Number;
export const SafeError: ErrorConstructor = Error;
export const SafeTypeError: TypeErrorConstructor = TypeError;
export const SafeRangeError: RangeErrorConstructor = RangeError;
export const SafeReferenceError: ReferenceErrorConstructor = ReferenceError;
export const SafeArray: ArrayConstructor = Array;
export const SafeBigInt: BigIntConstructor = BigInt;
export const SafeDate: DateConstructor = Date;
export const DateNow: () => number = Date.now;
export const SafePromise: PromiseConstructor = Promise;
export const SafeUint8Array: Uint8ArrayConstructor = Uint8Array;

export const ArrayFill = uncurry(Array.prototype.fill);
export const ArrayJoin = uncurry(Array.prototype.join);
export const StringSlice = uncurry(String.prototype.slice);
export const StringIncludes = uncurry(String.prototype.includes);
export const StringIndexOf = uncurry(String.prototype.indexOf);
export const StringStartsWith = uncurry(String.prototype.startsWith);
export const StringToUpperCase = uncurry(String.prototype.toUpperCase);
export const StringToLowerCase = uncurry(String.prototype.toLowerCase);
export const StringCharCodeAt = uncurry(String.prototype.charCodeAt);
export const StringTrim = uncurry(String.prototype.trim);
export const StringToWellFormed = uncurry(String.prototype.toWellFormed);
export const StringFromCharCode = String.fromCharCode;
export const NumberToString = uncurry(Number.prototype.toString);
export const NumberValueOf = uncurry(Number.prototype.valueOf);
export const StringValueOf = uncurry(String.prototype.valueOf);
export const BooleanValueOf = uncurry(Boolean.prototype.valueOf);
export const BigIntValueOf = uncurry(BigInt.prototype.valueOf);
export const BigIntToString = uncurry(BigInt.prototype.toString);
export const RegExpTest = uncurry(RegExp.prototype.test);
export const DateGetTime = uncurry(Date.prototype.getTime);
export const DateToISOString = uncurry(Date.prototype.toISOString);
export const ErrorToString = uncurry(Error.prototype.toString);
export const MapSet = uncurry(Map.prototype.set);
export const SetAdd = uncurry(Set.prototype.add);
export const MapForEach = uncurry(Map.prototype.forEach);
export const SetForEach = uncurry(Set.prototype.forEach);
export const WeakMapGet = uncurry(WeakMap.prototype.get);

const speciesThen = uncurry(Promise.prototype.then);

/**
 * The native `then`. It asks the promise for its constructor, and that one for its species, which belong to the script;
 * so the promise has none of its own while it is asked.
 */
const nativeThen: typeof speciesThen = (promise, onFulfilled, onRejected) => {
  const isPlain =
    typeof promise === "object" &&
    promise !== null &&
    ObjectGetOwnPropertyDescriptor(promise, "constructor") === undefined &&
    ObjectIsExtensible(promise);
  if (!isPlain) return speciesThen(promise, onFulfilled, onRejected);
  defineHidden(promise, "constructor", undefined);
  try {
    return speciesThen(promise, onFulfilled, onRejected);
  } finally {
    delete (promise as { constructor?: unknown }).constructor;
  }
};

/** `promise.then` that a script cannot intercept. Throws a TypeError when `promise` is not a native promise. */
export function promiseThen<T>(
  promise: Promise<T>,
  onFulfilled?: (value: T) => unknown,
  onRejected?: (reason: unknown) => unknown,
): Promise<unknown> {
  return nativeThen(promise, onFulfilled, onRejected);
}

/** Is this a native promise? Decided by brand: neither a `then` property nor the prototype counts. */
export function isNativePromise(value: unknown): value is Promise<unknown> {
  if (typeof value !== "object" || value === null) return false;
  try {
    void nativeThen(value, undefined, () => {});
    return true;
  } catch {
    return false;
  }
}

const TypedArrayPrototype: Uint8Array = ObjectGetPrototypeOf(Uint8Array.prototype);
export const TypedArraySet = uncurry(TypedArrayPrototype.set);
/** The bytes of a typed array. */
export const typedArrayBuffer = uncurry(
  ObjectGetOwnPropertyDescriptor(TypedArrayPrototype, "buffer")!.get as (this: Uint8Array) => ArrayBuffer,
);

const typedArrayTag = uncurry(ObjectGetOwnPropertyDescriptor(TypedArrayPrototype, Symbol.toStringTag)!.get as Method);

/** The class name of a typed array ("Float32Array"), or undefined for everything else. */
export function typedArrayName(value: unknown): string | undefined {
  return typedArrayTag(value) as string | undefined;
}

/** Copies a class's methods onto a prototype-less, frozen prototype, so that instances never look anything up outside. */
function harden<T extends new (...args: never[]) => object>(safe: T, source: { prototype: object }): T {
  for (const key of ReflectOwnKeys(source.prototype)) {
    if (key !== "constructor")
      ObjectDefineProperty(safe.prototype, key, ObjectGetOwnPropertyDescriptor(source.prototype, key)!);
  }
  ObjectSetPrototypeOf(safe.prototype, null);
  return ObjectFreeze(safe) && (ObjectFreeze(safe.prototype), safe);
}

/** A Map whose methods a script cannot replace. Create it empty: the constructor with entries would iterate. */
export const SafeMap: MapConstructor = harden(class SafeMap<K, V> extends Map<K, V> {}, Map);
/** A Set whose methods a script cannot replace. */
export const SafeSet: SetConstructor = harden(class SafeSet<T> extends Set<T> {}, Set);
/** A WeakMap whose methods a script cannot replace. */
export const SafeWeakMap: WeakMapConstructor = harden(
  class SafeWeakMap<K extends WeakKey, V> extends WeakMap<K, V> {},
  WeakMap,
);

/** Defines a property that is not enumerable. The descriptor has no prototype, so no script can add to it. */
export function defineHidden(target: object, key: PropertyKey, value: unknown): void {
  ObjectDefineProperty(target, key, {
    __proto__: null,
    value,
    writable: true,
    enumerable: false,
    configurable: true,
  } as PropertyDescriptor);
}

/** Defines a property as an assignment would, but never calls a setter. */
export function defineField(target: object, key: PropertyKey, value: unknown): void {
  ObjectDefineProperty(target, key, {
    __proto__: null,
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  } as PropertyDescriptor);
}

/** A copy of part of an array. The native method would ask the array for a constructor, which belongs to the script. */
export function ArraySlice<T>(array: readonly T[], start = 0, end: number = array.length): T[] {
  const copy: T[] = [];
  for (let i = start; i < end && i < array.length; i++) defineField(copy, copy.length, array[i]);
  return copy;
}

/** The length of a buffer in bytes; throws for everything else. */
export const ArrayBufferByteLength = uncurry(
  ObjectGetOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength")!.get as (this: ArrayBuffer) => number,
);

/** A copy of some bytes of a buffer. The native method would ask the buffer for a constructor, too. */
export function ArrayBufferSlice(buffer: ArrayBufferLike, start: number, end: number): ArrayBuffer {
  const copy = new SafeUint8Array(end - start);
  TypedArraySet(copy, new SafeUint8Array(buffer, start, end - start));
  return typedArrayBuffer(copy);
}

const ListPrototype: object = ObjectGetPrototypeOf([]) as object;
const PlainPrototype: object = ObjectGetPrototypeOf({}) as object;

/** Appends to an internal array without asking `Array.prototype` for a setter. */
export function append<T>(array: T[], value: T): void {
  const { length } = array;
  // Where no prototype has anything at this place an assignment asks nobody, and takes V8 a tenth of the time.
  const isPlain =
    ObjectGetPrototypeOf(array) === ListPrototype && ObjectGetPrototypeOf(ListPrototype) === PlainPrototype;
  if (isPlain && !(length in ListPrototype)) array[length] = value;
  else defineField(array, length, value);
}

const generatorPrototype: Generator = ObjectGetPrototypeOf(ObjectGetPrototypeOf((function* () {})()));
/** `generator.next(value)`, whatever a script made of the prototype. */
export const GeneratorNext = uncurry(generatorPrototype.next) as <T>(
  generator: Generator<T, unknown, unknown>,
  value: unknown,
) => IteratorResult<T, unknown>;
/** `generator.throw(error)`, likewise. */
export const GeneratorThrow = uncurry(generatorPrototype.throw) as <T>(
  generator: Generator<T, unknown, unknown>,
  error: unknown,
) => IteratorResult<T, unknown>;

/** Is it what a generator function returned? */
export function isGenerator(value: unknown): value is Generator {
  return inherits(value, generatorPrototype);
}

const asyncGeneratorPrototype: AsyncGenerator = ObjectGetPrototypeOf(ObjectGetPrototypeOf((async function* () {})()));
/** `generator.next()` of an asynchronous generator, whatever a script made of the prototype. */
export const AsyncGeneratorNext = uncurry(asyncGeneratorPrototype.next) as (
  generator: AsyncGenerator,
) => Promise<IteratorResult<unknown, unknown>>;

/** `generator.return()` of an asynchronous generator, likewise. */
export const AsyncGeneratorReturn = uncurry(asyncGeneratorPrototype.return) as (
  generator: AsyncGenerator,
  value: unknown,
) => Promise<IteratorResult<unknown, unknown>>;

/** Is it what an asynchronous generator function returned? */
export function isAsyncGenerator(value: unknown): value is AsyncGenerator {
  return inherits(value, asyncGeneratorPrototype);
}

/** Does the function that made this object inherit its `prototype` from this one? */
function inherits(value: unknown, prototype: object): boolean {
  if (typeof value !== "object" || value === null) return false;
  const own: unknown = ObjectGetPrototypeOf(value);
  return typeof own === "object" && own !== null && ObjectGetPrototypeOf(own) === prototype;
}

/** `generator.return(value)`, likewise. */
export const GeneratorReturn = uncurry(generatorPrototype.return) as <T>(
  generator: Generator<T, unknown, unknown>,
  value: unknown,
) => IteratorResult<T, unknown>;

export const { getOwnPropertyNames: ObjectGetOwnPropertyNames, getOwnPropertySymbols: ObjectGetOwnPropertySymbols } =
  Object;
export const { round: MathRound, sqrt: MathSqrt, trunc: MathTrunc } = Math;
export const NumberParseInt: (text: string, radix?: number) => number = Number.parseInt;
export const NumberParseFloat: (text: string) => number = Number.parseFloat;
export const NumberToFixed = uncurry(Number.prototype.toFixed);
export const StringRepeat = uncurry(String.prototype.repeat);
export const StringNormalize = uncurry(String.prototype.normalize);
export const StringCodePointAt = uncurry(String.prototype.codePointAt);
export const StringLastIndexOf = uncurry(String.prototype.lastIndexOf);
export const StringEndsWith = uncurry(String.prototype.endsWith);
export const FunctionToString = uncurry(Function.prototype.toString);
export const ObjectToString = uncurry(Object.prototype.toString);
export const ObjectHasOwn: (target: object, key: PropertyKey) => boolean = Object.hasOwn;
/** What `Object.hasOwn` tells: V8 sees at once what it tells of a key in a loop over keys. */
export const ObjectHasOwnProperty = uncurry(Object.prototype.hasOwnProperty);
export const ObjectPropertyIsEnumerable = uncurry(Object.prototype.propertyIsEnumerable);
export const SafeObject: ObjectConstructor = Object;
export const SafeSymbol: SymbolConstructor = Symbol;
export const SafeRegExp: RegExpConstructor = RegExp;
export const SafeProxy: ProxyConstructor = Proxy;
export const SafeArrayBuffer: ArrayBufferConstructor = ArrayBuffer;
export const SafeDataView: DataViewConstructor = DataView;

/** Turns any method of a built-in into a function that takes its receiver first. */
export function uncurryMethod<T extends Method>(
  method: T,
): (receiver: unknown, ...args: Parameters<T>) => ReturnType<T> {
  return uncurry(method);
}

/** The getter of an accessor property, as a function that takes its receiver. */
export function uncurryGetter(target: object, key: PropertyKey): (receiver: unknown) => unknown {
  return uncurry(ObjectGetOwnPropertyDescriptor(target, key)!.get as () => unknown);
}

/** `JSON.stringify` for any value: unlike the bridge's own, it runs the script's `toJSON` and getters. */
export const JSONStringifyAny: (value: unknown) => string | undefined = JSON.stringify;
export const SafeUint16Array: Uint16ArrayConstructor = Uint16Array;
export const captureStackTrace: (target: object, omit: unknown) => void = (
  Error as unknown as { captureStackTrace(target: object, omit: unknown): void }
).captureStackTrace;

/** `eval` in the global scope: by this name it sees nothing else. */
// oxlint-disable-next-line no-eval -- a session's code is the guest's own
export const evaluateGlobally: (code: string) => unknown = eval;
