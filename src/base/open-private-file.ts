import { closeSync, constants, fchmodSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { PRIVATE_FILE } from "./replace-file.ts";

export interface OpenFileOptions {
  /** "add" leaves what is there and writes behind it; "replace" empties the file. */
  mode: "add" | "replace";
  /** Is it an error where there is no file yet? */
  mustExist?: boolean;
}

/**
 * Opens a file to write into, which from now on only its owner can read. What somebody may have planted in its place is
 * refused: a link, a further name of another file, a pipe or a device, which might block for ever.
 *
 * @returns its descriptor, for the caller to close.
 * @throws {Error} that says in a few words what is wrong; the file system's own errors as they are.
 */
export function openPrivateFile(file: string, { mode, mustExist = false }: OpenFileOptions): number {
  const { O_RDWR, O_APPEND, O_CREAT } = constants;
  const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants as Partial<typeof constants>;
  const flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | (mustExist ? 0 : O_CREAT);
  let fd: number;
  try {
    fd = openSync(file, flags, PRIVATE_FILE);
  } catch (error) {
    throw planted(error) ?? error;
  }
  try {
    const found = fstatSync(fd);
    if (!found.isFile()) throw new Error("it is not a regular file");
    if (found.nlink > 1) throw new Error("it is another name of a file, a hard link");
    fchmodSync(fd, PRIVATE_FILE);
    if (mode === "replace") ftruncateSync(fd, 0);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Writes the whole of a text, or throws. */
export function writeWhole(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written);
}

/** What the system says of a link, a pipe that nobody reads and a socket, in words. */
function planted(error: unknown): Error | undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ELOOP" || code === "EMLINK") return new Error("it is a link", { cause: error });
  return code === "ENXIO" ? new Error("it is not a regular file", { cause: error }) : undefined;
}
