import {
  append,
  defineHidden,
  isArray,
  ReflectApply,
  ReflectOwnKeys,
  ObjectPropertyIsEnumerable,
  SafeSymbol,
  SafeTypeError,
} from "../../../../src/shared/primordials.ts";
import { customInspect } from "../../core/inspect.ts";
import { withCode } from "../coded-error.ts";
import { fieldsOf, iterateList as iterate, needsPair } from "../pair-list.ts";
import { parseForm, serializeForm } from "./form-encoding.ts";
import type { InspectFunction } from "../show-fields.ts";
import { toUsvString } from "../web-strings.ts";

const KIND = "URLSearchParams";

/** A name and its value. */
export interface Pair {
  name: string;
  value: string;
}

function pairOf(item: unknown): Pair {
  const fields = fieldsOf(item);
  if (fields.length !== 2) {
    throw withCode(new SafeTypeError("Each query pair must be an iterable [name, value] tuple"), "ERR_INVALID_TUPLE");
  }
  return { name: toUsvString(fields[0]), value: toUsvString(fields[1]) };
}

const { iterator: symbolIterator } = SafeSymbol;

function readInit(init: unknown): Pair[] {
  if (init === undefined) return [];
  if (init === null || (typeof init !== "object" && typeof init !== "function")) {
    const query = toUsvString(init);
    return parseForm(query[0] === "?" ? query : `?${query}`);
  }
  const pairs: Pair[] = [];
  const iterate = (init as { [symbolIterator]?: unknown })[symbolIterator];
  const known = iterate === listEntries ? pairsOf(init) : undefined;
  if (known !== undefined) {
    for (let i = 0; i < known.length; i++) append(pairs, { name: known[i]!.name, value: known[i]!.value });
    return pairs;
  }
  if (isArray(init) && iterate === listItems) for (let i = 0; i < init.length; i++) append(pairs, pairOf(init[i]));
  else if (iterate !== undefined && iterate !== null) {
    for (const item of init as Iterable<unknown>) append(pairs, pairOf(item));
  } else {
    const keys = ReflectOwnKeys(init);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      if (!ObjectPropertyIsEnumerable(init, key)) continue;
      const pair = { name: toUsvString(key), value: toUsvString((init as Record<PropertyKey, unknown>)[key]) };
      const at = indexOfName(pairs, pair.name);
      if (at === -1) append(pairs, pair);
      else pairs[at] = pair;
    }
  }
  return pairs;
}

function indexOfName(pairs: readonly Pair[], name: string): number {
  for (let i = 0; i < pairs.length; i++) if (pairs[i]!.name === name) return i;
  return -1;
}

/** The pairs of a branded URLSearchParams, or undefined. */
let pairsOf: (value: object) => Pair[] | undefined;
/** Is this a URLSearchParams? Decided by brand. */
export let isSearchParams: (value: object) => boolean;
/** Such params as a query, whatever a script has made of their methods. */
export let serializeSearchParams: (params: object) => string;
/** Replaces all pairs by those of a query, without a call of the change listener. */
export let resetSearchParams: (params: URLSearchParams, query: string) => void;
/** Makes the params of a URL; `onChange` gets the serialized query after each change. */
export let linkSearchParams: (query: string, onChange: (query: string) => void) => URLSearchParams;

/** The query of a URL as a list of names and values. */
export class URLSearchParams {
  #pairs: Pair[];
  #onChange: ((query: string) => void) | undefined;

  constructor(init?: unknown) {
    this.#pairs = readInit(init);
  }

  get size(): number {
    return this.#pairs.length;
  }

  append(name: string, value: string): void {
    const pairs = this.#pairs;
    needsPair(KIND, "append", 2, arguments.length);
    append(pairs, { name: toUsvString(name), value: toUsvString(value) });
    this.#changed();
  }

  delete(name: string, value?: string): void {
    const pairs = this.#pairs;
    needsPair(KIND, "delete", 1, arguments.length);
    const wanted = toUsvString(name);
    const only = value === undefined ? undefined : toUsvString(value);
    const kept: Pair[] = [];
    for (let i = 0; i < pairs.length; i++) {
      const pair = pairs[i]!;
      if (pair.name !== wanted || (only !== undefined && pair.value !== only)) append(kept, pair);
    }
    this.#pairs = kept;
    this.#changed();
  }

  get(name: string): string | null {
    const pairs = this.#pairs;
    needsPair(KIND, "get", 1, arguments.length);
    return pairs[indexOfName(pairs, toUsvString(name))]?.value ?? null;
  }

  getAll(name: string): string[] {
    const pairs = this.#pairs;
    needsPair(KIND, "getAll", 1, arguments.length);
    const wanted = toUsvString(name);
    const values: string[] = [];
    for (let i = 0; i < pairs.length; i++) if (pairs[i]!.name === wanted) append(values, pairs[i]!.value);
    return values;
  }

  has(name: string, value?: string): boolean {
    const pairs = this.#pairs;
    needsPair(KIND, "has", 1, arguments.length);
    const wanted = toUsvString(name);
    const only = value === undefined ? undefined : toUsvString(value);
    for (let i = 0; i < pairs.length; i++) {
      if (pairs[i]!.name === wanted && (only === undefined || pairs[i]!.value === only)) return true;
    }
    return false;
  }

  set(name: string, value: string): void {
    const pairs = this.#pairs;
    needsPair(KIND, "set", 2, arguments.length);
    const pair = { name: toUsvString(name), value: toUsvString(value) };
    const kept: Pair[] = [];
    let isSet = false;
    for (let i = 0; i < pairs.length; i++) {
      if (pairs[i]!.name !== pair.name) append(kept, pairs[i]!);
      else if (!isSet) {
        isSet = true;
        append(kept, pair);
      }
    }
    if (!isSet) append(kept, pair);
    this.#pairs = kept;
    this.#changed();
  }

  /** Orders the pairs by name, in UTF-16 units; pairs of one name keep their order. */
  sort(): void {
    this.#pairs = sorted(this.#pairs);
    this.#changed();
  }

  forEach(callback: (value: string, name: string, params: URLSearchParams) => void, thisArg?: unknown): void {
    if (!(#pairs in this)) throw new SafeTypeError("Cannot iterate: it is not a URLSearchParams");
    if (typeof callback !== "function") throw new SafeTypeError("Cannot iterate: the callback must be a function");
    for (let i = 0; i < this.#pairs.length; i++) {
      const { name, value } = this.#pairs[i]!;
      ReflectApply(callback, thisArg, [value, name, this]);
    }
  }

  keys(): IterableIterator<string> {
    return iterate(this.#list(), (pair) => pair.name, KIND);
  }
  values(): IterableIterator<string> {
    return iterate(this.#list(), (pair) => pair.value, KIND);
  }
  entries(): IterableIterator<[string, string]> {
    return iterate(this.#list(), (pair) => [pair.name, pair.value] as [string, string], KIND);
  }
  declare [Symbol.iterator]: () => IterableIterator<[string, string]>;

  toString(): string {
    return serializeForm(this.#pairs);
  }
  [customInspect](depth: number | null, options: object, inspect: InspectFunction): string {
    if (depth !== null && depth < 0) return "[Object]";
    const pairs = this.#pairs;
    let out = "";
    for (let i = 0; i < pairs.length; i++) {
      const { name, value } = pairs[i]!;
      out += `${i === 0 ? " " : ", "}${inspect(name, options)} => ${inspect(value, options)}`;
    }
    return out === "" ? "URLSearchParams {}" : `URLSearchParams {${out} }`;
  }

  #list(): () => readonly Pair[] {
    return () => this.#pairs;
  }

  #changed(): void {
    this.#onChange?.(serializeForm(this.#pairs));
  }

  static {
    pairsOf = (value) => (#pairs in value ? value.#pairs : undefined);
    isSearchParams = (value) => #pairs in value;
    serializeSearchParams = (params) => serializeForm((params as URLSearchParams).#pairs);
    resetSearchParams = (params, query) => {
      params.#pairs = parseForm(query);
    };
    linkSearchParams = (query, onChange) => {
      const params = new URLSearchParams();
      params.#pairs = parseForm(query);
      params.#onChange = onChange;
      return params;
    };
  }
}

const listEntries = URLSearchParams.prototype.entries;
defineHidden(URLSearchParams.prototype, symbolIterator, listEntries);
const listItems: unknown = Array.prototype[Symbol.iterator];

/** A stable merge sort: Array.prototype.sort would read a script's prototypes for holes and comparators. */
function sorted(pairs: readonly Pair[]): Pair[] {
  if (pairs.length < 2) return pairs as Pair[];
  const middle = pairs.length >> 1;
  const left: Pair[] = [];
  const right: Pair[] = [];
  for (let i = 0; i < pairs.length; i++) append(i < middle ? left : right, pairs[i]!);
  const a = sorted(left);
  const b = sorted(right);
  const out: Pair[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const isLeft = j === b.length || (i < a.length && a[i]!.name <= b[j]!.name);
    append(out, isLeft ? a[i++]! : b[j++]!);
  }
  return out;
}
