import { dirname, join } from "node:path";
import type { Loader, Metafile, OnResolveArgs, OnResolveResult, Plugin } from "esbuild";
import type { ImportAccess } from "../../permissions/import-access.ts";
import type { JudgedFiles } from "../../permissions/judged-files.ts";
import type { ErrorRecord } from "../../shared/frames.ts";
import type { BundleOrder } from "../bundler-messages.ts";
import { loaderFor } from "../loaders.ts";
import { isInstalled } from "../module-names.ts";
import { ModuleResolver, type Resolution } from "../resolution/module-resolver.ts";
import { ManifestError } from "../resolution/package-manifest.ts";
import { askedName, refusedAtRun, refusedBeforeRun } from "../resolution/refused-import.ts";
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
import { LoadedModules, type LoadedModule } from "./loaded-modules.ts";
import type { ModuleCopies } from "./module-copies.ts";
import { ModuleGraph } from "./module-graph.ts";
import { toModule } from "./module-text.ts";
import { builtinSource, builtinText, GLOBALS_TEXT, hasShim } from "./node-builtins.ts";
import type { PatternFolder } from "./pattern-folder.ts";
import { refusedModule } from "./refused-module.ts";

/** Why a module cannot be used: it stands for the module where it is asked for only while the script runs. */
interface Refusal {
  before: ErrorRecord;
  atRun: ErrorRecord;
}

/** Gives the bundler what the judge allows. Lasts over several tries to put one script together. */
export class ModuleSource {
  readonly modules: LoadedModules;
  /** Modules that do not parse, by the bundler's names. */
  readonly broken = new Map<string, ErrorRecord>();
  /** What has been refused, by the bundler's names for what stands there instead. */
  readonly refusals = new Map<string, Refusal>();
  /** What the bundler need not ask about. */
  copies: ModuleCopies | undefined;
  graph: ModuleGraph = new ModuleGraph();
  /** Refuses before the run: only then does the bundler tell where the import stands. */
  isStrict = false;
  readonly #order: BundleOrder;
  readonly #patterns: PatternFolder;
  readonly #resolver: ModuleResolver;
  readonly #known = new Map<string, Resolution>();
  readonly #entryFile: string | undefined;

  constructor(order: BundleOrder, access: ImportAccess, files: JudgedFiles, patterns: PatternFolder) {
    this.#order = order;
    this.modules = new LoadedModules(order, files);
    this.#resolver = new ModuleResolver(files, access, hasShim);
    this.#patterns = patterns;
    const own = files.locate(join(order.folder, order.name));
    this.#entryFile = own.kind === "file" ? own.path : join(order.folder, order.name);
  }

  /** The bundler's name for the script. */
  get entry(): string {
    return `${SCRIPT}:${asNode(this.#order.name)}`;
  }

  /** The name of what the bundler begins with. A CommonJS module is run for its effect: what it exports is nobody's. */
  get start(): string {
    return isCommonJs(this.#order.name) ? `${START}:${START}` : this.entry;
  }

  /** The name of what gives packages the globals of Node's that they use; undefined where none does. */
  get globals(): string | undefined {
    return this.modules.usesGlobals ? `${GLOBALS}:${GLOBALS_NAME}` : undefined;
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
        const { copies } = this;
        build.onResolve({ filter: copies?.asked ?? /.*/ }, (args) => this.#find(args));
        for (const namespace of [SCRIPT, MODULE, BUILTIN, REFUSED, EMPTY, START, GLOBALS]) {
          build.onLoad({ filter: /.*/, namespace }, async ({ path }) => {
            const { contents, loader } = this.contents(`${namespace}:${path}`);
            return { contents, loader, resolveDir: await this.#patterns.pathFor(contents, loader) };
          });
        }
        // What has been found by a pattern it would also read.
        build.onLoad({ filter: copies?.foreign ?? /.*/ }, () => ({
          errors: [{ text: "a file that nobody has asked for" }],
        }));
      },
    };
  }

  /** What the bundler is given for what it names so. */
  contents(name: string): { contents: string; loader: Loader } {
    const at = name.indexOf(":");
    const path = name.slice(at + 1);
    switch (name.slice(0, at)) {
      case SCRIPT:
        return toModule(this.#order.code, loaderFor(this.#order.name) ?? "js");
      case MODULE: {
        const { text, loader } = this.modules.get(path)!;
        return toModule(text, loader);
      }
      case BUILTIN:
        return { contents: builtinSource(path, this.#order.shims), loader: "js" };
      case REFUSED:
        return { contents: refusedModule(this.refusals.get(name)!.atRun), loader: "js" };
      case START:
        return { contents: `import ${JSON.stringify(`./${this.#order.name}`)};`, loader: "js" };
      case GLOBALS:
        return { contents: GLOBALS_TEXT, loader: "js" };
      default:
        return { contents: "module.exports = {};", loader: "js" };
    }
  }

  /** What an import leads to; undefined where that is an error, or depends on how it stands there. */
  ahead(request: {
    specifier: string;
    from: string;
    isRequire: boolean;
  }): { name: string; isPure: boolean } | undefined {
    if (request.from === `${START}:${START}`) return { name: this.entry, isPure: false };
    const found = this.#resolve(request);
    switch (found.kind) {
      case "builtin":
        return hasShim(found.name) || this.#isOfPackage(request.from)
          ? { name: `${BUILTIN}:${found.name}`, isPure: false }
          : undefined;
      case "empty":
        return { name: `${EMPTY}:${request.specifier}`, isPure: false };
      case "file": {
        if (found.file === this.#entryFile) return { name: this.entry, isPure: false };
        const loaded = this.#load(found, request);
        return "path" in loaded ? { name: `${MODULE}:${loaded.path}`, isPure: found.isPure } : undefined;
      }
      case "refused":
        return undefined;
    }
  }

  /** Takes from the bundler's report what it did not ask about. */
  noteCopied(inputs: Metafile["inputs"]): void {
    const nameOf = (path: string): string => this.copies?.nameAt(path) ?? path;
    for (const [path, { imports }] of Object.entries(inputs)) {
      const from = nameOf(path);
      const file = this.#moduleOf(from)?.file;
      if (file !== undefined) this.modules.want(file);
      for (const { path: to, kind, original } of imports) {
        if (kind === "import-statement") this.graph.add(from, nameOf(to), original ?? to);
      }
    }
  }

  #find({ path: specifier, kind, importer, namespace }: OnResolveArgs): OnResolveResult {
    if (kind === "entry-point") {
      const name = specifier === GLOBALS_NAME ? this.globals! : this.start;
      const at = name.indexOf(":");
      const placed = this.#placed(name.slice(0, at), name.slice(at + 1));
      return specifier === GLOBALS_NAME ? { ...placed, sideEffects: false } : placed;
    }
    if (namespace === START) return this.#placed(SCRIPT, asNode(this.#order.name));
    const from = this.copies?.nameAt(importer) ?? `${namespace}:${importer}`;
    const isRequire = kind === "require-call" || kind === "require-resolve";
    const request = { specifier, from, isRequire };
    const result = this.#toResult(this.#resolve(request), { ...request, isStatic: kind === "import-statement" });
    if (kind === "import-statement") this.graph.add(from, `${result.namespace}:${result.path}`, specifier);
    const { path, namespace: given } = result;
    return path === undefined || given === undefined ? result : { ...result, ...this.#placed(given, path) };
  }

  /** Where the bundler finds what is named so: in an archive, or here. */
  #placed(namespace: string, path: string): { path: string; namespace: string } {
    const place = this.copies?.placeOf(`${namespace}:${path}`);
    return place === undefined ? { path, namespace } : { path: place, namespace: "file" };
  }

  #resolve({ specifier, from, isRequire }: { specifier: string; from: string; isRequire: boolean }): Resolution {
    if (from.startsWith(`${BUILTIN}:`) || from.startsWith(`${GLOBALS}:`)) {
      return { kind: "builtin", name: specifier.replace(/^node:/, "") };
    }
    const file = this.#moduleOf(from)?.file;
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
        this.modules.noteRefused(why);
        const refusal = { before: refusedBeforeRun(why, folder), atRun: refusedAtRun(why, folder, isRequire) };
        return this.#toRefused(key, refusal, isStatic);
      }
    }
  }

  #toFile(
    found: Extract<Resolution, { kind: "file" }>,
    request: { specifier: string; from: string; isStatic: boolean; isRequire: boolean },
  ): OnResolveResult {
    const { file, isPure } = found;
    const { isStatic, isRequire } = request;
    if (file === this.#entryFile) return { path: asNode(this.#order.name), namespace: SCRIPT };
    this.modules.want(file);
    const loaded = this.#load(found, request);
    const broken = "path" in loaded ? this.broken.get(`${MODULE}:${loaded.path}`) : loaded;
    if (broken !== undefined || !("path" in loaded)) {
      const record = broken!;
      return this.#toRefused(
        `${this.modules.names.of(file)} ${isRequire}`,
        { before: record, atRun: record },
        isStatic,
      );
    }
    return { path: loaded.path, namespace: MODULE, ...(isPure ? { sideEffects: false } : {}) };
  }

  #load(
    { file, rule, isModuleType }: Extract<Resolution, { kind: "file" }>,
    { specifier, from }: { specifier: string; from: string },
  ): LoadedModule | ErrorRecord {
    const known = this.modules.loaded(file);
    if (known !== undefined) return known;
    const importer = this.#moduleOf(from)?.file;
    const folder = importer === undefined ? this.#order.folder : dirname(importer);
    return this.modules.load(file, { asked: askedName(specifier, folder, this.#order.folder), rule, isModuleType });
  }

  #toRefused(path: string, refusal: Refusal, isStatic: boolean): OnResolveResult {
    this.refusals.set(`${REFUSED}:${path}`, refusal);
    if (this.isStrict && isStatic) return { errors: [{ text: refusal.before.message, detail: refusal.before }] };
    return { path, namespace: REFUSED };
  }

  #isOfPackage(from: string): boolean {
    const file = this.#moduleOf(from)?.file;
    return file !== undefined && isInstalled(file);
  }

  /** The module that the bundler names so; undefined for the script, and for what has no file. */
  #moduleOf(name: string): LoadedModule | undefined {
    return name.startsWith(`${MODULE}:`) ? this.modules.get(name.slice(MODULE.length + 1)) : undefined;
  }
}
