import { isThenable } from "../base/calls/call-back.ts";
import { isControl, type ContentKind, type ElementOf, type StreamElement, textElement } from "./elements/element.ts";
import { handOn } from "./run/hand-on.ts";
import type { ElementReader, ElementWriter, Stage, StageContext, StageType } from "./stage.ts";
import { refuseWrong } from "../shared/wrong-option.ts";

export interface StageOptions {
  /** The kinds of content that it takes; default all. */
  accepts?: readonly ContentKind[];
  maxInputs?: number;
}

export type ProcessFunction = (input: ElementReader, output: ElementWriter, context: StageContext) => Promise<void>;

/**
 * A stage made of a function.
 *
 * @example
 * const shout = stageFunc("shout", "transform", async (input, output) => {
 *   for await (const element of input) {
 *     await output.write(element.kind === "text" ? { ...element, text: element.text.toUpperCase() } : element);
 *   }
 * });
 */
export function stageFunc(name: string, type: StageType, process: ProcessFunction, options: StageOptions = {}): Stage {
  refuseWrong(`make stage "${name}"`, options, { accepts: true, maxInputs: "amountOrNone" });
  return { name, type, ...options, process };
}

/** Hands everything on as it is. */
export function passthrough(name: string, options?: StageOptions): Stage {
  return stageFunc(name, "transform", handOn, options);
}

/** Hands on the elements for which `predicate` gives, or resolves with, something true. Signals always pass. */
export function filter(name: string, predicate: (element: StreamElement) => unknown, options?: StageOptions): Stage {
  const process: ProcessFunction = async (input, output) => {
    for await (const element of input) {
      if (isControl(element)) await output.write(element);
      else {
        const verdict = predicate(element);
        // Waiting for what is there already would cost a turn for each element.
        if (isThenable(verdict) ? await verdict : verdict) await output.write(element);
      }
    }
  };
  return stageFunc(name, "transform", process, options);
}

/** What a function of {@link map} gives: an element, a text, several, or nothing. */
export type Mapped = StreamElement | string | readonly (StreamElement | string)[] | undefined | null;

/**
 * Hands on what `transform` makes of each element: an element, several in an array, or none. A string that it returns is
 * a text in the element's place. Signals pass as they are.
 *
 * @example
 * const numbered = map("numbered", (element) => ({ ...element, metadata: { ...element.metadata, seen: true } }));
 */
export function map(
  name: string,
  transform: (element: StreamElement) => Mapped | Promise<Mapped>,
  options?: StageOptions,
): Stage {
  const process: ProcessFunction = async (input, output) => {
    for await (const element of input) {
      const given = isControl(element) ? element : transform(element);
      const mapped = isThenable(given) ? await given : given;
      if (mapped === undefined || mapped === null) continue;
      if (!Array.isArray(mapped)) await output.write(toElement(mapped as StreamElement | string, element));
      else for (const next of mapped as (StreamElement | string)[]) await output.write(toElement(next, element));
    }
  };
  return stageFunc(name, "transform", process, options);
}

/**
 * The same for texts: `transform` gets the text alone. Elements of other kinds pass as they are.
 *
 * @example
 * const shout = mapText("shout", (text) => text.toUpperCase());
 */
export function mapText(
  name: string,
  transform: (text: string, element: ElementOf<"text">) => Mapped | Promise<Mapped>,
  options?: StageOptions,
): Stage {
  return map(name, (element) => (element.kind === "text" ? transform(element.text, element) : element), options);
}

/** Collects all elements and hands on what `combine` makes of them at the end, or of those before each `end-of-turn`. */
export function accumulate(
  name: string,
  combine: (elements: readonly StreamElement[]) => Mapped | Promise<Mapped>,
  options?: StageOptions,
): Stage {
  const process: ProcessFunction = async (input, output) => {
    let held: StreamElement[] = [];
    const flush = async (): Promise<void> => {
      if (held.length === 0) return;
      const mapped = await combine(held);
      held = [];
      if (mapped === undefined || mapped === null) return;
      for (const next of Array.isArray(mapped) ? mapped : [mapped]) await output.write(toElement(next, undefined));
    };
    for await (const element of input) {
      if (!isControl(element)) held.push(element);
      else {
        if (element.kind === "end-of-turn" || element.kind === "end-of-stream") await flush();
        await output.write(element);
      }
    }
    await flush();
  };
  return stageFunc(name, "accumulate", process, options);
}

/** Takes no input and hands on what `generate` gives. */
export function source(
  name: string,
  generate: (context: StageContext) => Iterable<StreamElement | string> | AsyncIterable<StreamElement | string>,
): Stage {
  const process: ProcessFunction = async (_, output, context) => {
    for await (const next of generate(context)) await output.write(toElement(next, undefined));
  };
  return stageFunc(name, "generate", process, { accepts: [], maxInputs: 0 });
}

/** Gives each element to `take`, awaited, and hands nothing on. */
export function sink(name: string, take: (element: StreamElement) => unknown, options?: StageOptions): Stage {
  const process: ProcessFunction = async (input) => {
    for await (const element of input) await take(element);
  };
  return stageFunc(name, "sink", process, options);
}

/**
 * Hands on the first elements of content and ends: those before it stop when nobody else takes what they give.
 *
 * @throws {RangeError} at once for a count that is not a whole number from 0.
 */
export function take(name: string, count: number, options?: StageOptions): Stage {
  if (!Number.isInteger(count) || count < 0)
    throw new RangeError(`Cannot make stage "${name}": count must be a whole number from 0, got ${String(count)}`);
  const process: ProcessFunction = async (input, output) => {
    let left = count;
    if (left <= 0) return;
    for await (const element of input) {
      await output.write(element);
      if (!isControl(element) && --left === 0) return;
    }
  };
  return stageFunc(name, "transform", process, options);
}

/** A text in the place of `from`: it keeps what is known of that. */
function toElement(given: StreamElement | string, from: StreamElement | undefined): StreamElement {
  if (typeof given !== "string") return given;
  if (from === undefined) return textElement(given);
  const { metadata, priority, time, source: maker, trace } = from;
  const made: ElementOf<"text"> = { kind: "text", text: given, metadata, priority, time, source: maker, trace };
  return made;
}
