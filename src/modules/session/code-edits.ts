/** A part of the code that is replaced by a text; where it is empty the text is put in. */
export interface Edit {
  start: number;
  end: number;
  text: string;
  /** It ends something that begins here: what begins later ends before it. */
  opened?: number;
}

/** A part of the old code, with the edits in it; where it is strict without those that only touch its ends. */
export interface Part {
  start: number;
  end: number;
  isStrict?: boolean;
}

/** What the new code consists of: texts, and parts of the old code. */
export type Piece = string | Part;

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const LINE_BREAK = /\r\n|[\n\r\u2028\u2029]/g;

/** Counts lines and columns of a text that is read from its beginning to its end. */
class Place {
  line = 0;
  column = 0;

  pass(text: string): void {
    let last: number | undefined;
    for (const { 0: found, index } of text.matchAll(LINE_BREAK)) {
      this.line++;
      last = index + found.length;
    }
    this.column = last === undefined ? this.column + text.length : text.length - last;
  }
}

/**
 * Puts new code together, and the mappings of a source map from it to the old one.
 *
 * @param tokens where the tokens of the old code begin, in order: these are mapped
 * @param edits in any order; they do not overlap
 */
export function editCode(
  code: string,
  pieces: readonly Piece[],
  edits: readonly Edit[],
  tokens: readonly number[],
): { code: string; mappings: string } {
  const sorted = edits.toSorted((a, b) => a.start - b.start || a.end - b.end || byOpening(a, b));
  const starts = sorted.map(({ start }) => start);
  const places = new OldPlaces(code);
  const mappings = new MappingWriter();
  const out: string[] = [];
  const insert = (text: string): void => {
    out.push(text);
    mappings.at.pass(text);
  };
  const copy = (start: number, end: number): void => {
    let from = start;
    for (let at = firstFrom(tokens, start); at < tokens.length && tokens[at]! < end; at++) {
      const token = tokens[at]!;
      insert(code.slice(from, token));
      mappings.add(places.of(token));
      from = token;
    }
    insert(code.slice(from, end));
  };
  for (const piece of pieces) {
    if (typeof piece === "string") {
      insert(piece);
      continue;
    }
    const { end, isStrict = false } = piece;
    let from = piece.start;
    for (let at = firstFrom(starts, isStrict ? from + 1 : from); at < sorted.length; at++) {
      const edit = sorted[at]!;
      if (edit.start > end || (isStrict && edit.start === end)) break;
      copy(from, edit.start);
      if (edit.end > edit.start) mappings.add(places.of(edit.start));
      insert(edit.text);
      from = edit.end;
    }
    copy(from, end);
  }
  return { code: out.join(""), mappings: mappings.text };
}

/** What ends stands before what begins, and the inner end before the outer. */
function byOpening({ opened: one = -1 }: Edit, { opened: other = -1 }: Edit): number {
  return other - one;
}

/** The index of the first of ascending numbers that is not less. */
function firstFrom(numbers: readonly number[], least: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where offsets of the old code are. */
class OldPlaces {
  readonly #starts: number[] = [0];

  constructor(code: string) {
    for (const { 0: found, index } of code.matchAll(LINE_BREAK)) this.#starts.push(index + found.length);
  }

  of(offset: number): { line: number; column: number } {
    const line = firstFrom(this.#starts, offset + 1) - 1;
    return { line, column: offset - this.#starts[line]! };
  }
}

/** Writes the mappings of a source map with one source. */
class MappingWriter {
  readonly at = new Place();
  text = "";
  #line = 0;
  #last = [0, 0, 0, 0];
  #isFirst = true;

  add({ line, column }: { line: number; column: number }): void {
    while (this.#line < this.at.line) {
      this.text += ";";
      this.#line++;
      this.#last[0] = 0;
      this.#isFirst = true;
    }
    const fields = [this.at.column, 0, line, column];
    if (!this.#isFirst) this.text += ",";
    this.#isFirst = false;
    for (const [index, field] of fields.entries()) this.text += encode(field - this.#last[index]!);
    this.#last = fields;
  }
}

function encode(value: number): string {
  let text = "";
  let rest = value < 0 ? (-value << 1) | 1 : value << 1;
  do {
    const digit = rest & 31;
    rest >>>= 5;
    text += DIGITS[rest > 0 ? digit | 32 : digit];
  } while (rest > 0);
  return text;
}
