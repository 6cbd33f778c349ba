import type { Loader } from "esbuild";
import { looksBinary, NOT_TEXT } from "../../base/files/looks-binary.ts";
import type { JudgedFiles } from "../../permissions/judged-files.ts";
import type { ErrorRecord } from "../../shared/frames.ts";
import type { BundleOrder, ImportUse } from "../bundler-messages.ts";
import { MAX_MODULE_BYTES, MAX_TOTAL_BYTES } from "../limits.ts";
import { loaderFor } from "../loaders.ts";
import { isInstalled, ModuleNames } from "../module-names.ts";
import { askedName, isDenied, type RefusedImport } from "../resolution/refused-import.ts";
import { asNode } from "./bundler-names.ts";
import { isPlainlyModule, usesGlobalsOfNode } from "./module-text.ts";

/** A module that has been read. */
export interface LoadedModule {
  /** The bundler's name for it, without the namespace. */
  path: string;
  file: string;
  text: string;
  loader: Loader;
}

/** Reads modules, each once, and notes what was used. What was read ahead counts once the bundler wants it. */
export class LoadedModules {
  readonly names: ModuleNames;
  usesGlobals = false;
  readonly #order: BundleOrder;
  readonly #files: JudgedFiles;
  /** What has been read, or why not, by files; and what has been read by the bundler's names. */
  readonly #loaded = new Map<string, LoadedModule | ErrorRecord>();
  readonly #modules = new Map<string, LoadedModule>();
  readonly #wanted = new Set<string>();
  readonly #uses: ImportUse[] = [];
  readonly #noted = new Set<string>();
  #bytes = 0;

  constructor(order: BundleOrder, files: JudgedFiles) {
    this.#order = order;
    this.#files = files;
    this.names = new ModuleNames(order.folder, order.name);
  }

  /** Reads a module; an error where it has no content that may be used. */
  load(file: string, how: { asked: string; rule: string; isModuleType: boolean }): LoadedModule | ErrorRecord {
    const loaded = this.#load(file, how);
    this.#loaded.set(file, loaded);
    if ("path" in loaded) this.#modules.set(loaded.path, loaded);
    return loaded;
  }

  /** What has come of reading this file; undefined for nothing so far. */
  loaded(file: string): LoadedModule | ErrorRecord | undefined {
    return this.#loaded.get(file);
  }

  /** The module of this path in the bundler's names. */
  get(path: string): LoadedModule | undefined {
    return this.#modules.get(path);
  }

  /** The bundler has asked for it. */
  want(file: string): void {
    this.#wanted.add(file);
  }

  /** What was used, or denied, in the order in which it was looked at. */
  get uses(): ImportUse[] {
    return this.#uses.filter(({ file, granted }) => !granted || this.#wanted.has(file!));
  }

  /** The texts of the modules, the script's own among them, by their names. */
  get sources(): Record<string, string> {
    const { name, code } = this.#order;
    const texts = Object.create(null) as Record<string, string>;
    texts[name] = code;
    for (const { file, text } of this.#modules.values()) {
      if (this.#wanted.has(file)) texts[this.names.of(file)] = text;
    }
    return texts;
  }

  noteRefused(why: RefusedImport): void {
    if (!isDenied(why)) return;
    const asked = askedName(why.specifier, why.folder, this.#order.folder);
    if (this.#noted.has(asked)) return;
    this.#noted.add(asked);
    this.#uses.push({ asked, granted: false, rule: "no rule", ...(why.file === undefined ? {} : { file: why.file }) });
  }

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
    if (this.#uses.length > this.#order.maxUses) return refused("too many modules");
    this.#uses.push({ asked, file, granted: true, rule });
    const read = this.#files.read(file, MAX_MODULE_BYTES);
    if ("refused" in read) {
      return read.refused === "too large"
        ? refused(`it is larger than ${MAX_MODULE_BYTES} bytes`, "ERR_LIMIT_IMPORT")
        : refused("it is not a regular file that can be read");
    }
    this.#bytes += read.bytes;
    if (this.#bytes > MAX_TOTAL_BYTES) {
      return refused(`all modules together are larger than ${MAX_TOTAL_BYTES} bytes`, "ERR_LIMIT_IMPORT");
    }
    const { text } = read;
    if (looksBinary(text)) return refused(NOT_TEXT);
    const name = this.names.of(file);
    this.usesGlobals ||= isInstalled(file) && usesGlobalsOfNode(text);
    const isNode = isModuleType || (!isInstalled(file) && isPlainlyModule(text));
    return { path: isNode ? asNode(name) : name, file, text, loader };
  }
}
