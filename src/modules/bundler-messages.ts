import type { Loader } from "esbuild";
import type { ErrorRecord } from "../shared/frames.ts";

/** What the bundler's process is to put together. */
export interface BundleOrder {
  /** The script's name, its text, and the folder that its imports start from. */
  name: string;
  code: string;
  loader: Loader;
  folder: string;
  /** Most characters of the whole, and of its mappings. */
  maxChars: number;
}

/** What an import has led the bundler to. */
export interface Wanted {
  specifier: string;
  /** The folder that it starts from, and the file of the module that it stands in; none for the script itself. */
  folder: string;
  importer: string | undefined;
  /** Undefined where nothing was found. */
  file: string | undefined;
}

/** A module before it is read. */
export interface FoundModule {
  /** The guest's name for it, and the bundler's: the text of the whole holds it. */
  name: string;
  /** How errors and notes name it. */
  asked: string;
  /** Where it lies, or would lie; undefined for a package that is nowhere. */
  file: string | undefined;
}

/** A module's text, or why there is none. */
export type ReadModule = { contents: string; loader: Loader } | { refused: ErrorRecord };

/** Why there is no bundle. */
export interface BundleFailure {
  record: ErrorRecord;
  place: BundlePlace | undefined;
}

export interface BundlePlace {
  /** The bundler's name for it. */
  module: string;
  /** From 1. */
  line: number;
  /** From 0, in bytes. */
  column: number;
  lineText: string;
}

export type BundleResult =
  { code: string; map: string } | { failure: BundleFailure } | { isTooLarge: true } | { isDead: true };

export type BundlerQuestion = { find: Wanted } | { read: FoundModule };

/** Questions of the bundler's process with their ids, and its last word. */
export type BundlerMessage = ({ id: number } & BundlerQuestion) | { result: BundleResult };

/** What it is told: first the order, then answers. */
export type BundlerReply = { order: BundleOrder } | { id: number; answer: unknown };

/** Where modules lie in the eyes of the bundler: it never reads one itself. */
export const SCRIPT = "script";
export const MODULE = "module";

/** Why `import("./" + name)` is refused: it says nothing of what is there. */
export const PATTERN_TEXT = "Cannot import by a pattern: a module's name must be a string";
