import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, extname, join, resolve, sep } from "node:path";
import { isBelow } from "./file-access.ts";

/** Folders and files by their absolute paths, and packages by their names; true for any module. */
export interface ImportRules {
  /** Undefined for the script's own folder. */
  paths: readonly string[] | true | undefined;
  packages: readonly string[];
}

const PACKAGE = /^(?:@[\w.-]+\/)?[\w-][\w.-]*$/;

/** Is this the name of a package? A path begins with a dot or a slash. */
export function isPackageName(text: string): boolean {
  return PACKAGE.test(text);
}

/** The package that a specifier such as `@scope/name/part.js` names; undefined for a path or a URL. */
export function packageOf(specifier: string): string | undefined {
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? "";
  return isPackageName(name) ? name : undefined;
}

/** What one script may import. A package that is allowed by name brings its own files, and what it imports itself. */
export class ImportAccess {
  readonly #paths: readonly string[] | true;
  readonly #packages: readonly string[];
  /** Folders of packages that were allowed by name, or by one that was, and files whose extension was found. */
  readonly #granted: string[] = [];

  constructor({ paths, packages }: ImportRules, folder: string | undefined) {
    this.#paths = paths ?? (folder === undefined ? [] : [folder]);
    this.#packages = packages;
  }

  /** Below what a module has to lie. */
  get roots(): readonly string[] | true {
    return this.#paths === true ? true : [...this.#paths, ...this.#granted];
  }

  get isClosed(): boolean {
    return this.#paths !== true && this.#paths.length === 0 && this.#packages.length === 0;
  }

  /**
   * A specifier has led to this file: allows its package where its name, or its importer, does; and a file by a path that
   * leaves its extension to be found, as the specifier does.
   *
   * @param folder what the specifier starts from.
   */
  admit(specifier: string, file: string, { folder, importer }: { folder: string; importer: string | undefined }): void {
    const name = packageOf(specifier);
    if (name === undefined) {
      const place = resolve(folder, specifier);
      if (this.#paths !== true && this.#paths.includes(place) && isNamedBy(file, place)) this.#granted.push(file);
      return;
    }
    const isBrought = importer !== undefined && this.#granted.some((granted) => isBelow(importer, granted));
    if (!this.#packages.includes(name) && !isBrought) return;
    const own = packageFolder(name, file, folder);
    if (own !== undefined) this.#granted.push(own);
  }
}

/** Are they the same but for the extension? */
function isNamedBy(file: string, place: string): boolean {
  const bare = file.slice(0, file.length - extname(file).length);
  return bare === place || bare === place.slice(0, place.length - extname(place).length);
}

/**
 * The folder of the package, as found from a folder, that this file belongs to. A link counts where it leads to a package of
 * that name: one that came with a script may lead anywhere.
 */
function packageFolder(name: string, file: string, from: string): string | undefined {
  for (let at = from; ; at = dirname(at)) {
    const installed = join(at, "node_modules", name);
    const folder = existsSync(installed) ? realpathSync(installed) : undefined;
    if (folder !== undefined && isBelow(file, folder)) {
      return folder.endsWith(join(sep, "node_modules", name)) || nameIn(folder) === name ? folder : undefined;
    }
    if (at === dirname(at)) return undefined;
  }
}

/** Largest package.json that is looked into, in bytes. */
const MAX_MANIFEST_BYTES = 1_000_000;

/** What a package calls itself. */
function nameIn(folder: string): unknown {
  try {
    const file = join(folder, "package.json");
    const { size } = statSync(file);
    // A pipe would be waited for, a device read for ever: neither has a size.
    if (size === 0 || size > MAX_MANIFEST_BYTES) return undefined;
    return (JSON.parse(readFileSync(file, "utf8")) as { name?: unknown } | null)?.name;
  } catch {
    return undefined;
  }
}
