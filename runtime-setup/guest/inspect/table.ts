import {
  append,
  isArray,
  MathMax,
  ObjectHasOwn,
  ObjectKeys,
  SafeMap,
  SafeString,
  StringRepeat,
  typedArrayName,
} from "../../../src/shared/primordials.ts";
import { isMap, isSet } from "./brands.ts";
import { listEntries } from "./collections.ts";
import type { InspectOptions } from "./context.ts";
import { inspect } from "./inspect.ts";
import { textWidth } from "../../../src/shared/text-width.ts";

interface Column {
  title: string;
  cells: string[];
}

const MAX_ROWS = 10_000;

function cellText(value: unknown, options: InspectOptions): string {
  const wide = typeof value === "object" && value !== null && !isArray(value) && typedArrayName(value) === undefined;
  const depth = wide && ObjectKeys(value).length > 2 ? -1 : 0;
  return inspect(value, { depth, maxArrayLength: 3, breakLength: Infinity, ...options });
}

function rule(left: string, middle: string, right: string, widths: readonly number[]): string {
  let out = left;
  for (let i = 0; i < widths.length; i++) out += (i === 0 ? "" : middle) + StringRepeat("─", widths[i]! + 2);
  return out + right;
}

function line(cells: readonly string[], widths: readonly number[]): string {
  let out = "│ ";
  for (let i = 0; i < cells.length; i++) {
    out += (i === 0 ? "" : " │ ") + cells[i]! + StringRepeat(" ", MathMax(0, widths[i]! - textWidth(cells[i]!)));
  }
  return `${out} │`;
}

function render(columns: readonly Column[]): string {
  let rows = 0;
  for (let i = 0; i < columns.length; i++) rows = MathMax(rows, columns[i]!.cells.length);
  const widths: number[] = [];
  const titles: string[] = [];
  for (let i = 0; i < columns.length; i++) {
    const { title, cells } = columns[i]!;
    let width = textWidth(title);
    for (let row = 0; row < cells.length; row++) width = MathMax(width, textWidth(cells[row] ?? ""));
    append(widths, width);
    append(titles, title);
  }
  let out = `${rule("┌", "┬", "┐", widths)}\n${line(titles, widths)}\n${rule("├", "┼", "┤", widths)}\n`;
  for (let row = 0; row < rows; row++) {
    const cells: string[] = [];
    for (let i = 0; i < columns.length; i++) append(cells, columns[i]!.cells[row] ?? "");
    out += `${line(cells, widths)}\n`;
  }
  return out + rule("└", "┴", "┘", widths);
}

function entriesTable(data: object, options: InspectOptions): string {
  const isMapLike = isMap(data);
  const entries = listEntries(data, isMapLike);
  const index: Column = { title: "(iteration index)", cells: [] };
  const keys: Column = { title: "Key", cells: [] };
  const values: Column = { title: "Values", cells: [] };
  for (let i = 0; i < entries.length && i < MAX_ROWS; i++) {
    append(index.cells, cellText(i, options));
    if (isMapLike) append(keys.cells, cellText(entries[i]![0], options));
    append(values.cells, cellText(entries[i]![1], options));
  }
  return render(isMapLike ? [index, keys, values] : [index, values]);
}

/** Puts a cell into a row; the rows above that have none stay empty. */
function place(column: Column, row: number, cell: string): void {
  while (column.cells.length < row) append(column.cells, "");
  append(column.cells, cell);
}

/** The keys of all rows in the order in which an object would list them: integers first. */
function inKeyOrder(found: readonly string[]): string[] {
  const record = { __proto__: null } as unknown as Record<string, boolean>;
  for (let i = 0; i < found.length; i++) record[found[i]!] = true;
  return ObjectKeys(record);
}

/**
 * The table that `console.table` draws. Returns undefined for a primitive, which has no table.
 *
 * @param properties the columns to show, in this order; without it all that any row has
 */
export function formatTable(
  data: unknown,
  properties: readonly unknown[] | undefined,
  options: InspectOptions,
): string | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  if (isMap(data) || isSet(data)) return entriesTable(data, options);
  const index: Column = { title: "(index)", cells: [] };
  const values: Column = { title: "Values", cells: [] };
  const columns = new SafeMap<string, Column>();
  const found: string[] = [];
  const rows = ObjectKeys(data);
  for (let row = 0; row < rows.length && row < MAX_ROWS; row++) {
    append(index.cells, rows[row]!);
    const item = (data as Record<string, unknown>)[rows[row]!];
    const isPrimitive = item === null || (typeof item !== "object" && typeof item !== "function");
    if (isPrimitive && properties === undefined) {
      place(values, row, cellText(item, options));
      continue;
    }
    const keys = properties ?? ObjectKeys(item as object);
    for (let i = 0; i < keys.length; i++) {
      const key = SafeString(keys[i]);
      let column = columns.get(key);
      if (column === undefined) {
        column = { title: key, cells: [] };
        columns.set(key, column);
        append(found, key);
      }
      const isThere = !isPrimitive && ObjectHasOwn(item, key);
      if (column.cells.length > row) continue;
      place(column, row, isThere ? cellText((item as Record<string, unknown>)[key], options) : "");
    }
  }
  const all: Column[] = [index];
  const order = inKeyOrder(found);
  for (let i = 0; i < order.length; i++) append(all, columns.get(order[i]!)!);
  if (values.cells.length > 0) append(all, values);
  return render(all);
}
