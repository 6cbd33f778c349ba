import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

export interface ReadFileOptions {
  /** Larger files are refused, before anything of them is read. */
  maxBytes: number;
}

/**
 * Reads a text file of a bounded size; undefined where there is none. Pipes and devices, which may block for ever or
 * have no end, are refused.
 *
 * @throws {Error} that says in a few words what is wrong; the file system's own errors as they are.
 */
export function readRegularFile(file: string, { maxBytes }: ReadFileOptions): string | undefined {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    // What a pipe or a socket says that cannot be opened without waiting.
    if (code === "ENXIO") throw new Error("it is not a regular file", { cause: error });
    throw error;
  }
  try {
    const { size, isFile, isFolder } = kindOf(fd);
    if (isFolder) throw new Error("it is a folder");
    if (!isFile) throw new Error("it is not a regular file");
    if (size > maxBytes) throw new Error(`it is larger than ${formatBytes(maxBytes)}`);
    return readAll(fd, size, maxBytes);
  } finally {
    closeSync(fd);
  }
}

function kindOf(fd: number): { size: number; isFile: boolean; isFolder: boolean } {
  const found = fstatSync(fd);
  return { size: found.size, isFile: found.isFile(), isFolder: found.isDirectory() };
}

/** A file may grow while it is read. */
function readAll(fd: number, size: number, maxBytes: number): string {
  const bytes = Buffer.allocUnsafe(Math.min(maxBytes, size) + 1);
  let length = 0;
  for (let read = 1; read > 0 && length < bytes.length; length += read) {
    read = readSync(fd, bytes, length, bytes.length - length, null);
  }
  return bytes.toString("utf8", 0, Math.min(length, size));
}

/** "1 MB", "64 kB". */
export function formatBytes(bytes: number): string {
  return bytes >= 1_000_000 ? `${Math.floor(bytes / 1_000_000)} MB` : `${Math.floor(bytes / 1000)} kB`;
}
