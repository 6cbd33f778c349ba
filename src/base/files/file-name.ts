import { sep } from "node:path";

/** Of a path that can name a folder only, or nothing. The system says of these that a file is not there. */
export const NOT_A_FILE_NAME = "it is not the name of a file";

export function isFileName(path: string): boolean {
  return path !== "" && !path.endsWith("/") && !path.endsWith(sep);
}

/** @throws {Error} that says so in a few words. */
export function requireFileName(path: string): void {
  if (!isFileName(path)) throw new Error(NOT_A_FILE_NAME);
}
