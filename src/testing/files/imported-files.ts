import { dirname, extname, resolve } from "node:path";
import { readRegularFile } from "../../base/read-regular-file.ts";
import { SCRIPTS } from "./test-files.ts";

/** Larger scripts are not looked into. */
const MAX_BYTES = 8_000_000;
const RELATIVE_IMPORT = /(?:\bfrom|\bimport|\brequire)\s*\(?\s*["'](\.{1,2}\/[^"'\n]+)["']/g;

/** The files, of those that there may be, that a script imports by a relative path: its parts, and no scripts of their own. */
export function importedFiles(script: string): string[] {
  let source: string | undefined;
  try {
    source = readRegularFile(script, { maxBytes: MAX_BYTES });
  } catch {
    // Whoever runs it says what is wrong with it.
  }
  const folder = dirname(script);
  return [...(source ?? "").matchAll(RELATIVE_IMPORT)].flatMap(([, specifier = ""]) => {
    const path = resolve(folder, specifier);
    const stem = path.slice(0, path.length - extname(path).length);
    return [path, ...SCRIPTS.flatMap((end) => [path + end, stem + end])];
  });
}
