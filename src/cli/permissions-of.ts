import type { Settings } from "../config.ts";
import type { PermissionOptions } from "../index.ts";
import type { ScriptOptions } from "./script-options.ts";

/** What is allowed, by flags or in a profile: the shape of a profile's `permissions`. */
export type Allowances = Settings["permissions"];

export interface ScriptSurroundings {
  /** The folder that the script lies in; undefined where it comes from no file. */
  folder: string | undefined;
  untrusted: boolean | undefined;
}

/** What the options `--allow-…` say. */
export function toAllowances({ allowRead, allowNet, allowEnv, allowImport }: ScriptOptions): Allowances {
  return {
    ...(allowRead === undefined ? {} : { read: allowRead }),
    ...(allowNet === undefined ? {} : { net: allowNet }),
    ...(allowEnv === undefined ? {} : { env: allowEnv }),
    ...(allowImport === undefined ? {} : { import: allowImport }),
  };
}

/**
 * What a script on the command line may use: what is allowed, and files and modules below its own folder unless all are
 * denied (`read: []`). With `--untrusted` nothing, whatever is allowed elsewhere.
 */
export function permissionsOf(allowed: Allowances, { folder, untrusted }: ScriptSurroundings): PermissionOptions {
  if (untrusted) return { import: [] };
  const { read, net = [], env = [], import: modules } = allowed;
  const own = folder === undefined ? [] : [folder];
  const withOwn = (given: readonly string[] | true | undefined): readonly string[] | true =>
    given === true || (given?.length === 0 ? [] : [...own, ...(given ?? [])]);
  return { read: withOwn(read), net, env, import: withOwn(modules) };
}
