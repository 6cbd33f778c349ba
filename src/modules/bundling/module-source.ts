import { dirname, join } from "node:path";
import type { Loader, OnLoadResult, OnResolveArgs, OnResolveResult, Plugin } from "esbuild";
import type { ImportAccess } from "../../permissions/import-access.ts";
import type { JudgedFiles } from "../../permissions/judged-files.ts";
import type { ErrorRecord } from "../../shared/frames.ts";
import type { BundleOrder, ImportUse } from "../bundler-messages.ts";
import { MAX_MODULE_BYTES, MAX_TOTAL_BYTES } from "../limits.ts";
import { loaderFor } from "../loaders.ts";
import { isInstalled, ModuleNames } from "../module-names.ts";
import { ModuleResolver, type Resolution } from "../resolution/module-resolver.ts";
import { ManifestError } from "../resolution/package-manifest.ts";
import {
  askedName,
  isDenied,
  refusedAtRun,
  refusedBeforeRun,
  type RefusedImport,
} from "../resolution/refused-import.ts";
import { ModuleGraph } from "./module-graph.ts";
import {
  asNode,
  BUILTIN,
  EMPTY,
  GLOBALS,
  GLOBALS_NAME,
  isCommonJs,
  MODULE,
  REFUSED,
  SCRIPT,
  START,
} from "./bundler-names.ts";
import { isPlainlyModule, toModule, usesGlobalsOfNode } from "./module-text.ts";
import { builtinSource, builtinText, GLOBALS_TEXT, hasShim } from "./node-builtins.ts";
import type { PatternFolder } from "./pattern-folder.ts";
import { refusedModule } from "./refused-module.ts";

/** A module that has been read. */
interface LoadedModule {
  /** The bundler's name for it, without the namespace. */
  path: string;
  file: string;
  text: string;
  loader: Loader;
}

/** Why a module cannot be used: it stands for the module where it is asked for only while the script runs. */
interface Refusal {
  before: ErrorRecord;
  atRun: ErrorRecord;
}

/** Gives the bundler what the judge allows. Lasts over several tries to put one script together. */
export class ModuleSource {
  readonly names: ModuleNames;
  readonly uses: ImportUse[] = [];
  /** The texts of modules by their names. */
  readonly sources: Record<string, string> = Object.create(null) as Record<string, string>;
  /** Modules that do not parse, by the bundler's names. */
  readonly broken = new Map<string, ErrorRecord>();
  /** What has been refused, by the bundler's names for what stands there instead. */
  readonly refusals = new Map<string, Refusal>();
  usesGlobals = false;
  graph: ModuleGraph = new ModuleGraph();
  /** Refuses before the run: only then does the bundler tell where the import stands. */
  isStrict = false;
  readonly #order: BundleOrder;
  readonly #files: JudgedFiles;
  readonly #patterns: PatternFolder;
  readonly #resolver: ModuleResolver;
  readonly #known = new Map<string, Resolution>();
  /** What has been read, or why not, by files; and what has been read by the bundler's names. */
  readonly #loaded = new Map<string, LoadedModule | ErrorRecord>();
  readonly #modules = new Map<string, LoadedModule>();
  readonly #entryFile: string | undefined;
  readonly #noted = new Set<string>();
  #bytes = 0;

  constructor(order: BundleOrder, access: ImportAccess, files: JudgedFiles, patterns: PatternFolder) {
    this.#order = order;
    this.#files = files;
    this.#resolver = new ModuleResolver(files, access, hasShim);
    this.names = new ModuleNames(order.folder, order.name);
    this.#patterns = patterns;
    this.sources[order.name] = order.code;
    const own = files.locate(join(order.folder, order.name));
    this.#entryFile = own.kind === "file" ? own.path : join(order.folder, order.name);
  }

  /** The bundler's name for the script. */
  get entry(): string {
    return `${SCRIPT}:${asNode(this.#order.name)}`;
  }

  /** Forgets what the last try has found, but for what it has read. */
  startBuild(): void {
    this.graph = new ModuleGraph();
    this.refusals.clear();
  }

  plugin(): Plugin {
    return {
      name: "geppetto-js",
      setup: (build) => {
        build.onResolve({ filter: /.*/ }, (args) => this.#find(args));
        const load = (namespace: string, give: (path: string) => OnLoadResult): void =>
          build.onLoad({ filter: /.*/, namespace }, ({ path }) => ({ resolveDir: this.#patterns.path, ...give(path) }));
        load(SCRIPT, () => toModule(this.#order.code, loaderFor(this.#order.name) ?? "js"));
        load(MODULE, (path) => this.#read(path));
        load(BUILTIN, (path) => ({ contents: builtinSource(path, this.#order.shims), loader: "js" }));
        load(REFUSED, (path) => ({
          contents: refusedModule(this.refusals.get(`${REFUSED}:${path}`)!.atRun),
          loader: "js",
        }));
        load(EMPTY, () => ({ contents: "module.exports = {};", loader: "js" }));
        load(START, () => ({ contents: `import ${JSON.stringify(`./${this.#order.name}`)};`, loader: "js" }));
        load(GLOBALS, () => ({ contents: GLOBALS_TEXT, loader: "js" }));
        // What has been found by a pattern it would also read.
        build.onLoad({ filter: /.*/ }, () => ({ errors: [{ text: "a file that nobody has asked for" }] }));
      },
    };
  }

  #find(args: OnResolveArgs): OnResolveResult {
    const { path: specifier, kind, importer, namespace } = args;
    if (kind === "entry-point") {
      if (specifier === GLOBALS_NAME) return { path: specifier, namespace: GLOBALS, sideEffects: false };
      // A CommonJS module is run for its effect: what it exports is not the script's result.
      if (isCommonJs(this.#order.name)) return { path: START, namespace: START };
      return { path: asNode(this.#order.name), namespace: SCRIPT };
    }
    const isRequire = kind === "require-call" || kind === "require-resolve";
    if (namespace === START) return { path: asNode(this.#order.name), namespace: SCRIPT };
    const found = this.#resolve(specifier, namespace, importer, isRequire);
    const from = `${namespace}:${importer}`;
    const result = this.#toResult(found, { specifier, from, isRequire, isStatic: kind === "import-statement" });
    if (kind === "import-statement") this.graph.add(from, `${result.namespace}:${result.path}`, specifier);
    return result;
  }

  #resolve(specifier: string, namespace: string, importer: string, isRequire: boolean): Resolution {
    if (namespace === BUILTIN || namespace === GLOBALS) {
      return { kind: "builtin", name: specifier.replace(/^node:/, "") };
    }
    const file = namespace === MODULE ? this.#modules.get(importer)?.file : undefined;
    const folder = file === undefined ? this.#order.folder : dirname(file);
    const key = `${isRequire ? "require" : "import"} ${folder} ${specifier}`;
    let found = this.#known.get(key);
    if (found !== undefined) return found;
    try {
      found = this.#resolver.resolve({ specifier, folder, importer: file, isRequire });
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error;
      found = { kind: "refused", why: { specifier, folder, reason: "bad package", text: error.message } };
    }
    this.#known.set(key, found);
    return found;
  }

  #toResult(
    found: Resolution,
    request: { specifier: string; from: string; isRequire: boolean; isStatic: boolean },
  ): OnResolveResult {
    const { specifier, from, isRequire, isStatic } = request;
    switch (found.kind) {
      case "file":
        return this.#toFile(found, request);
      case "empty":
        return { path: specifier, namespace: EMPTY };
      case "builtin":
        // Of what is somebody's own its author learns before it runs that it cannot.
        if (!hasShim(found.name) && isStatic && !this.#isOfPackage(from)) {
          const record: ErrorRecord = { name: "Error", message: builtinText(specifier), isTransient: false };
          return this.#toRefused(`${specifier} ${isRequire}`, { before: record, atRun: record }, isStatic);
        }
        return { path: found.name, namespace: BUILTIN };
      case "refused": {
        const { why } = found;
        const { folder } = this.#order;
        const key = `${askedName(specifier, why.folder, folder)} ${specifier} ${isRequire}`;
        this.#noteRefused(why);
        const refusal = { before: refusedBeforeRun(why, folder), atRun: refusedAtRun(why, folder, isRequire) };
        return this.#toRefused(key, refusal, isStatic);
      }
    }
  }

  #toFile(
    { file, rule, isPure, isModuleType }: Extract<Resolution, { kind: "file" }>,
    {
      specifier,
      from,
      isStatic,
      isRequire,
    }: { specifier: string; from: string; isStatic: boolean; isRequire: boolean },
  ): OnResolveResult {
    if (file === this.#entryFile) return { path: asNode(this.#order.name), namespace: SCRIPT };
    let loaded = this.#loaded.get(file);
    if (loaded === undefined) {
      const importer = this.#moduleOf(from)?.file;
      const folder = importer === undefined ? this.#order.folder : dirname(importer);
      loaded = this.#load(file, { asked: askedName(specifier, folder, this.#order.folder), rule, isModuleType });
      this.#loaded.set(file, loaded);
      if ("path" in loaded) this.#modules.set(loaded.path, loaded);
    }
    const broken = "path" in loaded ? this.broken.get(`${MODULE}:${loaded.path}`) : loaded;
    if (broken !== undefined || !("path" in loaded)) {
      const record = broken!;
      return this.#toRefused(`${this.names.of(file)} ${isRequire}`, { before: record, atRun: record }, isStatic);
    }
    return { path: loaded.path, namespace: MODULE, ...(isPure ? { sideEffects: false } : {}) };
  }

  #toRefused(path: string, refusal: Refusal, isStatic: boolean): OnResolveResult {
    this.refusals.set(`${REFUSED}:${path}`, refusal);
    if (this.isStrict && isStatic) return { errors: [{ text: refusal.before.message, detail: refusal.before }] };
    return { path, namespace: REFUSED };
  }

  #read(path: string): OnLoadResult {
    const { text, loader } = this.#modules.get(path)!;
    return toModule(text, loader);
  }

  /** Reads a module; an error where it has no content that may be used. */
  #load(
    file: string,
    { asked, rule, isModuleType }: { asked: string; rule: string; isModuleType: boolean },
  ): LoadedModule | ErrorRecord {
    const refused = (reason: string, code?: string): ErrorRecord => ({
      name: code === undefined ? "Error" : "LimitError",
      message: `Cannot import "${asked}": ${reason}`,
      isTransient: false,
      ...(code === undefined ? {} : { code }),
    });
    const loader = loaderFor(file);
    if (loader === undefined) return refused("scripts import JavaScript, TypeScript and JSON");
    if (this.uses.length > this.#order.maxUses) return refused("too many modules");
    this.uses.push({ asked, file, granted: true, rule });
    const read = this.#files.read(file, MAX_MODULE_BYTES);
    if ("refused" in read) {
      return read.refused === "too large"
        ? refused(`it is larger than ${MAX_MODULE_BYTES} bytes`, "ERR_LIMIT_IMPORT")
        : refused("it is not a regular file that can be read");
    }
    this.#bytes += read.content.length;
    if (this.#bytes > MAX_TOTAL_BYTES) {
      return refused(`all modules together are larger than ${MAX_TOTAL_BYTES} bytes`, "ERR_LIMIT_IMPORT");
    }
    const text = read.content.toString();
    const name = this.names.of(file);
    this.sources[name] = text;
    this.usesGlobals ||= isInstalled(file) && usesGlobalsOfNode(text);
    const isNode = isModuleType || (!isInstalled(file) && isPlainlyModule(text));
    return { path: isNode ? asNode(name) : name, file, text, loader };
  }

  #noteRefused(why: RefusedImport): void {
    if (!isDenied(why)) return;
    const asked = askedName(why.specifier, why.folder, this.#order.folder);
    if (this.#noted.has(asked)) return;
    this.#noted.add(asked);
    this.uses.push({ asked, granted: false, rule: "no rule", ...(why.file === undefined ? {} : { file: why.file }) });
  }

  #isOfPackage(from: string): boolean {
    const file = this.#moduleOf(from)?.file;
    return file !== undefined && isInstalled(file);
  }

  /** The module that the bundler names so; undefined for the script, and for what has no file. */
  #moduleOf(name: string): LoadedModule | undefined {
    return name.startsWith(`${MODULE}:`) ? this.#modules.get(name.slice(MODULE.length + 1)) : undefined;
  }
}
