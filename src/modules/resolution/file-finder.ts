import { dirname, extname, join, resolve } from "node:path";
import type { ImportAccess } from "../../permissions/import-access.ts";
import type { JudgedFiles, Place } from "../../permissions/judged-files.ts";
import { isInstalled } from "../module-names.ts";
import { hasBrowserMap, replacedFile, type Replacement } from "./browser-map.ts";
import type { PackageManifest, PackageManifests } from "./package-manifest.ts";

/** Where a path has led: to a file, to what a package has in its place, or why nowhere. */
export type FoundFile =
  | { file: string; rule: string }
  | { replacement: Replacement; manifest: PackageManifest }
  | { nothing: "outside" | "missing" | "unfit"; path: string };

const OWN_EXTENSIONS = [".tsx", ".ts", ".jsx", ".js", ".mts", ".mjs", ".cts", ".cjs", ".json"];
const PACKAGE_EXTENSIONS = [".js", ".json", ".cjs", ".mjs", ".jsx", ".ts", ".tsx", ".mts", ".cts"];

/** TypeScript is imported by the name that it will have. */
const WRITTEN_AS: Readonly<Record<string, readonly string[]>> = {
  ".js": [".ts", ".tsx"],
  ".jsx": [".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
};

/** Finds the file that a path means: as it stands, with an extension, or as the index of a folder. */
export class FileFinder {
  readonly #files: JudgedFiles;
  readonly #access: ImportAccess;
  readonly #manifests: PackageManifests;
  /** What stands in place of a path, or that nothing does. */
  readonly #known = new Map<string, FoundFile | undefined>();
  readonly #packages = new Map<string, PackageManifest | undefined>();

  constructor(files: JudgedFiles, access: ImportAccess, manifests: PackageManifests) {
    this.#files = files;
    this.#access = access;
    this.#manifests = manifests;
  }

  /** @param isFolder the path ends in a slash or a dot: it means no file of that name. */
  find(path: string, isFolder = false): FoundFile {
    const place = this.#locate(path, path);
    if (place.kind === "file" && !isFolder) return this.#settled(place);
    const replaced = this.#replaced(path);
    if (replaced !== undefined) return replaced;
    if (!isFolder) {
      if (place.kind === "other") return { nothing: "unfit", path: place.path };
      // What leads outside ends the search: to go on would tell that nothing is there.
      if (place.kind === "outside" && !this.#access.isNamed(path)) return { nothing: "outside", path: place.path };
      const found = this.#firstOf(this.#candidates(path), path);
      if (found !== undefined) return found;
    }
    if (place.kind === "outside") return { nothing: "outside", path: place.path };
    return place.kind === "folder" ? this.#findInFolder(place.path) : { nothing: "missing", path };
  }

  /** What a folder gives that is imported itself: what its package.json names, or its index. */
  #findInFolder(folder: string): FoundFile {
    const main = this.#manifests.of(folder)?.fields["main"];
    if (typeof main === "string" && main !== "") {
      const found = this.findMain(folder, main);
      if (!("nothing" in found) || found.nothing === "outside") return found;
    }
    return this.findIndex(folder);
  }

  /** The file that a package.json names as its main one. */
  findMain(folder: string, main: string): FoundFile {
    const path = resolve(folder, main);
    const found = path === folder ? this.findIndex(folder) : this.find(path, /[/\\]$/.test(main));
    return found;
  }

  findIndex(folder: string): FoundFile {
    const index = join(folder, "index");
    const candidates = extensionsFor(index).map((extension) => `${index}${extension}`);
    return this.#firstOf(candidates, folder) ?? this.#replaced(index) ?? { nothing: "unfit", path: folder };
  }

  #firstOf(candidates: readonly string[], meant: string): FoundFile | undefined {
    for (const candidate of candidates) {
      const place = this.#locate(candidate, meant);
      if (place.kind === "file") return this.#settled(place);
      if (place.kind === "outside") {
        if (this.#access.isNamed(meant)) continue;
        return { nothing: "outside", path: candidate };
      }
      if (place.kind === "other") return { nothing: "unfit", path: candidate };
    }
    return undefined;
  }

  #locate(path: string, meant: string): Place {
    this.#access.admitMeant(path, meant);
    return this.#files.locate(path);
  }

  #settled({ path, rule }: { path: string; rule: string }): FoundFile {
    return this.#replaced(path) ?? { file: path, rule };
  }

  #replaced(path: string): FoundFile | undefined {
    if (!this.#known.has(path)) this.#known.set(path, this.#findReplacement(path));
    return this.#known.get(path);
  }

  #findReplacement(path: string): FoundFile | undefined {
    const manifest = this.#replacing(dirname(path));
    const replacement = manifest && replacedFile(manifest, path);
    if (replacement === undefined || manifest === undefined) return undefined;
    // A package may name a file as its own replacement.
    if (replacement !== false && resolve(manifest.folder, replacement) === path) return undefined;
    return { replacement, manifest };
  }

  /** The package that a folder is of, if it has anything in place of its own files. */
  #replacing(folder: string): PackageManifest | undefined {
    if (!this.#packages.has(folder)) {
      const manifest = this.#files.locate(folder).kind === "folder" ? this.#manifests.around(folder) : undefined;
      this.#packages.set(folder, hasBrowserMap(manifest) ? manifest : undefined);
    }
    return this.#packages.get(folder);
  }

  #candidates(path: string): string[] {
    const extension = extname(path);
    const stem = path.slice(0, path.length - extension.length);
    const written = (WRITTEN_AS[extension] ?? []).map((other) => `${stem}${other}`);
    return [...written, ...extensionsFor(path).map((other) => `${path}${other}`)];
  }
}

function extensionsFor(path: string): readonly string[] {
  return isInstalled(path) ? PACKAGE_EXTENSIONS : OWN_EXTENSIONS;
}
