import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { isBelow } from "../../permissions/file-access.ts";

/** How deep it lies among empty folders, where it has to be there: one more step up would leave them. */
const DEPTH = 500;

/** What the bundler says of a pattern where its folder is not there. */
const IS_PATTERN = /^Could not resolve (?:import|require)\("([^*]*)\*/;

/**
 * Where the bundler thinks that modules lie. It looks by itself for what fits a pattern, as in import("./" + name), and
 * is to find nothing: neither the modules, which it would read unasked, nor an error, which would stop it.
 */
export class PatternFolder implements Disposable {
  /** At first it is nowhere: most scripts have no patterns. */
  path: string = resolve("/", "nowhere/".repeat(64));
  #root: string | undefined;
  readonly #made = new Set<string>();

  /** Makes the folders in which these errors say that something was looked for: false where none of them does. */
  makeRoomFor(errors: readonly string[]): boolean {
    const folders = errors.flatMap((text) => IS_PATTERN.exec(text)?.[1] ?? []);
    if (folders.length === 0) return false;
    if (this.#root === undefined) {
      this.#root = mkdtempSync(join(tmpdir(), "geppetto-empty-"));
      this.path = join(this.#root, "e/".repeat(DEPTH));
    }
    const count = this.#made.size;
    for (const folder of folders) {
      const place = dirname(resolve(this.path, `${folder}x`));
      if (!isBelow(place, this.#root)) return false;
      mkdirSync(place, { recursive: true });
      this.#made.add(place);
    }
    return this.#made.size > count;
  }

  [Symbol.dispose](): void {
    if (this.#root !== undefined) rmSync(this.#root, { recursive: true, force: true });
  }
}
