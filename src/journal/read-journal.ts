import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import { JournalError } from "./journal-error.ts";
import { KeptTextError, unpackText } from "./kept-text.ts";
import {
  MAX_JOURNAL_BYTES,
  MAX_JOURNAL_RECORDS,
  type JournalEnd,
  type JournalFacts,
  type JournalRecord,
} from "./journal-record.ts";
import { RecordReader, splitRecords } from "./journal-text.ts";

/** A journal that has been read. */
export interface Journal {
  facts: JournalFacts;
  /** All but the beginning and the end. */
  records: JournalRecord[];
  /** undefined where the journal breaks off. */
  end?: JournalEnd;
  /** Why it breaks off. */
  damage?: string;
}

const TOO_LARGE = `it is larger than ${MAX_JOURNAL_BYTES / 1_000_000} MB`;

export interface ReadJournalOptions {
  /** What is kept of the texts that the journal has by their hash. */
  texts?: ReadonlyMap<string, Uint8Array>;
  /** Most text, in bytes; default 64 MB. */
  maxBytes?: number;
}

/**
 * Reads a journal from its parts. Of one that is cut off or damaged in the middle, what comes before that is read.
 *
 * @throws {JournalError} where not even its beginning can be read, a newer version made it, it is too large, or its source
 *   is not what was kept.
 */
export async function readJournal(
  chunks: Iterable<Uint8Array>,
  { texts, maxBytes = MAX_JOURNAL_BYTES }: ReadJournalOptions = {},
): Promise<Journal> {
  const records: JournalRecord[] = [];
  let journal: Journal | undefined;
  let left = maxBytes;
  const known = new Map<string, string>();
  const textOf = (hash: string): string => {
    const text = known.get(hash) ?? unpackText(hash, texts?.get(hash), left);
    if (!known.has(hash)) left -= Buffer.byteLength(text);
    known.set(hash, text);
    return text;
  };
  const reader = new RecordReader(textOf, (chars) => {
    left -= chars;
    if (left < 0) throw new JournalError(TOO_LARGE);
  });
  try {
    for (const chunk of chunks) {
      const bytes = await unpack(chunk, left);
      left -= bytes.length;
      for (const written of splitRecords(bytes.toString())) {
        const record = reader.read(written);
        if (record === undefined) continue;
        if (journal === undefined) {
          if (record.kind !== "begin") throw new JournalError("it has no beginning");
          journal = { facts: record.facts, records };
        } else if (record.kind === "end") return { ...journal, end: record.end };
        else if (records.push(record) > MAX_JOURNAL_RECORDS) throw new JournalError("it holds too many records");
      }
    }
  } catch (error) {
    if (journal === undefined || !(error instanceof JournalError) || error instanceof KeptTextError) throw error;
    return { ...journal, damage: error.message };
  }
  if (journal === undefined) throw new JournalError("it is empty");
  return { ...journal, damage: "it breaks off" };
}

async function unpack(chunk: Uint8Array, most: number): Promise<Buffer> {
  if (most <= 0) throw new JournalError(TOO_LARGE);
  try {
    return await promisify(zstdDecompress)(chunk, { maxOutputLength: most });
  } catch (error) {
    // The only error of zlib's that says the text is too long.
    const isLarge = error instanceof RangeError;
    throw new JournalError(isLarge ? TOO_LARGE : "a part of it is damaged");
  }
}
