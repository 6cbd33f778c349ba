import { extname, isAbsolute, relative, resolve, sep } from "node:path";
import type { Loader } from "esbuild";
import { packageOf, type ImportAccess } from "../permissions/import-access.ts";
import type { Permissions } from "../permissions/permissions.ts";
import { GeppettoError, toErrorRecord } from "../shared/errors.ts";
import type { BundlerQuestion, FoundModule, ReadModule, Wanted } from "./bundler-messages.ts";
import type { ModuleNames } from "./module-names.ts";

export interface ModuleReaderOptions {
  permissions: Permissions;
  access: ImportAccess;
  names: ModuleNames;
  /** The script's folder, as a real path. */
  folder: string;
  /** Gets the text of each module under its name. */
  sources: Record<string, string>;
}

/** Most bytes of one module, and of all of a script's. */
const MAX_MODULE_BYTES = 8_000_000;
const MAX_TOTAL_BYTES = 32_000_000;

const LOADERS: Record<string, Loader> = {
  ".js": "js",
  ".mjs": "js",
  ".cjs": "js",
  ".jsx": "jsx",
  ".ts": "ts",
  ".mts": "ts",
  ".cts": "ts",
  ".tsx": "tsx",
  ".json": "json",
};

/** How a module of this name is written; undefined for a kind that scripts cannot import. */
export function loaderFor(name: string): Loader | undefined {
  return LOADERS[extname(name)];
}

/** Answers the bundler: reads modules where they may be imported. */
export class ModuleReader {
  readonly #options: ModuleReaderOptions;
  #bytes = 0;

  constructor(options: ModuleReaderOptions) {
    this.#options = options;
  }

  async answer(question: BundlerQuestion): Promise<FoundModule | ReadModule> {
    return "find" in question ? this.#find(question.find) : this.#read(question.read);
  }

  #find({ specifier, folder, importer, file }: Wanted): FoundModule {
    if (file !== undefined) this.#options.access.admit(specifier, file, { folder, importer });
    const isBare = packageOf(specifier) !== undefined || specifier.startsWith("#");
    // What is not found is looked for where it would be: there it is missing, or was not to be looked for.
    const place = file ?? (isBare ? undefined : resolve(folder, specifier));
    const asked = isBare ? (packageOf(specifier) ?? specifier) : this.#fromFolder(folder, specifier);
    return { name: place === undefined ? specifier : this.#options.names.of(place), asked, file: place };
  }

  async #read({ name, asked, file }: FoundModule): Promise<ReadModule> {
    const { permissions, access, sources } = this.#options;
    const tooLarge = (): GeppettoError =>
      new GeppettoError("LimitError", `Cannot import ${asked}: it is larger than ${MAX_MODULE_BYTES} bytes`, {
        code: "ERR_LIMIT_IMPORT",
      });
    try {
      const bytes = await permissions.readModule(asked, file, access, MAX_MODULE_BYTES, tooLarge);
      this.#bytes += bytes.length;
      if (bytes.length > MAX_MODULE_BYTES || this.#bytes > MAX_TOTAL_BYTES) throw tooLarge();
      const loader = loaderFor(file!);
      if (loader === undefined) {
        throw new Error(`Cannot import "${asked}": scripts import JavaScript, TypeScript and JSON`);
      }
      const contents = bytes.toString();
      sources[name] = contents;
      return { contents, loader };
    } catch (error) {
      return { refused: toErrorRecord(error) };
    }
  }

  /** A path as from the script's folder; it begins with a dot, so that it is not taken for a package. */
  #fromFolder(folder: string, specifier: string): string {
    if (isAbsolute(specifier)) return specifier;
    const way = relative(this.#options.folder, resolve(folder, specifier)).split(sep).join("/");
    return /^\.\.?\//.test(way) || isAbsolute(way) ? way : `./${way}`;
  }
}
