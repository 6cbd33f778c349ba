import { readdirSync, realpathSync, statSync, type Dirent } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { reasonOf } from "../../base/reason-of.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { importedFiles } from "./imported-files.ts";
import { CASSETTE, DOCUMENT, GOLDEN, isScript, SCRIPTS, stemOf, testOf, type GoldenTest } from "./test-files.ts";

export interface FoundTests {
  /** In the order of their paths. */
  tests: GoldenTest[];
  /** Files of tests that cannot be run as they are, with the reason. */
  unusable: { file: string; why: string }[];
  /** Goldens whose script is gone. */
  obsolete: string[];
  /** Folders that nobody named and that cannot be read: what is said of each. */
  leftOut: string[];
}

/** What is looked for, in words. */
export const LOOKED_FOR = `a script (${SCRIPTS.join(", ")}) with a ${GOLDEN} or a ${DOCUMENT} beside it`;

/** Folders that hold other people's scripts, or none. */
const SKIPPED = new Set(["node_modules"]);
/** Scripts that are something else, unless a golden says otherwise. */
const OTHERS = /\.(?:test|spec|config)\.[cm]?[jt]sx?$/;

/**
 * Finds the tests among files and in folders. In a folder, and below, a script is one where a `.golden`, a `.test.yaml`
 * or a cassette lies beside it; and so is each other script that lies beside such a one, but for those that scripts there
 * import. Where a folder that was named holds no test at all yet, its scripts are the tests.
 *
 * @throws {GeppettoError} ConfigError ("ERR_TEST_PATH") for a path where nothing is, or a file that is not of a test.
 */
export function findTests(paths: readonly string[]): FoundTests {
  const found: FoundTests = { tests: [], unusable: [], obsolete: [], leftOut: [] };
  for (const path of paths) {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) throw pathError(path, "there is no such file or folder");
    if (stats.isDirectory()) findInNamed(path, found);
    else findFile(path, found);
  }
  const tests = uniqueBy(found.tests, ({ script }) => realPath(script));
  const usable = withoutClashes(tests, found.unusable);
  return {
    tests: usable.sort((a, b) => (a.script < b.script ? -1 : 1)),
    unusable: uniqueBy(found.unusable, ({ file }) => resolve(file)),
    obsolete: uniqueBy(found.obsolete, (file) => resolve(file)),
    leftOut: found.leftOut,
  };
}

function findFile(path: string, found: FoundTests): void {
  if (isScript(path)) {
    found.tests.push(testOf(path));
    return;
  }
  const stem = stemOf(path);
  if (stem === undefined) throw pathError(path, `it is not a script, a ${GOLDEN}, a ${DOCUMENT} or a ${CASSETTE}`);
  const folder = new Folder(dirname(path));
  const scripts = folder.scriptsOf(basename(stem));
  found.tests.push(...scripts.map(testOf));
  if (scripts.length === 0) throw pathError(path, `no script lies beside it: ${namesOf(stem)}`);
}

/** A folder that the user has named. */
function findInNamed(path: string, found: FoundTests): void {
  const before = found.tests.length + found.unusable.length;
  findBelow(new Folder(path), found, { isNamed: true });
  if (found.tests.length + found.unusable.length > before) return;
  found.tests.push(...new Folder(path).candidates().map(testOf));
}

function findBelow(folder: Folder, found: FoundTests, { isNamed = false } = {}): void {
  const tested = folder.scripts.filter((script) => folder.isTested(script));
  if (tested.length > 0) found.tests.push(...tested.map(testOf), ...folder.candidates().map(testOf));
  for (const file of folder.files) {
    const stem = stemOf(file);
    if (stem === undefined || folder.scriptsOf(basename(stem)).length > 0) continue;
    // In a folder without tests it may be anybody's.
    if (file.endsWith(GOLDEN) && (isNamed || tested.length > 0)) found.obsolete.push(file);
    if (file.endsWith(DOCUMENT)) found.unusable.push({ file, why: `no script lies beside it: ${namesOf(stem)}` });
  }
  for (const path of folder.folders) {
    let inner: Folder;
    try {
      inner = new Folder(path);
    } catch (error) {
      found.leftOut.push((error as Error).message);
      continue;
    }
    findBelow(inner, found);
  }
}

/** What lies in one folder, in the order of names. */
class Folder {
  readonly path: string;
  readonly files: string[];
  readonly folders: string[];
  readonly scripts: string[];
  readonly #names: ReadonlySet<string>;

  constructor(path: string) {
    this.path = path;
    const entries = readFolder(path);
    this.#names = new Set(entries.map(({ name }) => name));
    this.files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => join(path, name));
    this.folders = entries
      .filter((entry) => entry.isDirectory() && !SKIPPED.has(entry.name) && !entry.name.startsWith("."))
      .map(({ name }) => join(path, name));
    this.scripts = this.files.filter((file) => isScript(file));
  }

  /** The scripts whose other files have this name. */
  scriptsOf(name: string): string[] {
    return SCRIPTS.filter((end) => this.#names.has(name + end)).map((end) => join(this.path, name + end));
  }

  /** Does a file say that it is a test? */
  isTested(script: string): boolean {
    const { golden, document, cassette } = testOf(script);
    return [golden, document, cassette].some((file) => this.#names.has(basename(file)));
  }

  /** Scripts that may be tests and do not say so. */
  candidates(): string[] {
    const parts = new Set(this.scripts.flatMap((script) => importedFiles(script)));
    return this.scripts.filter(
      (script) => !this.isTested(script) && !OTHERS.test(script) && !parts.has(resolve(script)),
    );
  }
}

function readFolder(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw pathError(path, `it cannot be read: ${reasonOf(error)}`);
  }
}

/** Two scripts that differ in their ending alone would write one golden and one cassette. */
function withoutClashes(tests: readonly GoldenTest[], unusable: FoundTests["unusable"]): GoldenTest[] {
  const groups = Map.groupBy(tests, ({ golden }) => resolve(golden));
  for (const group of groups.values()) {
    if (group.length === 1) continue;
    const [{ golden, cassette }] = group as [GoldenTest];
    const names = group.map(({ script }) => basename(script)).join(" and ");
    const why = `${names} are two tests with one golden, ${basename(golden)}, and one cassette, ${basename(cassette)}: rename one of them`;
    for (const { script } of group) unusable.push({ file: script, why });
  }
  return [...groups.values()].filter(({ length }) => length === 1).flat();
}

function uniqueBy<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}

/** A link that leads nowhere is what it is. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

function namesOf(stem: string): string {
  return `${basename(stem)}${SCRIPTS[0]} or another of ${SCRIPTS.slice(1).join(", ")}`;
}

function pathError(path: string, problem: string): GeppettoError {
  return new GeppettoError("ConfigError", `Cannot test ${path}: ${problem}`, { code: "ERR_TEST_PATH" });
}
