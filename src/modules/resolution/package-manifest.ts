import { basename, dirname, join } from "node:path";
import type { JudgedFiles } from "../../permissions/judged-files.ts";
import { isObject } from "../../shared/is-object.ts";

/** What a package.json says, as far as it is asked; nothing in it is believed to have its right type. */
export interface PackageManifest {
  /** The package's folder. */
  folder: string;
  fields: Readonly<Record<string, unknown>>;
}

/** Largest package.json that is read, in bytes. */
const MAX_MANIFEST_BYTES = 1_000_000;

/** Why a package.json cannot be used, in words for its author. */
export class ManifestError extends Error {}

/** The manifests of packages. Each is read once. */
export class PackageManifests {
  readonly #files: JudgedFiles;
  readonly #known = new Map<string, PackageManifest | undefined>();
  readonly #around = new Map<string, PackageManifest | undefined>();

  constructor(files: JudgedFiles) {
    this.#files = files;
  }

  /** @throws {ManifestError} for one that cannot be read, or is not JSON. */
  of(folder: string): PackageManifest | undefined {
    if (!this.#known.has(folder)) this.#known.set(folder, this.#read(folder));
    return this.#known.get(folder);
  }

  /** The nearest one from a folder upwards, as far as one may look. */
  around(folder: string): PackageManifest | undefined {
    if (!this.#around.has(folder)) this.#around.set(folder, this.of(folder) ?? this.#above(folder));
    return this.#around.get(folder);
  }

  #above(folder: string): PackageManifest | undefined {
    const parent = dirname(folder);
    if (parent === folder || basename(folder) === "node_modules") return undefined;
    return this.#files.locate(parent).kind === "outside" ? undefined : this.around(parent);
  }

  #read(folder: string): PackageManifest | undefined {
    const place = this.#files.locate(join(folder, "package.json"));
    if (place.kind !== "file") return undefined;
    const read = this.#files.read(place.path, MAX_MANIFEST_BYTES);
    if ("refused" in read) {
      const reason = read.refused === "too large" ? `is larger than ${MAX_MANIFEST_BYTES} bytes` : "cannot be read";
      throw new ManifestError(`its package.json ${reason}`);
    }
    let fields: unknown;
    try {
      fields = JSON.parse(read.text.replace(/^\uFEFF/, ""));
    } catch {
      throw new ManifestError("its package.json is not JSON");
    }
    return { folder, fields: isObject(fields) ? fields : {} };
  }
}

/** What a package calls itself. */
export function nameOf({ fields }: PackageManifest): string | undefined {
  return typeof fields["name"] === "string" ? fields["name"] : undefined;
}

/** Are this package's `.js` files ES modules by its own word? */
export function isModuleType(manifest: PackageManifest | undefined): boolean {
  return manifest?.fields["type"] === "module";
}
