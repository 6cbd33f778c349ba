import { resolve } from "node:path";
import type { PermissionOptions } from "../../index.ts";

/** A script that is checked. */
export interface CheckedScript {
  /** Where it lies; undefined for one on stdin. */
  file: string | undefined;
  /** What the guest calls it, and the user. */
  name: string;
  label: string;
  source: string;
  /** Where its imports and paths start from. */
  folder: string;
  permissions: PermissionOptions;
  untrusted: boolean;
}

/** Where a module of a script lies, by the name that the script knows it by. */
export function moduleFile({ name, file, folder }: CheckedScript, module: string): string {
  return module === name && file !== undefined ? file : resolve(folder, module);
}
