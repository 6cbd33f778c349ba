import { isBuiltin } from "node:module";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { exports as exportsOf, imports as importsOf } from "resolve.exports";
import { entryAt } from "../../permissions/file-facts.ts";
import { packageOf, type ImportAccess } from "../../permissions/import-access.ts";
import type { JudgedFiles } from "../../permissions/judged-files.ts";
import { replacedPackage, type Replacement } from "./browser-map.ts";
import { FileFinder, type FoundFile } from "./file-finder.ts";
import { isModuleType, nameOf, PackageManifests, type PackageManifest } from "./package-manifest.ts";
import { MAX_MODULE_BYTES } from "../limits.ts";
import { pathOf } from "./path-of.ts";
import { isPure } from "./pure-files.ts";
import type { RefusedImport } from "./refused-import.ts";

/** What an import has led to. */
export type Resolution =
  | { kind: "file"; file: string; rule: string; isPure: boolean; isModuleType: boolean }
  | { kind: "builtin"; name: string }
  | { kind: "empty" }
  | { kind: "refused"; why: RefusedImport };

export interface ImportRequest {
  specifier: string;
  /** The folder that it starts from, and the file of the module that it stands in; none for the script itself. */
  folder: string;
  importer: string | undefined;
  isRequire: boolean;
}

/** More replacements in a row than any package has. */
const MAX_REPLACEMENTS = 10;

/** What a package's exports are asked for, the first that leads to a file: a guest has no Node, and no document. */
const CONDITIONS = [["worker", "browser"], ["node"]];

/** Finds modules as Node and bundlers do, and looks at nothing before the judge has allowed it. */
export class ModuleResolver {
  readonly #files: JudgedFiles;
  readonly #access: ImportAccess;
  readonly #hasShim: (name: string) => boolean;
  readonly #manifests: PackageManifests;
  readonly #finder: FileFinder;
  readonly #known = new Map<string, Resolution>();

  /** @param hasShim is there something in place of this module of Node's? */
  constructor(files: JudgedFiles, access: ImportAccess, hasShim: (name: string) => boolean) {
    this.#files = files;
    this.#access = access;
    this.#hasShim = hasShim;
    this.#manifests = new PackageManifests(files);
    this.#finder = new FileFinder(files, access, this.#manifests);
  }

  /** @throws {ManifestError} for a package.json on the way that cannot be used. */
  resolve(request: ImportRequest, replacements = 0): Resolution {
    const { specifier, folder } = request;
    if (replacements > MAX_REPLACEMENTS) return this.#refuse(request, { reason: "missing file" });
    if (specifier.startsWith("node:")) return { kind: "builtin", name: specifier.slice("node:".length) };
    if (/^[a-z][a-z\d+.-]+:/i.test(specifier)) return this.#refuse(request, { reason: "address" });
    if (/^\.{0,2}[/\\]|^\.\.?$/.test(specifier) || isAbsolute(specifier)) {
      const isFolder = /(?:^|[/\\])\.{0,2}$/.test(specifier);
      return this.#settle(request, this.#finder.find(pathOf(folder, specifier), isFolder), replacements);
    }
    const replaced = replacedPackage(this.#manifests.around(folder), specifier);
    if (replaced !== undefined) return this.#replace(request, replaced, this.#manifests.around(folder)!, replacements);
    if (specifier.startsWith("#")) return this.#resolveInternal(request, replacements);
    if (this.#hasShim(specifier)) return { kind: "builtin", name: specifier };
    return this.#resolvePackage(request, replacements);
  }

  #resolveInternal(request: ImportRequest, replacements: number): Resolution {
    const manifest = this.#manifests.around(request.folder);
    if (manifest?.fields["imports"] === undefined) return this.#refuse(request, { reason: "not imported" });
    const target = this.#targets(request, (options) => importsOf(manifest.fields, request.specifier, options))[0];
    if (target === undefined) return this.#refuse(request, { reason: "not imported" });
    return this.resolve({ ...request, specifier: target, folder: manifest.folder }, replacements + 1);
  }

  #resolvePackage(request: ImportRequest, replacements: number): Resolution {
    const { specifier, folder, importer } = request;
    const name = packageOf(specifier);
    if (name === undefined) return this.#refuse(request, { reason: "missing file" });
    // With a slash behind it a package is meant, and not Node's module of that name.
    const rest = specifier.slice(name.length).replace(/^\/$/, "");
    const own = this.#manifests.around(folder);
    if (own !== undefined && nameOf(own) === name && own.fields["exports"] !== undefined) {
      return this.#resolveExports(request, own, `.${rest}`, replacements);
    }
    const unseen: string[] = [];
    for (let at = folder; ; at = dirname(at)) {
      const installed = join(at, "node_modules", name);
      const word = basename(at) === "node_modules" ? undefined : this.#access.wordFor(name, importer);
      const found = basename(at) === "node_modules" ? "missing" : this.#findPackage(name, installed, word);
      if (found === "unseen") unseen.push(installed);
      else if (found === "outside") return this.#refuse(request, { reason: "outside", file: installed });
      else if (found !== "missing") return this.#resolveInPackage(request, found.folder, rest, replacements);
      if (at === dirname(at)) break;
    }
    if (isBuiltin(specifier)) return { kind: "builtin", name: specifier };
    return this.#refuse(request, {
      reason: "no package",
      unseen: unseen.length > 0,
      isThere: () => unseen.some(isThere),
    });
  }

  /** A package's folder, as it really lies. */
  #findPackage(
    name: string,
    installed: string,
    word: "named" | "brought" | undefined,
  ): { folder: string } | "missing" | "outside" | "unseen" {
    const isSeen = this.#access.ruleFor(installed) !== undefined;
    if (isSeen) {
      const place = this.#files.locate(installed);
      if (place.kind === "folder") {
        // What it imports itself comes with it, also from where no path allows it.
        if (word !== undefined) this.#access.admit(name, { installed, folder: place.path, word }, () => false);
        return { folder: place.path };
      }
      if (place.kind !== "outside") return "missing";
      if (word === undefined) return "outside";
    }
    if (word === undefined) return "unseen";
    const folder = this.#files.locatePackage(installed);
    if (folder === undefined) return isSeen ? "outside" : "missing";
    return this.#access.admit(name, { installed, folder, word }, () => this.#isCalled(name, folder))
      ? { folder }
      : "outside";
  }

  /** Does what lies there call itself so? To find that out it is looked at as if it were allowed. */
  #isCalled(name: string, folder: string): boolean {
    return this.#access.tryOut(folder, () => {
      const manifest = this.#manifests.of(folder);
      return manifest !== undefined && nameOf(manifest) === name;
    });
  }

  #resolveInPackage(request: ImportRequest, folder: string, rest: string, replacements: number): Resolution {
    const manifest = this.#manifests.of(folder);
    if (manifest !== undefined && (manifest.fields["exports"] ?? undefined) !== undefined) {
      return this.#resolveExports(request, manifest, `.${rest}`, replacements);
    }
    const found =
      rest === "" ? this.#findEntry(folder, manifest) : this.#finder.find(join(folder, rest), rest.endsWith("/"));
    return this.#settle(request, found, replacements);
  }

  /** What a package without exports gives by its name: what Node would give, or what it has for browsers. */
  #findEntry(folder: string, manifest: PackageManifest | undefined): FoundFile {
    for (const field of ["browser", "main", "module"]) {
      const main = manifest?.fields[field];
      if (typeof main !== "string" || main === "") continue;
      const found = this.#finder.findMain(folder, main);
      if ("nothing" in found && found.nothing !== "outside") continue;
      return this.#findModule(folder, manifest, found) ?? found;
    }
    return this.#finder.findIndex(folder);
  }

  /** The part for bundlers of a package whose main file hands `require` on, so that no bundler sees what it asks for. */
  #findModule(folder: string, manifest: PackageManifest | undefined, main: FoundFile): FoundFile | undefined {
    const module = manifest?.fields["module"];
    if (typeof module !== "string" || module === "" || !("file" in main)) return undefined;
    const read = this.#files.read(main.file, MAX_MODULE_BYTES);
    if (!("text" in read) || !/\bfactory\(require\b/.test(read.text)) return undefined;
    const found = this.#finder.findMain(folder, module);
    return "nothing" in found ? undefined : found;
  }

  #resolveExports(
    request: ImportRequest,
    manifest: PackageManifest,
    subpath: string,
    replacements: number,
  ): Resolution {
    const { folder, fields } = manifest;
    const targets = this.#targets(request, (options) => exportsOf(fields, subpath, options));
    let found: FoundFile | undefined;
    for (const target of targets) {
      const path = resolve(folder, target);
      found = target.startsWith("./") ? this.#finder.find(path) : { nothing: "outside", path };
      if (!("nothing" in found) || found.nothing === "outside") break;
    }
    return found === undefined
      ? this.#refuse(request, { reason: "not exported" })
      : this.#settle(request, found, replacements);
  }

  /** What the conditions give, the first that gives anything first. */
  #targets(
    { isRequire }: ImportRequest,
    ask: (options: { conditions: string[]; unsafe: true }) => string[] | void,
  ): string[] {
    return CONDITIONS.flatMap((conditions) => {
      try {
        return ask({ conditions: [...conditions, isRequire ? "require" : "import"], unsafe: true }) ?? [];
      } catch {
        // The library throws where nothing fits.
        return [];
      }
    });
  }

  #settle(request: ImportRequest, found: FoundFile, replacements: number): Resolution {
    if ("replacement" in found) return this.#replace(request, found.replacement, found.manifest, replacements);
    if ("nothing" in found) {
      const reason = ({ outside: "outside", missing: "missing file", unfit: "unfit" } as const)[found.nothing];
      return this.#refuse(request, { reason, file: found.path });
    }
    const { file, rule } = found;
    let known = this.#known.get(file);
    if (known === undefined) {
      const manifest = this.#manifests.around(dirname(file));
      known = { kind: "file", file, rule, isPure: isPure(manifest, file), isModuleType: isModuleType(manifest) };
      this.#known.set(file, known);
    }
    return known;
  }

  #replace(
    request: ImportRequest,
    replacement: Replacement,
    { folder }: PackageManifest,
    replacements: number,
  ): Resolution {
    if (replacement === false) return { kind: "empty" };
    // A package's own file may be named without the dot in front.
    const own = /^[./]/.test(replacement) ? undefined : this.#finder.find(join(folder, replacement));
    if (own !== undefined && "file" in own) return this.#settle(request, own, replacements + 1);
    return this.resolve({ ...request, specifier: replacement, folder }, replacements + 1);
  }

  #refuse({ specifier, folder }: ImportRequest, why: Omit<RefusedImport, "specifier" | "folder">): Resolution {
    return { kind: "refused", why: { ...why, specifier, folder } };
  }
}

function isThere(path: string): boolean {
  return entryAt(path) !== "none";
}
