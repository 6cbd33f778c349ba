import { isBuiltin } from "node:module";
import { dirname, extname, isAbsolute, relative, resolve, sep } from "node:path";
import type { Loader, OnLoadResult, OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from "esbuild";
import { packageOf, type ImportAccess } from "../permissions/import-access.ts";
import type { Permissions } from "../permissions/permissions.ts";
import { GeppettoError } from "../shared/errors.ts";
import type { ModuleNames } from "./module-names.ts";

export interface ModulePluginOptions {
  permissions: Permissions;
  access: ImportAccess;
  names: ModuleNames;
  /** The script itself: its name, its text, and the folder that its imports start from. */
  script: { name: string; code: string; folder: string };
  /** Gets the text of each module under its name. */
  sources: Record<string, string>;
}

/** Where modules lie in the eyes of the bundler: it reads none of them itself. */
export const SCRIPT = "script";
export const MODULE = "module";
const BUILTIN = "builtin";

/** Why `import("./" + name)` is refused: it says nothing of what is there. */
export const PATTERN_TEXT = "Cannot import by a pattern: a module is named by a text";

/** Most bytes of one module, and of all of a script's. */
const MAX_MODULE_BYTES = 8_000_000;
const MAX_TOTAL_BYTES = 32_000_000;

/** Where the bundler thinks that modules lie: what fits a pattern, as in import("./" + name), it looks for by itself. */
const NOWHERE = resolve("/", "nowhere/".repeat(64));

/** Marks the plugin's own questions to the bundler. */
const ASKING = Symbol("asking");

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

interface Found {
  /** How errors and notes name the module. */
  asked: string;
  file: string | undefined;
}

/** Lets the bundler find modules, and reads them where they may be imported. */
export function modulePlugin(options: ModulePluginOptions): Plugin {
  const { script } = options;
  return {
    name: "geppetto-js",
    setup(build) {
      const reader = new ModuleReader(options);
      build.onResolve({ filter: /.*/ }, (args) => {
        if (args.pluginData === ASKING) return undefined;
        if (args.kind === "entry-point") return { path: script.name, namespace: SCRIPT };
        return reader.find(build, args);
      });
      build.onLoad({ filter: /.*/, namespace: SCRIPT }, () => {
        const loader = LOADERS[extname(script.name)] ?? "js";
        return { contents: withoutSourceMap(script.code, loader), loader, resolveDir: NOWHERE };
      });
      build.onLoad({ filter: /.*/, namespace: MODULE }, (args) => reader.read(args.pluginData as Found));
      // What asks for one by require() may never get to where it needs it.
      build.onLoad({ filter: /.*/, namespace: BUILTIN }, ({ path }) => ({
        contents: `throw new Error(${JSON.stringify(builtinText(path))})`,
        loader: "js",
      }));
      // What has been found by a pattern it would also read.
      build.onLoad({ filter: /.*/ }, () => failure(new Error(PATTERN_TEXT)));
    },
  };
}

class ModuleReader {
  readonly #options: ModulePluginOptions;
  #bytes = 0;

  constructor(options: ModulePluginOptions) {
    this.#options = options;
  }

  async find(build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult> {
    const { path: specifier, kind, importer, namespace } = args;
    if (specifier.startsWith("node:")) return this.#builtin(specifier, kind);
    if (/^[a-z][a-z\d+.-]+:/i.test(specifier)) {
      return failure(new Error(`Cannot import "${specifier.slice(0, 200)}": scripts import files and packages`));
    }
    const { access, script } = this.#options;
    const own = namespace === MODULE ? importer : undefined;
    const resolveDir = own === undefined ? script.folder : dirname(own);
    const asking = { kind, resolveDir, importer, namespace: "file", pluginData: ASKING } as const;
    const { path, errors, external } = await build.resolve(specifier, asking);
    const file = errors.length > 0 || external || !isAbsolute(path) ? undefined : path;
    if (file === undefined && isBuiltin(specifier)) return this.#builtin(specifier, kind);
    if (file !== undefined) access.admit(specifier, file, own);
    const isBare = packageOf(specifier) !== undefined || specifier.startsWith("#");
    // What is not found is looked for where it would be: there it is missing, or was not to be looked for.
    const place = file ?? (isBare ? undefined : resolve(resolveDir, specifier));
    const asked = isBare ? (packageOf(specifier) ?? specifier) : fromFolder(script.folder, resolveDir, specifier);
    const found: Found = { asked, file: place };
    return { path: place ?? specifier, namespace: MODULE, pluginData: found };
  }

  async read({ asked, file }: Found): Promise<OnLoadResult> {
    const { permissions, access, names, sources } = this.#options;
    const tooLarge = (): GeppettoError =>
      new GeppettoError("LimitError", `Cannot import ${asked}: it is larger than ${MAX_MODULE_BYTES} bytes`, {
        code: "ERR_LIMIT_IMPORT",
      });
    try {
      const bytes = await permissions.readModule(asked, file, access, MAX_MODULE_BYTES, tooLarge);
      this.#bytes += bytes.length;
      if (bytes.length > MAX_MODULE_BYTES || this.#bytes > MAX_TOTAL_BYTES) throw tooLarge();
      const loader = LOADERS[extname(file!)];
      if (loader === undefined) {
        throw new Error(`Cannot import "${asked}": scripts import JavaScript, TypeScript and JSON`);
      }
      const contents = bytes.toString();
      sources[names.of(file!)] = contents;
      return { contents: withoutSourceMap(contents, loader), loader, resolveDir: NOWHERE };
    } catch (error) {
      return failure(error as Error);
    }
  }

  #builtin(specifier: string, kind: OnResolveArgs["kind"]): OnResolveResult {
    if (kind === "require-call" || kind === "require-resolve") return { path: specifier, namespace: BUILTIN };
    return failure(new Error(builtinText(specifier)));
  }
}

/** The text without its own source map, which the bundler would read by itself, from anywhere: the last one counts. */
function withoutSourceMap(text: string, loader: Loader): string {
  if (loader === "json" || !text.includes("sourceMappingURL")) return text;
  return `${text}\n//# sourceMappingURL=data:application/json,{}`;
}

function builtinText(specifier: string): string {
  return `Cannot import "${specifier}": scripts have nothing of Node's own`;
}

function failure(error: Error): { errors: { text: string; detail: Error }[] } {
  return { errors: [{ text: error.message, detail: error }] };
}

/** A path as from the script's folder; it begins with a dot, so that it is no package's name. */
function fromFolder(folder: string, resolveDir: string, specifier: string): string {
  if (isAbsolute(specifier)) return specifier;
  const way = relative(folder, resolve(resolveDir, specifier)).split(sep).join("/");
  return /^\.\.?\//.test(way) || isAbsolute(way) ? way : `./${way}`;
}
