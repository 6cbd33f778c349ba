/** Web streams. Their text, which is large, comes from the host when a script first asks for one of them. */
import { OPS } from "../../../src/shared/contract/ops.ts";
import {
  append,
  defineHidden,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  uncurryGetter,
} from "../../../src/shared/primordials.ts";
import { customInspect } from "../core/inspect.ts";
import { callSync } from "../core/kernel.ts";
import { dressClass } from "./define-class.ts";
import { type InspectFunction, showFields } from "./show-fields.ts";
import { createTextStreams } from "./text-streams.ts";

type Class = abstract new (...args: never[]) => object;

const NAMES = [
  "ByteLengthQueuingStrategy",
  "CountQueuingStrategy",
  "ReadableByteStreamController",
  "ReadableStream",
  "ReadableStreamBYOBReader",
  "ReadableStreamBYOBRequest",
  "ReadableStreamDefaultController",
  "ReadableStreamDefaultReader",
  "TextDecoderStream",
  "TextEncoderStream",
  "TransformStream",
  "TransformStreamDefaultController",
  "WritableStream",
  "WritableStreamDefaultController",
  "WritableStreamDefaultWriter",
];

/** How many arguments have to be given, where that is more than none. */
const LENGTHS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ByteLengthQueuingStrategy: { constructor: 1 },
  CountQueuingStrategy: { constructor: 1 },
  ReadableStreamBYOBReader: { constructor: 1, read: 1, cancel: 0 },
  ReadableStreamDefaultReader: { constructor: 1, cancel: 0 },
  WritableStreamDefaultWriter: { constructor: 1, abort: 0, write: 0 },
};

// oxlint-disable-next-line no-eval -- the text is the host's own, and is not there before it is asked for
const evaluate = globalThis.eval as (text: string) => unknown;

/** A stream, as far as the runtime reads it. */
export interface ReadableStream {
  readonly locked: boolean;
}

interface ByteController {
  enqueue(chunk: Uint8Array): void;
  close(): void;
  byobRequest: { respond(bytes: number): void } | null;
}

interface Reading {
  done: boolean;
  value: unknown;
}

/** The class of readable streams and its methods, whatever a script has made of its globals. */
export interface StreamClasses {
  ReadableStream: new (
    source: { type: "bytes"; pull(controller: ByteController): Promise<unknown>; cancel(): void },
    strategy: { highWaterMark: number },
  ) => ReadableStream;
  getReader: () => object;
  read: () => Promise<Reading>;
  tee: () => [ReadableStream, ReadableStream];
}

let loaded: StreamClasses | undefined;
let isLocked: ((stream: unknown) => unknown) | undefined;

export function streamClasses(): StreamClasses {
  if (loaded === undefined) load();
  return loaded!;
}

/** Is this a readable stream? None is one before the class is there. */
export function isReadableStream(value: unknown): value is ReadableStream {
  if (isLocked === undefined) return false;
  try {
    return typeof isLocked(value) === "boolean";
  } catch {
    return false;
  }
}

function load(): void {
  const classes = evaluate(callSync(OPS.web_streams, {})) as Record<string, Class>;
  const Stream = classes["ReadableStream"] as unknown as StreamClasses["ReadableStream"] & {
    prototype: Pick<StreamClasses, "getReader" | "tee">;
  };
  const { getReader, tee } = Stream.prototype;
  const { read } = classes["ReadableStreamDefaultReader"]!.prototype as Pick<StreamClasses, "read">;
  loaded = { ReadableStream: Stream, getReader, read, tee };
  isLocked = uncurryGetter(Stream.prototype, "locked");
  const text = createTextStreams(classes["TransformStream"] as never);
  for (let i = 0; i < NAMES.length; i++) {
    const name = NAMES[i]!;
    const value = (text[name] ?? classes[name])!;
    dressClass(name, value, { lengths: { constructor: 0, ...LENGTHS[name] } });
    showLocked(value.prototype as Lockable);
    // A script may have put something else in its place.
    if (ObjectGetOwnPropertyDescriptor(globalThis, name)?.get === getters[i]) define(name, value);
  }
}

interface Lockable {
  readonly locked?: boolean;
}

/** Logs show whether a stream is locked, and nothing of how it is made. */
function showLocked(prototype: Lockable): void {
  defineHidden(
    prototype,
    customInspect,
    function show(this: Lockable, depth: number, options: object, inspect: InspectFunction) {
      return showFields(this, "locked" in prototype ? { locked: this.locked } : {}, depth, options, inspect);
    },
  );
}

function define(name: string, value: unknown): void {
  const descriptor = { __proto__: null, value, writable: true, enumerable: false, configurable: true };
  ObjectDefineProperty(globalThis, name, descriptor as PropertyDescriptor);
}

const getters: (() => unknown)[] = [];

/** Defines the classes of web streams, none of which is there before it is asked for. */
export function installStreams(): void {
  for (let i = 0; i < NAMES.length; i++) {
    const name = NAMES[i]!;
    const get = (): unknown => {
      load();
      return (globalThis as Record<string, unknown>)[name];
    };
    append(getters, get);
    ObjectDefineProperty(globalThis, name, {
      __proto__: null,
      get,
      set: (value: unknown) => define(name, value),
      enumerable: false,
      configurable: true,
    } as PropertyDescriptor);
  }
}
