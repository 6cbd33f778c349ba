import { realpathSync } from "node:fs";
import { basename, dirname, extname, join, resolve, sep } from "node:path";
import { isBelow, systemFolderOf } from "./file-access.ts";

/** Folders and files by their absolute paths, and packages by their names; true for any module. */
export interface ImportRules {
  /** Undefined for the script's own folder. */
  paths: readonly string[] | true | undefined;
  packages: readonly string[];
}

/** A path that may be imported, or all below it: as it was given, and where it really lies, if that is elsewhere. */
interface Root {
  given: string;
  real: string;
  isMoved: boolean;
  /** Does it lie where the system's own files are? */
  system: string | undefined;
}

const PACKAGE = /^(?:@[\w.-]+\/)?[\w-][\w.-]*$/;
const FOLDER_OF_PACKAGES = `${sep}node_modules`;

/** Is this the name of a package? A path begins with a dot or a slash. */
export function isPackageName(text: string): boolean {
  return PACKAGE.test(text);
}

/** The package that a specifier such as `@scope/name/part.js` names; undefined for a path or a URL. */
export function packageOf(specifier: string): string | undefined {
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? "";
  return isPackageName(name) ? name : undefined;
}

/**
 * The judge of what one script may import: asked before anything is looked at, with paths that hold no links. A package
 * that is allowed by name brings its own files, and the packages that it imports itself.
 */
export class ImportAccess {
  readonly rules: ImportRules;
  readonly #roots: Root[] | true;
  /** Folders of packages that were allowed by name, or by one that was. */
  readonly #granted: string[] = [];

  constructor(rules: ImportRules, folder: string | undefined) {
    this.rules = rules;
    const paths = rules.paths ?? (folder === undefined ? [] : [folder]);
    this.#roots = paths === true ? true : paths.map(toRoot);
  }

  get isClosed(): boolean {
    return this.#roots !== true && this.#roots.length === 0 && this.rules.packages.length === 0;
  }

  /** Where the allowed paths really lie; true for everywhere. */
  get places(): readonly string[] | true {
    return this.#roots === true || this.#roots.map(({ real }) => real);
  }

  get granted(): readonly string[] {
    return this.#granted;
  }

  /** The rule by which what lies here may be looked at; undefined where none does. */
  ruleFor(path: string): string | undefined {
    const system = systemFolderOf(path);
    if (this.#roots === true) return system === undefined ? "any file" : undefined;
    for (const root of this.#roots) {
      if (isBelow(path, root.real) && (system === undefined || root.system === system)) return root.given;
    }
    return system === undefined ? this.#granted.find((folder) => isBelow(path, folder)) : undefined;
  }

  /** The longest allowed path that this one lies below: from there on it has to be walked, link by link. */
  rootOf(path: string): string | undefined {
    if (this.#roots === true) return this.ruleFor(path) === undefined ? undefined : resolve(path, "/");
    if (this.ruleFor(path) === undefined) return undefined;
    let longest: string | undefined;
    const consider = (place: string): void => {
      if (place.length > (longest?.length ?? -1) && isBelow(path, place)) longest = place;
    };
    for (const { real } of this.#roots) consider(real);
    for (const place of this.#granted) consider(place);
    return longest;
  }

  /** The path as one below a root's real place, where it was said by way of the root's given one. */
  toReal(path: string): string {
    if (this.#roots === true) return path;
    const root = this.#roots.find(({ isMoved, given }) => isMoved && isBelow(path, given));
    return root === undefined ? path : join(root.real, path.slice(root.given.length));
  }

  /** Is this, word for word, a path that is allowed? */
  isNamed(path: string): boolean {
    return this.#roots !== true && this.#roots.some(({ given, real }) => given === path || real === path);
  }

  /** Allows the file that an allowed path means, which leaves its extension to be found, or has that of what it becomes. */
  admitMeant(file: string, path: string): void {
    const isMeant = file !== path && this.isNamed(path) && (bare(file) === path || bare(file) === bare(path));
    if (isMeant && !this.#granted.includes(file)) this.#granted.push(file);
  }

  /** May this package be looked for anywhere, and by whose word: its own name's, or that of one that imports it? */
  wordFor(name: string, importer: string | undefined): "named" | "brought" | undefined {
    if (this.rules.packages.includes(name)) return "named";
    const isBrought = importer !== undefined && this.#granted.some((folder) => isBelow(importer, folder));
    return isBrought ? "brought" : undefined;
  }

  /**
   * Allows a package that was found at `installed` and really lies at `folder`. A link counts where it stays among the
   * packages that are installed together, or, for a package that is allowed by its own name, where it leads to one that
   * was installed, or calls itself, so. Whatever else it leads to is somebody else's.
   *
   * @param calledSo tells whether what lies in the folder calls itself by this name.
   */
  admit(
    name: string,
    { installed, folder, word }: { installed: string; folder: string; word: "named" | "brought" },
    calledSo: () => boolean,
  ): boolean {
    const isInstalled = folder.endsWith(join(FOLDER_OF_PACKAGES, name));
    const isTogether = isInstalled && isBelow(folder, outermostPackages(installed));
    if (!isTogether && !(word === "named" && (isInstalled || calledSo()))) return false;
    if (!this.#granted.includes(folder)) this.#granted.push(folder);
    return true;
  }

  /** Lets something be looked at that is not yet allowed, to find out whether it may be. */
  tryOut<T>(folder: string, look: () => T): T {
    this.#granted.push(folder);
    try {
      return look();
    } finally {
      this.#granted.pop();
    }
  }

  /** Allows again what was allowed when the script was put together last, under the same rules. */
  restore(granted: readonly string[]): void {
    this.#granted.push(...granted);
  }
}

function toRoot(given: string): Root {
  const real = realPlace(given);
  return { given, real, isMoved: given !== real, system: systemFolderOf(real) };
}

function bare(path: string): string {
  return path.slice(0, path.length - extname(path).length);
}

/** Where it really lies; of what is not there, where it would. */
function realPlace(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPlace(parent), basename(path));
  }
}

/** The outermost folder of installed packages on the way to this one: a package manager's links stay in it. */
function outermostPackages(installed: string): string {
  const at = `${installed}${sep}`.indexOf(`${FOLDER_OF_PACKAGES}${sep}`);
  return installed.slice(0, at + FOLDER_OF_PACKAGES.length);
}
