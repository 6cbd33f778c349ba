import { createHash } from "node:crypto";
import { JournalError } from "./journal-error.ts";

/** A long text with which several runs begin, such as a bundle: it is kept once, beside their journals. */
export interface KeptText {
  /** SHA-256 of the text in UTF-8, in hexadecimal: what it is known by. */
  hash: string;
  text: string;
}

/** From this length on a text is kept beside the journal. */
export const MIN_KEPT_CHARS = 8_192;

/** A text that a journal begins with is not there, or is another one. */
export class KeptTextError extends JournalError {}

export function hashOfText(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The text as it is kept. */
export function packText(text: string): Uint8Array {
  const { constants, zstdCompressSync } = process.getBuiltinModule("node:zlib");
  return zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
}

/**
 * The text of a hash.
 *
 * @param packed what is kept under it
 * @param maxBytes most bytes that the text may have
 * @throws {KeptTextError} where nothing is kept, or something else, or too much.
 */
export function unpackText(hash: string, packed: Uint8Array | undefined, maxBytes: number): string {
  const name = `the source with the SHA-256 ${hash.slice(0, 12)}…`;
  if (packed === undefined) throw new KeptTextError(`${name} is missing`);
  const { zstdDecompressSync } = process.getBuiltinModule("node:zlib");
  let bytes: Buffer;
  try {
    bytes = zstdDecompressSync(packed, { maxOutputLength: Math.max(1, maxBytes) });
  } catch (error) {
    // The only error of zlib's that says the text is too long.
    throw new KeptTextError(`${name} is ${error instanceof RangeError ? "too large" : "damaged"}`);
  }
  if (hashOfText(bytes) !== hash) throw new KeptTextError(`${name} is not the one that was kept: its hash differs`);
  return bytes.toString();
}
