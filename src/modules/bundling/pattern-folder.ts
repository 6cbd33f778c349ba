import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Loader } from "esbuild";
import { isBelow } from "../../permissions/file-access.ts";
import { isTypeScript, mayFindFiles } from "./may-find-files.ts";
import { makeFolder } from "../../base/files/make-folder.ts";

/** How deep it lies among empty folders, where it has to be there: one more step up would leave them. */
const DEPTH = 128;

/** What the bundler says of a pattern where its folder is not there. */
const IS_PATTERN = /^Could not resolve (?:import|require)\("([^*]*)\*/;

const NOWHERE = resolve("/", "nowhere/".repeat(64));

/** Any folder is enough, to see where ways lead. */
const SOMEWHERE = resolve("/", "somewhere");
const LEVELS = "e/".repeat(DEPTH);

/** The folder in which something is looked for. */
function placeFrom(root: string, folder: string): string {
  return dirname(resolve(root, LEVELS, `${folder}x`));
}

/** Two dots in a row, by their codes too, or one at the end of a part that something may be added to. */
const STEP = /(?<!\.)\.\.(?!\.)|(?<!\.)\.(?=[\\"'`$])|\\(?:x2e|u002e|u\{0*2e\}|0?56)/gi;

/** At least as many steps upwards as any name in this text takes. */
function stepsIn(text: string): number {
  let count = 0;
  STEP.lastIndex = 0;
  while (STEP.test(text)) count++;
  return count;
}

async function withoutTypes(text: string, loader: Loader): Promise<{ code: string } | undefined> {
  const { transform } = await import("esbuild");
  return transform(text, { loader }).catch(() => undefined);
}

/**
 * Where the bundler thinks that modules lie. It looks by itself for what fits a pattern, as in import("./" + name), and
 * is to find nothing: neither the modules, which it would read unasked, nor an error, which would stop it.
 */
export class PatternFolder implements Disposable {
  /** At first it is nowhere: most scripts have no patterns. */
  path: string = NOWHERE;
  #root: string | undefined;
  readonly #made = new Set<string>();

  /**
   * Where a module lies that may have patterns. As long as it is not known which, that is nowhere, deeper than any of them
   * leads upwards; but no deeper than it has to be, since the bundler looks at each level.
   */
  async pathFor(text: string, loader: Loader): Promise<string> {
    if (this.#root !== undefined || !mayFindFiles(text, loader)) return this.path;
    // Members of enums are put in for their names, also into names of modules, and may be made of each other.
    const plain = isTypeScript(loader) ? await withoutTypes(text, loader) : undefined;
    return resolve(NOWHERE, "n/".repeat(stepsIn(plain?.code ?? text)));
  }

  /** Makes the folders in which these errors say that something was looked for: false where none of them does. */
  makeRoomFor(errors: readonly string[]): boolean {
    const folders = errors.flatMap((text) => IS_PATTERN.exec(text)?.[1] ?? []);
    // Whoever asks for one that leads out of there gets none at all.
    if (folders.length === 0 || !folders.every((folder) => isBelow(placeFrom(SOMEWHERE, folder), SOMEWHERE)))
      return false;
    if (this.#root === undefined) {
      this.#root = mkdtempSync(join(tmpdir(), "geppetto-empty-"));
      this.path = join(this.#root, LEVELS);
    }
    const count = this.#made.size;
    for (const folder of folders) {
      const place = placeFrom(this.#root, folder);
      makeFolder(place);
      this.#made.add(place);
    }
    return this.#made.size > count;
  }

  [Symbol.dispose](): void {
    if (this.#root !== undefined) rmSync(this.#root, { recursive: true, force: true });
  }
}
