/** Web streams. Their text, which is large, comes from the host when a script first asks for one of them. */
import { OPS } from "../../../src/shared/contract/ops.ts";
import { defineHidden, ObjectDefineProperty } from "../../../src/shared/primordials.ts";
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

function load(): void {
  const classes = evaluate(callSync(OPS.web_streams, {})) as Record<string, Class>;
  const text = createTextStreams(classes["TransformStream"] as never);
  for (let i = 0; i < NAMES.length; i++) {
    const name = NAMES[i]!;
    const value = (text[name] ?? classes[name])!;
    dressClass(name, value, { lengths: { constructor: 0, ...LENGTHS[name] } });
    showLocked(value.prototype as Lockable);
    define(name, value);
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

/** Defines the classes of web streams, none of which is there before it is asked for. */
export function installStreams(): void {
  for (let i = 0; i < NAMES.length; i++) {
    const name = NAMES[i]!;
    ObjectDefineProperty(globalThis, name, {
      __proto__: null,
      get(): unknown {
        load();
        return (globalThis as Record<string, unknown>)[name];
      },
      set: (value: unknown) => define(name, value),
      enumerable: false,
      configurable: true,
    } as PropertyDescriptor);
  }
}
