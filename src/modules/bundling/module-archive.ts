/** A file of the format of zip in which everything lies as it is: the bundler reads such a file as if it were a folder. */
export interface ArchivedFile {
  name: string;
  text: string;
}

/** More files than the format counts without extensions, and more bytes. */
const MAX_FILES = 65_535;
const MAX_BYTES = 2_000_000_000;

const VERSION = 20;
const NAMES_IN_UTF8 = 0x0800;

/** What stands in front of each content, and of each name in the directory, and at the end, in bytes. */
const HEAD_BYTES = 30;
const ENTRY_BYTES = 46;
const END_BYTES = 22;

/** The bytes of such a file; undefined for more than it holds. There are no checksums: whoever finds 0 does not check. */
export function toArchive(files: readonly ArchivedFile[]): Buffer | undefined {
  let heads = 0;
  let directory = 0;
  for (const { name, text } of files) {
    const nameBytes = Buffer.byteLength(name);
    heads += HEAD_BYTES + nameBytes + Buffer.byteLength(text);
    directory += ENTRY_BYTES + nameBytes;
  }
  if (files.length > MAX_FILES || heads + directory > MAX_BYTES) return undefined;
  const bytes = Buffer.alloc(heads + directory + END_BYTES);
  let at = 0;
  let entryAt = heads;
  for (const { name, text } of files) {
    const start = at;
    const nameBytes = bytes.write(name, at + HEAD_BYTES);
    at += HEAD_BYTES + nameBytes;
    const size = bytes.write(text, at);
    at += size;
    bytes.write("PK\x03\x04", start, "latin1");
    writeFacts(bytes, start + 4, nameBytes, size);
    bytes.write("PK\x01\x02", entryAt, "latin1");
    bytes[entryAt + 4] = VERSION;
    writeFacts(bytes, entryAt + 6, nameBytes, size);
    bytes.writeUInt32LE(start, entryAt + 42);
    bytes.write(name, entryAt + ENTRY_BYTES);
    entryAt += ENTRY_BYTES + nameBytes;
  }
  bytes.write("PK\x05\x06", entryAt, "latin1");
  bytes.writeUInt16LE(files.length, entryAt + 8);
  bytes.writeUInt16LE(files.length, entryAt + 10);
  bytes.writeUInt32LE(directory, entryAt + 12);
  bytes.writeUInt32LE(heads, entryAt + 16);
  return bytes;
}

/** What stands in both places of each file. */
function writeFacts(bytes: Buffer, at: number, nameBytes: number, size: number): void {
  bytes.writeUInt16LE(VERSION, at);
  bytes.writeUInt16LE(NAMES_IN_UTF8, at + 2);
  bytes.writeUInt32LE(size, at + 14);
  bytes.writeUInt32LE(size, at + 18);
  bytes.writeUInt16LE(nameBytes, at + 22);
}
