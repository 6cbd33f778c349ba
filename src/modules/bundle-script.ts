import { realpath } from "node:fs/promises";
import type { Permissions } from "../permissions/permissions.ts";
import type { ErrorRecord } from "../shared/frames.ts";
import { MAX_FRAME_CHARS } from "../shared/frames.ts";
import type { SourcePositions } from "../shared/source-positions.ts";
import { MODULE, type BundlePlace, type BundleResult } from "./bundler-messages.ts";
import { runBundler } from "./bundler-process.ts";
import { LoadError } from "./load-error.ts";
import { ModuleNames } from "./module-names.ts";
import { loaderFor, ModuleReader } from "./module-reader.ts";

export interface ModuleScript {
  code: string;
  /** As the guest knows it. */
  name: string;
  folder: string;
}

export interface Bundle {
  code: string;
  positions: SourcePositions;
  /** The texts of the modules, the script's own among them, by their names. */
  sources: Record<string, string>;
}

/** Most characters of the whole, and of its mappings, which go to the guest in one frame with the modules' names. */
const MAX_CHARS = MAX_FRAME_CHARS / 2;

/**
 * Puts a script and what it imports together into one module. TypeScript becomes JavaScript; what may be imported is the
 * permissions' to say.
 *
 * @throws {LoadError} for what does not parse, is not there, or may not be imported; the signal's reason.
 */
export async function bundleScript(
  { name, code, folder: given }: ModuleScript,
  permissions: Permissions,
  signal: AbortSignal,
): Promise<Bundle> {
  const folder = await realpath(given);
  const names = new ModuleNames(folder, name);
  const sources: Record<string, string> = Object.create(null) as Record<string, string>;
  sources[name] = code;
  const reader = new ModuleReader({ permissions, access: permissions.imports(), names, folder, sources });
  const order = { name, code, loader: loaderFor(name) ?? "js", folder, maxChars: MAX_CHARS };
  const result = await runBundler(order, (question) => reader.answer(question), signal);
  if (!("code" in result)) throw new LoadError(toRecord(name, result), sources);
  const parsed = JSON.parse(result.map) as { sources: string[]; mappings: string };
  const positions = {
    file: `file:///${name}`,
    sources: parsed.sources.map((path) => `file:///${nameOf(path, name)}`),
    mappings: parsed.mappings,
  };
  return { code: result.code, positions, sources };
}

function toRecord(script: string, result: Exclude<BundleResult, { code: string }>): ErrorRecord {
  if ("isDead" in result) {
    const reason = "the bundler crashed; the script may be nested too deeply, or too large";
    return { name: "Error", message: `Cannot load ${script}: ${reason}` };
  }
  if ("isTooLarge" in result) {
    const message = `Cannot load ${script}: with what it imports it is larger than ${MAX_CHARS} characters`;
    return { name: "LimitError", message, code: "ERR_LIMIT_IMPORT" };
  }
  const { record, place } = result.failure;
  if (place === undefined) return record;
  const shown = ` [file:///${nameOf(place.module, script)}:${place.line}:${columnOf(place)}]`;
  return { ...record, message: record.message + shown };
}

/** The guest's name for the module that the bundler speaks of. */
function nameOf(path: string, script: string): string {
  return path.startsWith(`${MODULE}:`) ? path.slice(MODULE.length + 1) : script;
}

/** Counts characters, from 1. */
function columnOf({ lineText, column }: BundlePlace): number {
  return Buffer.from(lineText).subarray(0, column).toString().length + 1;
}
