/** What the classes of the web share that hold names and values. */
import { append, isArray, ObjectGetPrototypeOf, SafeSymbol, SafeTypeError } from "../../../src/shared/primordials.ts";

const { iterator: symbolIterator, toStringTag } = SafeSymbol;
/** @throws {TypeError} for a method that was given fewer arguments than it takes: a name, or a name and a value. */
export function needsPair(kind: string, method: string, count: 1 | 2, given: number): void {
  if (given >= count) return;
  const what = count === 1 ? "a name" : "a name and a value";
  throw new SafeTypeError(`Cannot call ${kind}.${method}: it needs ${what}`);
}

/** What an item of a list that should be a pair holds; nothing, where it holds nothing in order. */
export function fieldsOf(item: unknown): unknown[] {
  const fields: unknown[] = [];
  if (isArray(item)) for (let i = 0; i < item.length; i++) append(fields, item[i]);
  else if (typeof item === "object" && item !== null && symbolIterator in item) {
    for (const field of item as Iterable<unknown>) append(fields, field);
  }
  return fields;
}

const IteratorPrototype = ObjectGetPrototypeOf(ObjectGetPrototypeOf([][Symbol.iterator]())) as object;

/** An iterator that follows changes of the list while it runs. `kind` is the class whose list it is. */
export function iterateList<Item, T>(
  items: () => readonly Item[],
  pick: (item: Item) => T,
  kind: string,
): IterableIterator<T> {
  let i = 0;
  return {
    __proto__: IteratorPrototype,
    next(): IteratorResult<T> {
      const list = items();
      return i < list.length ? { value: pick(list[i++]!), done: false } : { value: undefined, done: true };
    },
    get [toStringTag](): string {
      return `${kind} Iterator`;
    },
  } as unknown as IterableIterator<T>;
}
