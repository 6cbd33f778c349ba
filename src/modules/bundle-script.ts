import { hash } from "node:crypto";
import { realpathSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { areTrue } from "../permissions/file-facts.ts";
import type { Permissions } from "../permissions/permissions.ts";
import { toErrorRecord } from "../shared/errors.ts";
import type { ErrorRecord } from "../shared/frames.ts";
import type { SourcePositions } from "../shared/source-positions.ts";
import { cacheFolder, hasKept, readKept } from "./bundle-cache.ts";
import { decodeBundle, decodeKept, type BundleFacts, type BundleTexts } from "./bundle-format.ts";
import type { BundleFailure, BundleOrder, BundlePlace, ImportUse } from "./bundler-messages.ts";
import { runBundler, startBundlerAhead } from "./bundler-process.ts";
import { bundlerProgram } from "./bundler-program.ts";
import { LoadError } from "./load-error.ts";
import { needsBundling } from "./needs-bundling.ts";

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
  sources: Readonly<Record<string, string>>;
  /** Errors that imports throw while the script runs. */
  refusals: readonly ErrorRecord[];
}

const FORMAT = 2;
const HOME = dirname(createRequire(import.meta.url).resolve("#bundler-child"));
const PROGRAM = join(HOME, "serve-bundler.cjs");

/**
 * Puts a script and what it imports together into one module, or takes what was made of the same files last. TypeScript
 * becomes JavaScript; what may be imported is the permissions' to say, each time.
 *
 * @throws {LoadError} for what does not parse, is not there, or may not be imported; the signal's reason.
 */
export async function bundleScript(
  { name, code, folder: given }: ModuleScript,
  permissions: Permissions,
  signal: AbortSignal,
): Promise<Bundle> {
  const folder = realpathSync(given);
  const access = permissions.imports();
  const { rules } = access;
  const keptFolder = cacheFolder();
  const keptAs = `${keyOf({ name, code, folder })}.${cacheKey([rules, access.places])}`;
  const keepAs = keptFolder && join(keptFolder, keptAs);
  const kept = keepAs === undefined ? undefined : readKept(keepAs);
  const known = kept && decodeKept(kept);
  if (known !== undefined) {
    access.restore(known.granted);
    const isAllowed = known.uses.every(({ file, granted }) => !granted || access.ruleFor(file!) !== undefined);
    if (isAllowed && (await areTrue(known.facts, known.fileText, nextTurn))) return toBundle(name, known, permissions);
  }
  signal.throwIfAborted();
  const order: BundleOrder = {
    name,
    code,
    folder,
    rules,
    maxUses: permissions.maxUses,
    shims: join(HOME, "shims"),
    bundler: bundlerProgram(),
    keepAs,
  };
  const result = await runBundler(order, signal);
  if ("bundle" in result) return toBundle(name, decodeBundle(result.bundle), permissions);
  if ("failure" in result) throw toLoadError(name, result.failure, permissions);
  const reason = "the bundler crashed; the script may be nested too deeply, or too large";
  throw new LoadError({ name: "Error", message: `Cannot load ${name}: ${reason}` }, {});
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What a script's bundles are kept as, without what may be imported. */
function keyOf({ name, code, folder }: ModuleScript): string {
  const { size, mtimeMs } = statSync(PROGRAM);
  return cacheKey([FORMAT, process.versions.node, PROGRAM, size, mtimeMs, name, code, folder]);
}

/** The name of what is made of all this. */
function cacheKey(parts: readonly unknown[]): string {
  return hash("sha256", JSON.stringify(parts), "hex").slice(0, 40);
}

/**
 * Starts the process that puts modules together while something else is still to be done, such as the start of an
 * engine, if this script imports and was not put together before. It ends with this process.
 */
export function prestartBundler({ name, code, folder }: ModuleScript): void {
  if (!needsBundling({ name, code })) return;
  try {
    const keptFolder = cacheFolder();
    const key = keyOf({ name, code, folder: realpathSync(folder) });
    if (keptFolder === undefined || !hasKept(keptFolder, key)) startBundlerAhead();
  } catch {
    // Whatever it is, it is said where the script is loaded.
  }
}

function toBundle(name: string, bundle: BundleTexts & BundleFacts, permissions: Permissions): Bundle {
  const { code, mappings, names, sources, refusals, uses } = bundle;
  noteAll(uses, permissions, sources);
  return { code, positions: { file: `file:///${name}`, sources: names, mappings }, sources, refusals };
}

/** Notes each use; where that is refused, nothing has been used. */
function noteAll(
  uses: readonly ImportUse[],
  permissions: Permissions,
  sources: Readonly<Record<string, string>>,
): void {
  try {
    permissions.noteImports(uses);
  } catch (error) {
    throw new LoadError(toErrorRecord(error), sources);
  }
}

function toLoadError(
  script: string,
  { record, place, uses, sources }: BundleFailure,
  permissions: Permissions,
): LoadError {
  noteAll(uses, permissions, sources);
  if (place === undefined) return new LoadError(record, sources);
  const shown = ` [${place.module}:${place.line}:${columnOf(place)}]`;
  return new LoadError({ ...record, message: record.message + shown }, { ...sources, [script]: sources[script] ?? "" });
}

/** Counts characters, from 1. */
function columnOf({ lineText, column }: BundlePlace): number {
  return Buffer.from(lineText).subarray(0, column).toString().length + 1;
}
