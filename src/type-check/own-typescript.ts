import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { readRegularFile } from "../base/read-regular-file.ts";

/** A compiler that may be run. */
export interface TypeScript {
  version: string;
  /** The folder of its package, without links. */
  folder: string;
}

/** The first version that knows the standard library of scripts. */
const OLDEST = [5, 7] as const;
export const OLDEST_TYPESCRIPT: string = OLDEST.join(".");
const MAX_BYTES = 1_000_000;

/** The compiler that stands beside this program, if any does. */
export function ownTypeScript(): TypeScript | undefined {
  try {
    const found = readPackage(dirname(createRequire(import.meta.url).resolve("typescript/package.json")));
    return found !== undefined && isRecent(found.version) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** What its package says of a compiler; undefined where there is none. */
export function readPackage(folder: string): TypeScript | undefined {
  try {
    const text = readRegularFile(join(folder, "package.json"), { maxBytes: MAX_BYTES });
    const { version } = JSON.parse(text ?? "") as { version?: unknown };
    return { version: String(version).slice(0, 40), folder: realpathSync(folder) };
  } catch {
    return undefined;
  }
}

/** Does it know the standard library of scripts? */
export function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}
