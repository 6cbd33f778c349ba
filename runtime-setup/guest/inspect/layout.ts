/** How the entries of an object are laid out: on one line, in columns, or one per line. The rules are Node's. */
import {
  append,
  ArrayJoin,
  MathFloor,
  MathMax,
  MathMin,
  MathRound,
  MathSqrt,
  StringIncludes,
  StringRepeat,
} from "../../../src/shared/primordials.ts";
import type { Context } from "./context.ts";
import { stripEscapes, textWidth } from "../../../src/shared/text-width.ts";

/** What stands between the braces: properties, array items, or array items with properties after them. */
export type Extras = "object" | "array" | "array-extras";

const MAX_COLUMNS = 15;

function columnCount(
  context: Context,
  widths: readonly number[],
  entries: number,
  total: number,
  widest: number,
): number {
  const actual = widest + 2;
  if (actual * 3 + context.indentation >= context.breakLength || (total / actual <= 5 && widest > 6)) return 1;
  const bias = MathSqrt(actual - total / entries);
  const biased = MathMax(actual - 3 - bias, 1);
  return MathMin(
    // A character is about 2.5 times as high as wide: this aims at a square.
    MathRound(MathSqrt(2.5 * biased * widths.length) / biased),
    MathFloor((context.breakLength - context.indentation) / actual),
    (context.compact as number) * 4,
    MAX_COLUMNS,
  );
}

/** Puts the short items of a long array side by side, numbers flush right. */
function groupItems(context: Context, output: string[], value: unknown): string[] {
  // The line "... n more items" is not an item.
  const count = context.maxArrayLength < output.length ? output.length - 1 : output.length;
  const widths: number[] = [];
  let total = 0;
  let widest = 0;
  for (let i = 0; i < count; i++) {
    const width = textWidth(output[i]!);
    append(widths, width);
    total += width + 2;
    widest = MathMax(widest, width);
  }
  const columns = columnCount(context, widths, output.length, total, widest);
  if (!(columns > 1)) return output;
  const lineWidths: number[] = [];
  for (let i = 0; i < columns; i++) {
    let line = 0;
    for (let j = i; j < count; j += columns) line = MathMax(line, widths[j]!);
    append(lineWidths, line + 2);
  }
  let flushRight = true;
  if (value !== undefined) {
    for (let i = 0; i < output.length && flushRight; i++) {
      const item = (value as ArrayLike<unknown>)[i];
      flushRight = typeof item === "number" || typeof item === "bigint";
    }
  }
  const lines: string[] = [];
  for (let i = 0; i < count; i += columns) {
    const end = MathMin(i + columns, count);
    let line = "";
    for (let j = i; j < end; j++) {
      const last = j === end - 1;
      const cell = last ? output[j]! : `${output[j]!}, `;
      const pad = MathMax(0, lineWidths[j - i]! - widths[j]! - 2);
      const space = StringRepeat(" ", pad);
      if (flushRight) line += space + cell;
      else line += last ? cell : cell + space;
    }
    append(lines, line);
  }
  if (count < output.length) append(lines, output[count]!);
  return lines;
}

function fitsOnLine(context: Context, output: readonly string[], start: number, base: string): boolean {
  if (context.breakLength === Infinity) {
    for (let i = 0; i < output.length; i++) if (StringIncludes(output[i]!, "\n")) return false;
    return !StringIncludes(base, "\n");
  }
  let total = output.length + start;
  if (total + output.length > context.breakLength) return false;
  for (let i = 0; i < output.length; i++) {
    total += context.colors ? stripEscapes(output[i]!).length : output[i]!.length;
    if (total > context.breakLength) return false;
  }
  return base === "" || !StringIncludes(base, "\n");
}

/** Joins formatted entries into the text of their object. `value` is given for arrays, to see whether all are numbers. */
export function layOut(
  context: Context,
  entries: string[],
  base: string,
  braces: readonly [string, string],
  extras: Extras,
  depth: number,
  value?: unknown,
): string {
  const open = braces[0];
  const close = braces[1];
  if (context.compact !== true) {
    const lead = base === "" ? "" : `${base} `;
    let output = entries;
    if (typeof context.compact === "number" && context.compact >= 1) {
      if (extras === "array-extras" && entries.length > 6) output = groupItems(context, entries, value);
      if (context.currentDepth - depth < context.compact && output === entries) {
        const start = output.length + context.indentation + open.length + base.length + 10;
        if (fitsOnLine(context, output, start, base)) {
          const joined = ArrayJoin(output, ", ");
          if (!StringIncludes(joined, "\n")) return `${lead}${open} ${joined} ${close}`;
        }
      }
    }
    const indent = `\n${StringRepeat(" ", context.indentation)}`;
    return `${lead}${open}${indent}  ${ArrayJoin(output, `,${indent}  `)}${indent}${close}`;
  }
  if (fitsOnLine(context, entries, 0, base)) {
    return `${open}${base === "" ? "" : ` ${base}`} ${ArrayJoin(entries, ", ")} ${close}`;
  }
  const indent = StringRepeat(" ", context.indentation);
  const lead = base === "" && open.length === 1 ? " " : `${base === "" ? "" : ` ${base}`}\n${indent}  `;
  return `${open}${lead}${ArrayJoin(entries, `,\n${indent}  `)} ${close}`;
}
