import { rename } from "node:fs/promises";
import { basename } from "node:path";
import type { Logger } from "../base/logger.ts";

/**
 * Renames a file that cannot be used, so that it is neither served nor lost, and says so. Never rejects.
 *
 * @returns what it is called now; undefined where it could not be renamed.
 */
export async function quarantineFile(file: string, why: string, logger: Logger): Promise<string | undefined> {
  const name = `${file}.corrupt-${Date.now()}`;
  try {
    await rename(file, name);
    logger.warn(`Renaming ${basename(file)} as ${basename(name)}: ${why}`);
    return name;
  } catch (error) {
    // Another process may have been first.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") logger.warn(`Skipping ${basename(file)}: ${why}`);
    return undefined;
  }
}

/** What a failed system call says, short. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message ?? String(error);
}
