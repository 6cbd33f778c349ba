import {
  append,
  NumberParseInt,
  StringCharCodeAt,
  StringIndexOf,
  StringLastIndexOf,
  StringSlice,
} from "./primordials.ts";

/** Where the text of a script that was put together from modules comes from. */
export interface SourcePositions {
  /** The name under which the whole runs: "file:///script.js". */
  file: string;
  /** The modules' own names, of the same form. */
  sources: string[];
  /** As in a source map. */
  mappings: string;
}

/** Four numbers each: column, source, line and column there, all from 0, in the order of the first. */
type Segments = number[];

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const COMMA = 44;
const SEMICOLON = 59;

/** Reads `mappings`, line by line. What is malformed ends the reading. */
function readMappings(mappings: string): Segments[] {
  const lines: Segments[] = [[]];
  let segments = lines[0]!;
  let fields: number[] = [];
  let column = 0;
  let source = 0;
  let line = 0;
  let sourceColumn = 0;
  let value = 0;
  let shift = 0;
  for (let at = 0; at <= mappings.length; at++) {
    const code = at < mappings.length ? StringCharCodeAt(mappings, at) : SEMICOLON;
    if (code !== COMMA && code !== SEMICOLON) {
      const digit = StringIndexOf(DIGITS, mappings[at]!);
      if (digit < 0 || shift > 25) return lines;
      value += (digit & 31) << shift;
      shift += 5;
      if ((digit & 32) !== 0) continue;
      append(fields, (value & 1) === 0 ? value >> 1 : -(value >> 1));
      value = 0;
      shift = 0;
      continue;
    }
    column += fields[0] ?? 0;
    if (fields.length >= 4) {
      source += fields[1]!;
      line += fields[2]!;
      sourceColumn += fields[3]!;
      append(segments, column);
      append(segments, source);
      append(segments, line);
      append(segments, sourceColumn);
    }
    fields = [];
    if (code === SEMICOLON) {
      column = 0;
      segments = [];
      append(lines, segments);
    }
  }
  return lines;
}

/** Puts places in the whole back to where they come from. Reads the mappings when the first is asked for. */
export class SourcePlaces {
  readonly #positions: SourcePositions;
  #lines: Segments[] | undefined;

  constructor(positions: SourcePositions) {
    this.#positions = positions;
  }

  /**
   * The text with its last `file:///script.js:line:column`, which count from 1, as `name:line:column` of the module's own.
   * `otherwise` is given for a place that comes from no module, but from what has put them together.
   */
  translate(text: string, otherwise: string = text): string {
    const { file } = this.#positions;
    const start = StringLastIndexOf(text, `${file}:`);
    if (start < 0) return text;
    const lineAt = start + file.length + 1;
    const colon = StringIndexOf(text, ":", lineAt);
    if (colon < 0) return text;
    const line = NumberParseInt(StringSlice(text, lineAt, colon), 10);
    let end = colon + 1;
    while (end < text.length && StringCharCodeAt(text, end) >= 48 && StringCharCodeAt(text, end) <= 57) end++;
    const column = NumberParseInt(StringSlice(text, colon + 1, end), 10);
    const place = this.#find(line, column);
    return place === undefined ? otherwise : StringSlice(text, 0, start) + place + StringSlice(text, end, text.length);
  }

  /** A stack with the places of its frames, one in each line, likewise. */
  translateStack(stack: string): string {
    let translated = "";
    let start = 0;
    for (let end = StringIndexOf(stack, "\n"); end >= 0; end = StringIndexOf(stack, "\n", start)) {
      translated += `${this.translate(StringSlice(stack, start, end))}\n`;
      start = end + 1;
    }
    return translated + this.translate(StringSlice(stack, start));
  }

  #find(line: number, column: number): string | undefined {
    this.#lines ??= readMappings(this.#positions.mappings);
    const segments = this.#lines[line - 1] ?? [];
    let found = -1;
    for (let at = 0; at < segments.length && segments[at]! < column; at += 4) found = at;
    const source = found < 0 ? undefined : this.#positions.sources[segments[found + 1]!];
    if (source === undefined) return undefined;
    return `${source}:${segments[found + 2]! + 1}:${segments[found + 3]! + 1}`;
  }
}
