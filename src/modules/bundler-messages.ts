import type { ErrorRecord } from "../shared/frames.ts";
import type { ImportRules } from "../permissions/import-access.ts";

/** What the bundler's process is to put together. */
export interface BundleOrder {
  /** The script's name, its text, and the real path of the folder that its imports start from. */
  name: string;
  code: string;
  folder: string;
  rules: ImportRules;
  /** Most uses of permissions that the script may make. */
  maxUses: number;
  /** Where the texts lie that stand in for modules of Node's. */
  shims: string;
  /** The bundler's program. */
  bundler: string;
  /** Where to keep the bundle, for the next run; undefined for nowhere. */
  keepAs: string | undefined;
}

/** One use of the permission to import. */
export interface ImportUse {
  /** How errors and notes name the module. */
  asked: string;
  /** Where it lies, or would lie; undefined for a package that is nowhere. */
  file?: string;
  granted: boolean;
  rule: string;
}

/** Why there is no bundle. */
export interface BundleFailure {
  record: ErrorRecord;
  place: BundlePlace | undefined;
  uses: ImportUse[];
  /** The texts of the modules that were read, by their names. */
  sources: Record<string, string>;
}

export interface BundlePlace {
  /** The module's name. */
  module: string;
  /** From 1. */
  line: number;
  /** From 0, in bytes. */
  column: number;
  lineText: string;
}

/** The bundler's last word; a bundle in the format of its file. */
export type BundleResult = { bundle: Uint8Array } | { failure: BundleFailure } | { isDead: true };
