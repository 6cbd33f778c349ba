import type { Frame } from "../shared/frames.ts";
import type { Source } from "../sandbox/realm.ts";
import { JournalError } from "./journal-error.ts";
import { JOURNAL_VERSION, type JournalEnd, type JournalFacts, type JournalRecord } from "./journal-record.ts";
import { isObject } from "../shared/is-object.ts";
import { PieceReader } from "./piece-reader.ts";

/**
 * Records as text: a letter, then each part with its length before it ("N5:[1,2]"). Lengths count UTF-16 units, so
 * that whatever a guest says stays what it is. Buffers stand before the frame that they belong to.
 */
export const LETTERS = {
  begin: "B",
  buffer: "b",
  entry: "E",
  run: "R",
  /**
   * An entry that is a piece of text: its delta. What is around that, with the number and time of the first one, stands
   * before the first of several, each with the next number; another time stands before the first that has it. Since
   * version 4.
   */
  piece: "p",
  pieces: "P",
  pieceTime: "t",
  /** The same with the hash of a text that is kept beside the journal. Since version 3. */
  keptEntry: "e",
  keptRun: "r",
  call: "C",
  wait: "W",
  answer: "A",
  note: "N",
  /** The same note as the last one: a script that reads a stream takes each piece with one. */
  again: "n",
  gate: "G",
  said: "T",
  event: "V",
  /** Since version 2. */
  time: "M",
  end: "Z",
} as const;

/** How many parts follow each letter. */
const PARTS: Readonly<Record<string, number>> = {
  B: 1,
  b: 1,
  E: 1,
  R: 2,
  p: 1,
  P: 1,
  t: 1,
  e: 1,
  r: 2,
  C: 2,
  W: 1,
  A: 1,
  N: 1,
  n: 0,
  G: 1,
  T: 1,
  V: 0,
  M: 1,
  Z: 1,
};

/** Longest number before a part: no frame is longer than 16 million characters. */
const MAX_DIGITS = 9;

/** A record as it is written: its letter and its parts. */
export interface WrittenRecord {
  letter: string;
  parts: string[];
}

export function writeRecord({ letter, parts }: WrittenRecord): string {
  let text = letter;
  for (const part of parts) text += `${part.length}:${part}`;
  return text;
}

/**
 * The records of a text.
 *
 * @throws {JournalError} for what is not a record, with its place.
 */
export function* splitRecords(text: string): Generator<WrittenRecord> {
  let at = 0;
  while (at < text.length) {
    const letter = text[at]!;
    const count = PARTS[letter];
    if (count === undefined) throw new JournalError(`it holds an unknown record at character ${at}`);
    at++;
    const parts: string[] = [];
    for (let i = 0; i < count; i++) {
      const colon = text.indexOf(":", at);
      const digits = text.slice(at, colon);
      if (colon < at || colon - at > MAX_DIGITS || !/^\d+$/.test(digits)) {
        throw new JournalError(`it holds a malformed length at character ${at}`);
      }
      const end = colon + 1 + Number(digits);
      if (end > text.length) throw new JournalError(`a record at character ${at} is cut off`);
      parts.push(text.slice(colon + 1, end));
      at = end;
    }
    yield { letter, parts };
  }
}

/** Makes records of what was written; buffers are joined with their frames. */
export class RecordReader {
  #buffers: ArrayBuffer[] = [];
  #lastNote = "";
  readonly #textOf: (hash: string) => string;
  readonly #pieces: PieceReader;

  /**
   * @param textOf the text of a hash; throws a {@link JournalError} where there is none
   * @param onMore told how much more text a record is than was written; what it throws, {@link read} does
   */
  constructor(textOf: (hash: string) => string, onMore: (chars: number) => void) {
    this.#textOf = textOf;
    this.#pieces = new PieceReader(onMore);
  }

  /**
   * The record; undefined for what belongs to the next one, such as a buffer.
   *
   * @throws {JournalError} for parts that are not what they should be.
   */
  read({ letter, parts }: WrittenRecord): JournalRecord | undefined {
    const [first = "", second = ""] = parts;
    switch (letter) {
      case LETTERS.buffer:
        this.#buffers.push(toBuffer(first));
        return undefined;
      case LETTERS.begin:
        return { kind: "begin", facts: parseFacts(first) };
      case LETTERS.entry:
        return { kind: "entry", frame: this.#frame(first) };
      case LETTERS.piece:
        return { kind: "entry", frame: { text: this.#pieces.text(first) } };
      case LETTERS.pieces:
        this.#pieces.begin(first);
        return undefined;
      case LETTERS.pieceTime:
        this.#pieces.setTime(first);
        return undefined;
      case LETTERS.run:
        return { kind: "run", source: parseSource(first, second) };
      case LETTERS.keptEntry:
        return { kind: "entry", frame: this.#frame(this.#textOf(first)) };
      case LETTERS.keptRun:
        return { kind: "run", source: parseSource(first, this.#textOf(second)) };
      case LETTERS.call:
        return { kind: "call", text: first, answer: second };
      case LETTERS.wait:
        return { kind: "wait", text: first };
      case LETTERS.answer:
        return { kind: "answer", frame: this.#frame(first) };
      case LETTERS.note:
        this.#lastNote = first;
        return { kind: "note", text: first };
      case LETTERS.again:
        return { kind: "note", text: this.#lastNote };
      case LETTERS.gate:
        return { kind: "gate", isOpen: first === "1" };
      case LETTERS.said:
        return { kind: "said", text: first };
      case LETTERS.event:
        return { kind: "event" };
      case LETTERS.time:
        return { kind: "time", ms: parseTime(first) };
      default:
        return { kind: "end", end: parseEnd(first) };
    }
  }

  #frame(text: string): Frame {
    const buffers = this.#buffers;
    if (buffers.length === 0) return { text };
    this.#buffers = [];
    return { text, buffers };
  }
}

function parseTime(text: string): number {
  if (!/^\d{1,16}$/.test(text)) throw new JournalError("it holds a time that cannot be read");
  return Number(text);
}

function toBuffer(base64: string): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = Buffer.from(base64, "base64");
  return buffer.slice(byteOffset, byteOffset + byteLength);
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isObject(value)) return value;
  throw new JournalError("it holds a record that cannot be read");
}

const FACTS: { readonly [Name in keyof JournalFacts]: "number" | "string" } = {
  format: "number",
  product: "string",
  runtime: "string",
  node: "number",
  v8: "number",
  isolation: "string",
  hardening: "string",
  timeZone: "string",
  hostZone: "string",
  hostLocale: "string",
  memoryMB: "number",
  outputBytes: "number",
};

function parseFacts(text: string): JournalFacts {
  const facts = parseObject(text);
  const { format } = facts;
  if (typeof format === "number" && format > JOURNAL_VERSION) {
    throw new JournalError("a newer version of geppetto-js made it");
  }
  for (const [name, type] of Object.entries(FACTS)) {
    if (typeof facts[name] !== type) throw new JournalError(`"${name}" at its beginning must be a ${type}`);
  }
  const { isolation, hardening } = facts as unknown as JournalFacts;
  if (!["process", "thread"].includes(isolation) || !["standard", "strict"].includes(hardening)) {
    throw new JournalError("it was made in a kind of isolation that is unknown here");
  }
  return facts as unknown as JournalFacts;
}

function parseSource(json: string, code: string): Source {
  const { filename, kind, lineOffset, token, loadOnly } = parseObject(json);
  const isSource =
    typeof filename === "string" &&
    (kind === "module" || kind === "classic") &&
    Number.isSafeInteger(lineOffset) &&
    Number.isSafeInteger(token);
  if (!isSource) throw new JournalError("it holds a source that cannot be read");
  const source: Source = { code, filename, kind, lineOffset: lineOffset as number, token: token as number };
  return loadOnly === true ? { ...source, loadOnly } : source;
}

function parseEnd(text: string): JournalEnd {
  const { exitCode, signal, told } = parseObject(text);
  if (!Number.isSafeInteger(exitCode)) throw new JournalError("its end holds no exit code");
  return {
    exitCode: exitCode as number,
    ...(typeof signal === "string" ? { signal } : {}),
    ...(isObject(told) ? { told } : {}),
  };
}
