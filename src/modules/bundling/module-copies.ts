import { closeSync, constants, mkdtempSync, openSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CopyPlaces } from "./copy-places.ts";
import { toArchive, type ArchivedFile } from "./module-archive.ts";
import { ANY_SIGN, FIRST_SIGN, signOf, SIGNS } from "./copy-signs.ts";
import { scanModules, type ModuleTexts, type ScannedModule } from "./scan-modules.ts";

const ARCHIVE = "modules.zip";
const SETTINGS = "tsconfig.json";

/** What any absolute path means where nobody is there to be asked: an empty file in the archive. */
const ELSEWHERE = "elsewhere/module.js";

const LINE_ENDS = /[ \t]*;?[ \t\r]*(?:\n|$)/y;
const PLACE = /^[\w./-]*/;

/** What lies below these folders is an ES module by its package.json, or may be left out if nothing of it is used. */
const GROUPS = [
  { folder: "m", manifest: {} },
  { folder: "e", manifest: { type: "module" } },
  { folder: "mp", manifest: { sideEffects: false } },
  { folder: "ep", manifest: { type: "module", sideEffects: false } },
  { folder: "jm", manifest: {} },
  { folder: "jmp", manifest: { sideEffects: false } },
];

const OWN_FILES: readonly ArchivedFile[] = [
  ...GROUPS.map(({ folder, manifest }) => ({
    name: `${folder}/package.json`,
    text: JSON.stringify(manifest),
  })),
  { name: ELSEWHERE, text: "" },
];

/**
 * Copies of a script's modules, in an archive that the bundler reads by itself, with their imports resolved: it need not
 * ask about each. It asks about whatever is not in there, and about imports that were not seen.
 */
export class ModuleCopies implements Disposable {
  /** A folder of this process's own, in which the archive lies. */
  readonly folder: string;
  /** A tsconfig.json that says which copy each name with a sign means. */
  readonly settings: string;
  /** Is there a copy of all that was found, and nothing that the bundler would have to ask about, as far as one saw? */
  readonly isWhole: boolean;
  readonly #signs: ReadonlyMap<string, string>;
  readonly #places: ReadonlyMap<string, string>;
  /** What lies where in the archive. */
  readonly #names = new Map<string, string>();
  /** How paths of copies begin. */
  readonly #inside: string;
  readonly #root: string;
  readonly #descriptor: number | undefined;
  readonly #clear = (): void => rmSync(this.#root, { recursive: true, force: true });

  /** Looks for all modules, and copies them; undefined where that cannot be done. */
  static of(texts: ModuleTexts): ModuleCopies | undefined {
    const scanned = scanModules(texts);
    const signs = new Map<string, string>();
    for (const [name, { canBeCopied }] of scanned) if (canBeCopied) signs.set(name, signOf(signs.size));
    if (signs.size === 0 || signs.size > SIGNS * SIGNS) return undefined;
    const files: ArchivedFile[] = [...OWN_FILES];
    const places = new CopyPlaces();
    const keys = new Map<string, string>();
    let isWhole = signs.size === scanned.size;
    for (const name of signs.keys()) {
      const module = scanned.get(name)!;
      const signed = withSigns(module, signs, keys);
      isWhole &&= signed.isWhole;
      files.push({ name: places.add(name, module), text: signed.text });
    }
    const archive = toArchive(files);
    for (const name of [texts.start, texts.globals]) {
      const sign = name && signs.get(name);
      if (sign !== undefined) keys.set(sign, name!);
    }
    const root = archive && keepArchive(archive, settingsFor(keys, places.all));
    return root === undefined ? undefined : new ModuleCopies(root, { signs, places: places.all, isWhole });
  }

  private constructor(
    root: string,
    {
      signs,
      places,
      isWhole,
    }: { signs: ReadonlyMap<string, string>; places: ReadonlyMap<string, string>; isWhole: boolean },
  ) {
    this.#root = root;
    process.once("exit", this.#clear);
    // By this way it does not look around in the folders above, which are not this process's own.
    if (process.platform === "linux") this.#descriptor = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
    this.folder = this.#descriptor === undefined ? root : `/proc/${process.pid}/fd/${this.#descriptor}`;
    this.settings = join(this.folder, SETTINGS);
    this.isWhole = isWhole;
    this.#inside = join(this.folder, ARCHIVE, "/");
    this.#signs = signs;
    this.#places = places;
    for (const [name, place] of places) this.#names.set(place, name);
  }

  /** What the bundler asks about. */
  get asked(): RegExp {
    return new RegExp(`^[^${String.fromCharCode(FIRST_SIGN)}-${String.fromCharCode(FIRST_SIGN + SIGNS - 1)}]|^$`);
  }

  /** Paths of files that are not copies: that can only be said character by character. */
  get foreign(): RegExp {
    const own = this.#inside.split("").map((char) => char.replace(/[^\w/]/, "\\$&"));
    return new RegExp(
      `^${own.reduceRight((rest, char) => `(?:[^${char}]|$${rest === "" ? "" : `|${char}${rest}`})`, "")}`,
    );
  }

  /** Where the copy of a module lies, as an absolute path. */
  placeOf(name: string): string | undefined {
    const place = this.#places.get(name);
    return place === undefined ? undefined : this.#inside + place;
  }

  /** What means the copy of a module wherever the bundler meets it; undefined where there is no copy. */
  signOf(name: string): string | undefined {
    return this.#signs.get(name);
  }

  /** The module whose copy lies there, by its path or as source maps show it. */
  nameAt(path: string): string | undefined {
    for (const start of [`${ARCHIVE}/`, this.#inside]) {
      if (!path.startsWith(start)) continue;
      const place = path.slice(start.length);
      return this.#names.get(place) ?? this.#names.get(PLACE.exec(place)![0]);
    }
    return undefined;
  }

  /**
   * What the bundler has made, as if it had asked about each module; undefined where a sign is left, because something
   * was taken for the name of an import and was none.
   */
  withNames(code: string): string | undefined {
    if (ANY_SIGN.test(code)) return undefined;
    const parts = code.split(this.#inside);
    return (
      parts[0]! +
      parts
        .slice(1)
        .map((part) => this.#named(part))
        .join("")
    );
  }

  #named(part: string): string {
    const place = PLACE.exec(part)![0];
    const name = this.#names.get(place);
    return name === undefined ? this.#inside + part : name + part.slice(place.length);
  }

  [Symbol.dispose](): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    process.off("exit", this.#clear);
    this.#clear();
  }
}

/**
 * The text with signs in the names of imports that lead to copies. Nothing else moves: where the line goes on, a sign
 * takes the place of letters. The bundler makes names of variables of the rest, for messages of errors to show.
 *
 * @param keys gets what is written for the names, and where it leads.
 */
function withSigns(
  { text, imports, isResolved }: ScannedModule,
  signs: ReadonlyMap<string, string>,
  keys: Map<string, string>,
): { text: string; isWhole: boolean } {
  let result = "";
  let at = 0;
  let isWhole = isResolved;
  for (const { name, specifier, start, end } of imports) {
    const sign = signs.get(name);
    if (sign === undefined || sign.length > specifier.length) {
      isWhole = false;
      continue;
    }
    LINE_ENDS.lastIndex = end;
    const key = sign + (LINE_ENDS.test(text) ? specifier : specifier.slice(sign.length));
    keys.set(key, name);
    result += text.slice(at, start) + text[start]! + key + text[start]!;
    at = end;
  }
  return { text: result + text.slice(at), isWhole };
}

/** As in a tsconfig.json: which copy each name with a sign means. */
function settingsFor(keys: ReadonlyMap<string, string>, places: ReadonlyMap<string, string>): string {
  const paths: Record<string, string[]> = { "/*": [`./${ARCHIVE}/${ELSEWHERE}`] };
  for (const [key, name] of keys) paths[key] = [`./${ARCHIVE}/${places.get(name)!}`];
  return JSON.stringify({ compilerOptions: { paths } });
}

/** Writes the archive into a folder of its own; undefined where there is no room for it. */
function keepArchive(archive: Buffer, settings: string): string | undefined {
  let root: string | undefined;
  try {
    root = realpathSync(mkdtempSync(join(tmpdir(), "geppetto-modules-")));
    writeFileSync(join(root, ARCHIVE), archive, { flag: "wx", mode: 0o600 });
    writeFileSync(join(root, SETTINGS), settings, { flag: "wx", mode: 0o600 });
    return root;
  } catch {
    if (root !== undefined) rmSync(root, { recursive: true, force: true });
    return undefined;
  }
}
