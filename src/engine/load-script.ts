import { readFile } from "node:fs/promises";
import { basename, dirname, extname, resolve } from "node:path";
import { GeppettoError } from "../shared/errors.ts";

/** What to run: a file, or source text. */
export interface Script {
  /** A path on the host; the guest sees only its last part. */
  file?: string;
  /** Source text instead of a file. */
  code?: string;
  /** The name that the guest sees; default the file's, or "script.js". A `.cjs` name makes a classic script. */
  name?: string;
  /** Where relative paths of the script start from; default the file's own folder, or else the working directory. */
  folder?: string;
  /** Lines of the code that come before what its author wrote: left out of the line numbers. Default 0. */
  lineOffset?: number;
}

export interface LoadedScript {
  code: string;
  name: string;
  kind: "module" | "classic";
  lineOffset: number;
  folder?: string;
}

/**
 * @throws {Error} the file system's error when the file cannot be read; {GeppettoError} ConfigError when there is
 *   neither file nor code.
 */
export async function loadScript({ file, code, name, folder, lineOffset = 0 }: Script): Promise<LoadedScript> {
  const shown = name ?? (file === undefined ? "script.js" : basename(file));
  const kind = extname(shown) === ".cjs" ? "classic" : "module";
  const given = folder ?? (file === undefined ? undefined : dirname(file));
  const facts = { name: shown, kind, lineOffset, ...(given === undefined ? {} : { folder: resolve(given) }) } as const;
  if (code !== undefined) return { ...facts, code };
  if (file === undefined) throw new GeppettoError("ConfigError", "Cannot run a script: give it a file or code");
  return { ...facts, code: await readFile(file, "utf8") };
}
