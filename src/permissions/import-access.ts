import { existsSync } from "node:fs";
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
    const isBrought = importer !== undefined && this.#granted.some((folder) => isBelow(importer, folder));
    if (this.#packages.includes(name) || isBrought) this.#granted.push(packageFolder(name, file));
  }
}

/** Are they the same but for the extension? */
function isNamedBy(file: string, place: string): boolean {
  const bare = file.slice(0, file.length - extname(file).length);
  return bare === place || bare === place.slice(0, place.length - extname(place).length);
}

/** The folder of the package that this file belongs to. */
function packageFolder(name: string, file: string): string {
  const installed = `${sep}node_modules${sep}${name.replaceAll("/", sep)}${sep}`;
  const at = file.lastIndexOf(installed);
  if (at >= 0) return file.slice(0, at + installed.length - 1);
  // Linked from elsewhere.
  let folder = dirname(file);
  while (!existsSync(join(folder, "package.json")) && dirname(folder) !== folder) folder = dirname(folder);
  return folder === dirname(folder) ? dirname(file) : folder;
}
