import type { Source } from "../sandbox/realm.ts";
import type { Frame } from "../shared/frames.ts";
import { MAX_JOURNAL_BYTES, type JournalEnd, type JournalFacts, type JournalSink } from "./journal-record.ts";
import { LETTERS, splitRecords, writeRecord, type WrittenRecord } from "./journal-text.ts";

export interface JournalRecorderOptions {
  /** Keeps a part of the journal, in order. What it throws is why the run cannot be replayed. */
  write(chunk: Uint8Array): void;
  /** Takes out of a text what is not to be kept. */
  redact(text: string): string;
  /** May a text hold something that is to be taken out? Asked of many frames at once; default always. */
  mayRedact?(text: string): boolean;
  /** Told once, as soon as the run cannot be replayed any more. */
  onFailed?(reason: string): void;
  /** Most text, in bytes; default 64 MB. */
  maxBytes?: number;
}

/** Text that is joined at a time, in characters: strings that wait for longer cost V8's collector time. */
const BATCH_CHARS = 16_384;
/** What is compressed and kept at a time, in bytes. */
const CHUNK_BYTES = 262_144;

/** Loaded on use: while a script starts there is nothing to compress. */
function compress(bytes: Uint8Array): Promise<Uint8Array> {
  const { constants, zstdCompress } = process.getBuiltinModule("node:zlib");
  const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 };
  return new Promise((resolve, reject) => {
    zstdCompress(bytes, { params }, (error, compressed) => (error === null ? resolve(compressed) : reject(error)));
  });
}

/**
 * Keeps what crosses the wall in one run. Texts are held as they are, and joined, redacted and compressed some at a time,
 * off the path of events. A journal that grows too large, or cannot be kept, is given up; the run goes on.
 */
export class JournalRecorder implements JournalSink {
  readonly #options: Required<JournalRecorderOptions>;
  #facts: (() => JournalFacts) | undefined;
  #parts: string[] = [];
  #chars = 0;
  /** Joined, and not yet kept. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  /** Of all of it. */
  #bytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #isRecording = true;
  #lastNote: string | undefined;
  #failure: string | undefined;

  constructor(options: JournalRecorderOptions) {
    this.#options = { maxBytes: MAX_JOURNAL_BYTES, mayRedact: () => true, onFailed: () => {}, ...options };
  }

  /** Why the run cannot be replayed; undefined where it can. */
  get failure(): string | undefined {
    return this.#failure;
  }

  begin(facts: () => JournalFacts): void {
    this.#facts = facts;
  }

  entry(frame: Frame): void {
    this.#frame(LETTERS.entry, frame);
  }

  run({ code, ...facts }: Source): void {
    this.#push(LETTERS.run, JSON.stringify(facts), code);
  }

  call(text: string, answer: string): void {
    this.#push(LETTERS.call, text, answer);
  }

  wait(text: string): void {
    this.#push(LETTERS.wait, text);
  }

  answer(frame: Frame): void {
    this.#frame(LETTERS.answer, frame);
  }

  note(text: string): void {
    if (!this.#isRecording) return;
    if (text === this.#lastNote) this.#add(LETTERS.again);
    else this.#add(LETTERS.note, text);
    this.#lastNote = text;
  }

  gate(isOpen: boolean): void {
    this.#push(LETTERS.gate, isOpen ? "1" : "0");
  }

  /** The host has said something of its own. Also after the guest's end. */
  said(text: string): void {
    this.#add(LETTERS.said, text);
  }

  /** One more event has been told. Also after the guest's end. */
  event(): void {
    this.#add(LETTERS.event);
  }

  stop(): void {
    this.#isRecording = false;
  }

  fail(reason: string): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.#isRecording = false;
    this.#parts = [];
    this.#pieces = [];
    this.#options.onFailed(reason);
  }

  /** Keeps the rest, off the main thread where that can be. Resolves when everything has been handed to `write`. */
  async close(end: JournalEnd): Promise<void> {
    this.#add(LETTERS.end, JSON.stringify(end));
    this.#join();
    this.#flush();
    await this.#writing;
  }

  #frame(letter: string, { text, buffers }: Frame): void {
    if (buffers !== undefined) {
      for (const buffer of buffers) this.#push(LETTERS.buffer, Buffer.from(buffer).toString("base64"));
    }
    this.#push(letter, text);
  }

  #push(letter: string, first: string, second?: string): void {
    if (this.#isRecording) this.#add(letter, first, second);
  }

  #add(letter: string, first?: string, second?: string): void {
    if (this.#failure !== undefined) return;
    const parts = this.#parts;
    if (first === undefined) parts.push(letter);
    else if (second === undefined) parts.push(`${letter}${first.length}:`, first);
    else parts.push(`${letter}${first.length}:`, first, `${second.length}:`, second);
    this.#chars += (first?.length ?? 0) + (second?.length ?? 0) + 8;
    if (this.#chars >= BATCH_CHARS) this.#join();
  }

  #join(): void {
    if (this.#failure !== undefined || this.#chars === 0) return;
    const piece = Buffer.from(this.#takeText());
    this.#pieces.push(piece);
    this.#pieceBytes += piece.length;
    this.#bytes += piece.length;
    const { maxBytes } = this.#options;
    if (this.#bytes > maxBytes) this.fail(`journal larger than ${Math.round(maxBytes / 1_000_000)} MB`);
    else if (this.#pieceBytes >= CHUNK_BYTES) this.#flush();
  }

  #flush(): void {
    if (this.#failure !== undefined || this.#pieces.length === 0) return;
    const bytes = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#pieceBytes = 0;
    this.#writing = this.#writing.then(() => this.#keep(bytes));
  }

  #takeText(): string {
    let text = this.#parts.join("");
    this.#parts = [];
    this.#chars = 0;
    const facts = this.#facts;
    this.#facts = undefined;
    if (facts !== undefined) text = writeRecord({ letter: LETTERS.begin, parts: [JSON.stringify(facts())] }) + text;
    return this.#options.mayRedact(text) ? redactRecords(text, this.#options.redact) : text;
  }

  async #keep(bytes: Buffer): Promise<void> {
    if (this.#failure !== undefined) return;
    try {
      const chunk = await compress(bytes);
      if (this.#failure === undefined) this.#options.write(chunk);
    } catch (error) {
      this.fail((error as Error).message);
    }
  }
}

function redactRecords(text: string, redact: (text: string) => string): string {
  let clean = "";
  for (const record of splitRecords(text)) {
    clean += writeRecord(record.letter === LETTERS.buffer ? record : redactRecord(record, redact));
  }
  return clean;
}

/** Frames are JSON: their texts are redacted one by one, so that they stay JSON, and a key behind an escape is seen. */
function redactRecord({ letter, parts }: WrittenRecord, redact: (text: string) => string): WrittenRecord {
  return { letter, parts: parts.map((part) => (/^[[{"]/.test(part) ? redactJson(part, redact) : redact(part))) };
}

function redactJson(text: string, redact: (text: string) => string): string {
  try {
    const value: unknown = JSON.parse(text);
    let hasChanged = false;
    const clean = JSON.stringify(value, (_, inner: unknown) => {
      if (typeof inner !== "string") return inner;
      const kept = redact(inner);
      hasChanged ||= kept !== inner;
      return kept;
    });
    return hasChanged ? clean : text;
  } catch {
    return redact(text);
  }
}
