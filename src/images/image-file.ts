import { constants } from "node:fs";
import { type FileHandle, open, readlink, realpath, stat } from "node:fs/promises";
import { basename, isAbsolute, relative, resolve } from "node:path";
import { GeppettoError } from "../shared/errors.ts";
import { detectImage, type ImageMediaType, imageTooLarge, MAX_IMAGE_BYTES } from "./image-format.ts";

export interface ImageFile {
  name: string;
  mediaType: ImageMediaType;
  bytes: Buffer;
}

/**
 * Reads an image below one of the allowed folders. Links are followed and judged by where they lead; devices, pipes and
 * folders are refused. One error stands for all that may not be read, or is not there.
 *
 * @param roots absolute folders (or files); the first is what a relative path starts from. True: any path.
 * @param base what a relative path starts from where there are no roots.
 * @throws {GeppettoError} PermissionError `file access denied: …`, or those of {@link detectImage}.
 */
export async function readImageFile(path: string, roots: readonly string[] | true, base: string): Promise<ImageFile> {
  const shown = path.slice(0, 200).replace(/[\p{Cc}\p{Cf}]/gu, "?");
  // A NUL or a scheme is somebody trying.
  if (path === "" || path.includes("\0") || /^[a-z][a-z\d+.-]+:/i.test(path)) throw denied(shown);
  let file: FileHandle | undefined;
  try {
    const real = await realpath(resolve(base, path));
    if (!(await isBelow(real, roots))) throw denied(shown);
    file = await open(real, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    const facts = await file.stat();
    if (!facts.isFile()) throw denied(shown);
    // The path may have been changed between the look and the opening.
    if (!(await isBelow(await pathOf(file, real), roots))) throw denied(shown);
    if (facts.size > MAX_IMAGE_BYTES) throw imageTooLarge(shown);
    const bytes = await readAtMost(file, MAX_IMAGE_BYTES + 1);
    return { name: basename(path), mediaType: detectImage(bytes, shown), bytes };
  } catch (error) {
    throw error instanceof GeppettoError ? error : denied(shown);
  } finally {
    await file?.close();
  }
}

function denied(shown: string): GeppettoError {
  return new GeppettoError(
    "PermissionError",
    `file access denied: ${shown}: it is no file below an allowed folder; allow one with --allow-read=<folder>`,
  );
}

async function isBelow(path: string, roots: readonly string[] | true): Promise<boolean> {
  if (roots === true) return true;
  for (const root of roots) {
    const from = await realpath(root).catch(() => undefined);
    if (from === undefined) continue;
    const way = relative(from, path);
    if (way === "" || (!isAbsolute(way) && way !== ".." && !/^\.\.[/\\]/.test(way))) return true;
  }
  return false;
}

/** Where the open file really is; where the system does not say, the path, if it still leads to the same file. */
async function pathOf(file: FileHandle, path: string): Promise<string> {
  const own = await readlink(`/proc/self/fd/${file.fd}`).catch(() => undefined);
  if (own !== undefined) return own;
  const [opened, named] = await Promise.all([file.stat(), stat(path)]);
  return opened.ino === named.ino && opened.dev === named.dev ? realpath(path) : "";
}

async function readAtMost(file: FileHandle, limit: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let total = 0;
  while (total < limit) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(1 << 20, limit - total)), 0);
    if (bytesRead === 0) break;
    pieces.push(buffer.subarray(0, bytesRead));
    total += bytesRead;
  }
  return Buffer.concat(pieces);
}
