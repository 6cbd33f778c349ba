import {
  append,
  defineHidden,
  ObjectPropertyIsEnumerable,
  ReflectApply,
  ReflectOwnKeys,
  SafeSymbol,
  SafeTypeError,
} from "../../../src/shared/primordials.ts";
import { customInspect } from "../core/inspect.ts";
import { fieldsOf, iterateList, needsPair } from "../web/pair-list.ts";
import type { InspectFunction } from "../web/show-fields.ts";
import { toHeaderName, toHeaderValue } from "./header-text.ts";

const KIND = "Headers";
const { iterator: symbolIterator } = SafeSymbol;

/** A name with its values, in the order in which they came. */
interface Header {
  name: string;
  values: string[];
}

interface Pair {
  name: string;
  value: string;
}

function joined(values: readonly string[]): string {
  let text = "";
  for (let i = 0; i < values.length; i++) text += i === 0 ? values[i]! : `, ${values[i]!}`;
  return text;
}

/** The pairs of a branded Headers, those of one name together but for cookies; undefined for everything else. */
export let headerPairs: (value: unknown) => Pair[] | undefined;
/** Gives headers one that they lack. */
export let setMissingHeader: (headers: Headers, name: string, value: string) => void;
/** Headers that scripts cannot change: those of an answer. */
export let createFixedHeaders: (pairs: readonly (readonly [string, string])[]) => Headers;

/** Names and values that go with a request or an answer; by name, in lower case. */
export class Headers {
  /** Sorted by name. */
  #headers: Header[] = [];
  #isFixed = false;

  constructor(init?: unknown) {
    if (init !== undefined) this.#fill(init);
  }

  append(name: unknown, value: unknown): void {
    needsPair(KIND, "append", 2, arguments.length);
    this.#checkOpen();
    this.#append(name, value);
  }

  delete(name: unknown): void {
    needsPair(KIND, "delete", 1, arguments.length);
    this.#checkOpen();
    const wanted = toHeaderName(name);
    const kept: Header[] = [];
    for (let i = 0; i < this.#headers.length; i++) {
      if (this.#headers[i]!.name !== wanted) append(kept, this.#headers[i]!);
    }
    this.#headers = kept;
  }

  get(name: unknown): string | null {
    needsPair(KIND, "get", 1, arguments.length);
    const found = this.#find(toHeaderName(name));
    return found === undefined ? null : joined(found.values);
  }

  getSetCookie(): string[] {
    const values: string[] = [];
    const found = this.#find("set-cookie")?.values ?? [];
    for (let i = 0; i < found.length; i++) append(values, found[i]!);
    return values;
  }

  has(name: unknown): boolean {
    needsPair(KIND, "has", 1, arguments.length);
    return this.#find(toHeaderName(name)) !== undefined;
  }

  set(name: unknown, value: unknown): void {
    needsPair(KIND, "set", 2, arguments.length);
    this.#checkOpen();
    const wanted = toHeaderName(name);
    const text = toHeaderValue(wanted, value);
    const found = this.#find(wanted);
    if (found === undefined) this.#append(wanted, text);
    else found.values = [text];
  }

  forEach(callback: (value: string, name: string, headers: Headers) => void, thisArg?: unknown): void {
    if (typeof callback !== "function") throw new SafeTypeError("Cannot iterate: the callback must be a function");
    for (let i = 0, pairs = this.#pairs(); i < pairs.length; i++, pairs = this.#pairs()) {
      ReflectApply(callback, thisArg, [pairs[i]!.value, pairs[i]!.name, this]);
    }
  }

  keys(): IterableIterator<string> {
    return iterateList(this.#list(), (pair) => pair.name, KIND);
  }
  values(): IterableIterator<string> {
    return iterateList(this.#list(), (pair) => pair.value, KIND);
  }
  entries(): IterableIterator<[string, string]> {
    return iterateList(this.#list(), (pair) => [pair.name, pair.value] as [string, string], KIND);
  }
  declare [Symbol.iterator]: () => IterableIterator<[string, string]>;

  [customInspect](depth: number | null, options: object, inspect: InspectFunction): string {
    if (depth !== null && depth < 0) return "[Headers]";
    const fields: Record<string, string> = { __proto__: null } as never;
    const pairs = this.#pairs();
    for (let i = 0; i < pairs.length; i++) {
      const { name, value } = pairs[i]!;
      fields[name] = name in fields ? `${fields[name]!}, ${value}` : value;
    }
    const shown = inspect({ ...fields }, options);
    return `Headers ${shown}`;
  }

  #list(): () => readonly Pair[] {
    return () => this.#pairs();
  }

  /** One for each name; of cookies one for each. */
  #pairs(): Pair[] {
    const pairs: Pair[] = [];
    for (let i = 0; i < this.#headers.length; i++) {
      const { name, values } = this.#headers[i]!;
      if (name !== "set-cookie") append(pairs, { name, value: joined(values) });
      else for (let j = 0; j < values.length; j++) append(pairs, { name, value: values[j]! });
    }
    return pairs;
  }

  #find(name: string): Header | undefined {
    for (let i = 0; i < this.#headers.length; i++) if (this.#headers[i]!.name === name) return this.#headers[i];
    return undefined;
  }

  #checkOpen(): void {
    if (this.#isFixed) throw new SafeTypeError("Cannot change these headers: they are those of an answer");
  }

  #append(givenName: unknown, givenValue: unknown): void {
    const name = toHeaderName(givenName);
    const value = toHeaderValue(name, givenValue);
    const found = this.#find(name);
    if (found !== undefined) {
      append(found.values, value);
      return;
    }
    const sorted: Header[] = [];
    let isPlaced = false;
    for (let i = 0; i < this.#headers.length; i++) {
      const header = this.#headers[i]!;
      if (!isPlaced && name < header.name) {
        append(sorted, { name, values: [value] });
        isPlaced = true;
      }
      append(sorted, header);
    }
    if (!isPlaced) append(sorted, { name, values: [value] });
    this.#headers = sorted;
  }

  #fill(init: unknown): void {
    if (typeof init !== "object" || init === null) {
      throw new SafeTypeError("Cannot make headers of this: give an object, or a list of [name, value]");
    }
    const known = headerPairs(init);
    if (known !== undefined) {
      for (let i = 0; i < known.length; i++) this.#append(known[i]!.name, known[i]!.value);
      return;
    }
    const iterate = (init as { [symbolIterator]?: unknown })[symbolIterator];
    if (iterate !== undefined && iterate !== null) {
      for (const item of init as Iterable<unknown>) {
        const fields = fieldsOf(item);
        if (fields.length !== 2) throw new SafeTypeError("Each header must be a name and a value: [name, value]");
        this.#append(fields[0], fields[1]);
      }
      return;
    }
    const keys = ReflectOwnKeys(init);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      if (ObjectPropertyIsEnumerable(init, key)) this.#append(key, (init as Record<PropertyKey, unknown>)[key]);
    }
  }

  static {
    headerPairs = (value) =>
      typeof value === "object" && value !== null && #headers in value ? value.#pairs() : undefined;
    setMissingHeader = (headers, name, value) => {
      if (headers.#find(name) === undefined) headers.#append(name, value);
    };
    createFixedHeaders = (pairs) => {
      const headers = new Headers();
      for (let i = 0; i < pairs.length; i++) headers.#append(pairs[i]![0], pairs[i]![1]);
      headers.#isFixed = true;
      return headers;
    };
  }
}

defineHidden(Headers.prototype, symbolIterator, Headers.prototype.entries);
