import { basename, dirname, join } from "node:path";

/** One script that is tested, with the files beside it, which need not be there. All are paths. */
export interface GoldenTest {
  script: string;
  /** What the script is to print. */
  golden: string;
  /** What models answer to it. */
  cassette: string;
  /** What the script is given, and what else is expected of it. */
  document: string;
}

export const GOLDEN = ".golden";
export const DOCUMENT = ".test.yaml";
export const CASSETTE = ".cassette.json";
export const SCRIPTS: readonly string[] = [".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx"];

/** The beginning that the names of a test's files have in common; undefined for a file that cannot be part of one. */
export function stemOf(path: string): string | undefined {
  const endings = [GOLDEN, DOCUMENT, CASSETTE, ...(path.endsWith(".d.ts") ? [] : SCRIPTS)];
  const ending = endings.find((end) => path.endsWith(end) && basename(path).length > end.length);
  return ending === undefined ? undefined : path.slice(0, -ending.length);
}

export function isScript(name: string): boolean {
  return SCRIPTS.some((end) => name.endsWith(end)) && !/\.d\.[cm]?ts$/.test(name);
}

/** The test of a script. */
export function testOf(script: string): GoldenTest {
  const stem = join(dirname(script), basename(script).replace(/\.[^.]+$/, ""));
  return { script, golden: stem + GOLDEN, cassette: stem + CASSETTE, document: stem + DOCUMENT };
}
