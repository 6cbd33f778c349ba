import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { EXIT } from "../output/exit-codes.ts";
import { shortPath } from "../output/short-path.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Imports a module that the user names, which runs with all that this process may do.
 *
 * @param what it is to have, as in "Cannot read the engine of app.ts"
 * @throws {UsageError} where there is no such file (66), or it cannot be loaded (65).
 */
export async function importModule(file: string, what: string): Promise<Record<string, unknown>> {
  const path = resolve(file);
  const isThere = existsSync(path);
  const why = isThere ? "it is a folder" : "there is no such file";
  if (!isThere || statSync(path).isDirectory())
    throw new UsageError(`Cannot read the ${what} of ${file}: ${why}`, EXIT.noFile);
  try {
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new UsageError(`Cannot load ${shortPath(path)}: ${reason}`, EXIT.load);
  }
}
