import { randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";

/** How the name of a file ends that is being written. */
export const PARTIAL = ".partial";

/**
 * Writes a file so that whoever reads it, or a crash, finds the old text or the new one and nothing between.
 *
 * @param mode who may read it; default its owner alone.
 */
export async function atomicWrite(file: string, text: string, mode = 0o600): Promise<void> {
  const partial = `${file}.${randomUUID()}${PARTIAL}`;
  try {
    const handle = await open(partial, "wx", mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {});
    throw error;
  }
}
