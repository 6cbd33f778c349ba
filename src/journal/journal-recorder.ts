import type { Source } from "../sandbox/realm.ts";
import type { Frame, Piece, PieceShape } from "../shared/frames.ts";
import { hashOfText, MIN_KEPT_CHARS, type KeptText } from "./kept-text.ts";
import {
  MAX_JOURNAL_BYTES,
  MAX_JOURNAL_RECORDS,
  type JournalEnd,
  type JournalFacts,
  type JournalSink,
} from "./journal-record.ts";
import { LETTERS, splitRecords, writeRecord, type WrittenRecord } from "./journal-text.ts";
import { PIECE_BYTES, RecordBuffer, releasePiece, roomFor } from "./record-buffer.ts";

export interface JournalRecorderOptions {
  /** Keeps a part of the journal, in order. What it throws is why the run cannot be replayed. */
  write(chunk: Uint8Array): void;
  /**
   * Keeps a long text with which the script begins, so that the journals of several runs need not each have it. What it throws
   * is why the run cannot be replayed. Default: it is in the journal.
   */
  keepText?(kept: KeptText): void;
  /** Takes out of a text what is not to be kept. */
  redact(text: string): string;
  /** May a text hold something that is to be taken out? Asked of many frames at once; default always. */
  mayRedact?(text: string): boolean;
  /** Told once, as soon as the run cannot be replayed any more. */
  onFailed?(reason: string): void;
  /** Most text, in bytes; default 64 MB. */
  maxBytes?: number;
}

/** What is looked through for secrets at a time, in bytes. */
const BATCH_BYTES = 16_384;

/** Loaded on use: while a script starts there is nothing to compress. */
function compress(bytes: Uint8Array): Promise<Uint8Array> {
  const { constants, zstdCompress } = process.getBuiltinModule("node:zlib");
  const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 };
  return new Promise((resolve, reject) => {
    zstdCompress(bytes, { params }, (error, compressed) => (error === null ? resolve(compressed) : reject(error)));
  });
}

/**
 * Keeps what crosses the wall in one run. Texts are copied at once; they are redacted and compressed many at a time. A
 * journal that grows too large, or cannot be kept, is given up; the run goes on.
 */
export class JournalRecorder implements JournalSink {
  readonly #options: Required<Omit<JournalRecorderOptions, "keepText">> & Pick<JournalRecorderOptions, "keepText">;
  #facts: (() => JournalFacts) | undefined;
  readonly #records = new RecordBuffer();
  /** What of these has been redacted, in bytes. */
  #clean = 0;
  /** Of what has been handed over. */
  #bytes = 0;
  /** How many there were, with those that are read as a part of another one. */
  #count = 0;
  #writing: Promise<void> = Promise.resolve();
  #isRecording = true;
  /** Nothing of the script's has run yet. */
  #isBeginning = true;
  #lastNote: string | undefined;
  #time = 0;
  /** Of the last piece of text. */
  #shape: PieceShape | undefined;
  #seq = 0;
  #pieceTime = 0;
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
    if (frame.piece !== undefined) return this.#piece(frame.piece, frame.text.length);
    const hash = this.#isBeginning && frame.buffers === undefined ? this.#keepText(frame.text) : undefined;
    if (hash === undefined) return this.#frame(LETTERS.entry, frame);
    this.#mark();
    this.#push(LETTERS.keptEntry, hash);
  }

  run({ code, ...facts }: Source): void {
    const hash = this.#keepText(code);
    this.#isBeginning = false;
    this.#mark();
    if (hash === undefined) this.#push(LETTERS.run, JSON.stringify(facts), code);
    else this.#push(LETTERS.keptRun, JSON.stringify(facts), hash);
  }

  call(text: string, answer: string): void {
    this.#mark();
    this.#push(LETTERS.call, text, answer);
  }

  wait(text: string): void {
    this.#mark();
    this.#push(LETTERS.wait, text);
  }

  answer(frame: Frame): void {
    this.#frame(LETTERS.answer, frame);
  }

  note(text: string): void {
    if (!this.#isRecording) return;
    if (text === this.#lastNote) this.#add(LETTERS.again);
    else {
      this.#mark();
      this.#add(LETTERS.note, text);
    }
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
    this.#records.take();
    this.#clean = 0;
    this.#options.onFailed(reason);
  }

  /** Keeps the rest, off the main thread where that can be. Resolves when everything has been handed to `write`. */
  async close(end: JournalEnd): Promise<void> {
    this.#add(LETTERS.end, JSON.stringify(end));
    this.#flush();
    await this.#writing;
  }

  /** Says when what follows happens, once for each millisecond. */
  #mark(): void {
    const now = Date.now();
    if (now === this.#time) return;
    this.#time = now;
    this.#push(LETTERS.time, String(now));
  }

  /** Keeps the text beside the journal, if it is long, and says by which hash. */
  #keepText(text: string): string | undefined {
    const { keepText, mayRedact, redact, maxBytes } = this.#options;
    if (keepText === undefined || text.length < MIN_KEPT_CHARS) return undefined;
    if (!this.#isRecording || this.#failure !== undefined) return undefined;
    const clean = mayRedact(text) ? redactPart(text, redact) : text;
    const hash = hashOfText(clean);
    this.#bytes += Buffer.byteLength(clean);
    try {
      if (this.#bytes <= maxBytes) keepText({ hash, text: clean });
    } catch (error) {
      this.fail((error as Error).message);
    }
    return hash;
  }

  /**
   * Of a piece of text only what differs from the last one is kept. It has a time of its own, and counts as what it is when
   * it is read.
   */
  #piece({ shape, seq, time, delta }: Piece, chars: number): void {
    if (!this.#isRecording) return;
    if (shape !== this.#shape || seq !== this.#seq + 1) {
      this.#add(LETTERS.pieces, JSON.stringify([...shape, seq, time]));
      this.#shape = shape;
    } else if (time !== this.#pieceTime) this.#add(LETTERS.pieceTime, String(time));
    this.#seq = seq;
    this.#pieceTime = time;
    this.#add(LETTERS.piece, delta);
    this.#bytes += chars - delta.length;
  }

  #frame(letter: string, { text, buffers }: Frame): void {
    this.#mark();
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
    const room = roomFor(first, second);
    const { maxBytes } = this.#options;
    if (this.#bytes + this.#records.size + room > maxBytes)
      return this.fail(`journal larger than ${Math.round(maxBytes / 1_000_000)} MB`);
    // The end is read beside them.
    if (this.#count++ === MAX_JOURNAL_RECORDS && letter !== LETTERS.end)
      return this.fail(`journal larger than ${MAX_JOURNAL_RECORDS / 1_000_000} million records`);
    // What is almost full is not made larger.
    if (this.#records.size + room > PIECE_BYTES && this.#records.size > PIECE_BYTES / 2) this.#flush();
    this.#records.add(room, letter, first, second);
    if (this.#records.size >= PIECE_BYTES) this.#flush();
    else if (this.#records.size - this.#clean >= BATCH_BYTES) this.#redact();
  }

  #flush(): void {
    if (this.#failure !== undefined || this.#records.size === 0) return;
    this.#redact();
    let bytes = this.#records.take();
    this.#clean = 0;
    const facts = this.#facts;
    this.#facts = undefined;
    if (facts !== undefined) {
      const begin = writeRecord({ letter: LETTERS.begin, parts: [JSON.stringify(facts())] });
      bytes = Buffer.concat([Buffer.from(begin), bytes]);
    }
    this.#bytes += bytes.length;
    this.#writing = this.#writing.then(() => this.#keep(bytes));
  }

  /** Takes out of what has come since the last time what is not to be kept. */
  #redact(): void {
    const text = this.#records.textFrom(this.#clean);
    const { mayRedact, redact } = this.#options;
    if (mayRedact(text)) this.#records.replaceFrom(this.#clean, redactRecords(text, redact));
    this.#clean = this.#records.size;
  }

  async #keep(bytes: Buffer): Promise<void> {
    if (this.#failure !== undefined) return;
    try {
      const chunk = await compress(bytes);
      releasePiece(bytes);
      if (this.#failure === undefined) this.#options.write(chunk);
    } catch (error) {
      this.fail((error as Error).message);
    }
  }
}

/** Records that hold nothing that anybody said. */
const OURS: ReadonlySet<string> = new Set([
  LETTERS.buffer,
  LETTERS.time,
  LETTERS.keptEntry,
  LETTERS.pieces,
  LETTERS.pieceTime,
]);

function redactRecords(text: string, redact: (text: string) => string): string {
  let clean = "";
  for (const record of splitRecords(text)) {
    clean += writeRecord(OURS.has(record.letter) ? record : redactRecord(record, redact));
  }
  return clean;
}

/** Frames are JSON: their texts are redacted one by one, so that they stay JSON, and a key behind an escape is seen. */
function redactRecord({ letter, parts }: WrittenRecord, redact: (text: string) => string): WrittenRecord {
  if (letter === LETTERS.keptRun) return { letter, parts: [redactPart(parts[0]!, redact), parts[1]!] };
  return { letter, parts: parts.map((part) => redactPart(part, redact)) };
}

function redactPart(part: string, redact: (text: string) => string): string {
  return /^[[{"]/.test(part) ? redactJson(part, redact) : redact(part);
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
