import { basename, dirname, resolve } from "node:path";
import { UNTRUSTED_LIMITS } from "../../config.ts";
import { looksBinary, NOT_TEXT, readRegularFile, reasonOf } from "../../files.ts";
import { prestartBundler, RuntimeEngine, type PermissionUse } from "../../index.ts";
import { checkLoading, type Loading } from "../check/check-loading.ts";
import { checkTypes, type LoadedScripts, type TypeCheck } from "../check/check-types.ts";
import { checkUses } from "../check/check-uses.ts";
import type { CheckedScript } from "../check/checked-script.ts";
import { checkDocument, printProblems } from "../check/print-problems.ts";
import { exitCodeFor, type Problem } from "../check/problem.ts";
import { loadSettings } from "../options/load-settings.ts";
import type { ScriptOptions } from "../options/script-options.ts";
import { UsageError } from "../options/usage-error.ts";
import { EXIT } from "../output/exit-codes.ts";
import { printLines, printNotes } from "../output/print-table.ts";
import { shortPath } from "../output/short-path.ts";
import { toJson } from "../output/to-json.ts";
import { Interrupts } from "../session/interrupts.ts";
import { readStdin } from "../session/read-stdin.ts";

export interface CheckOptions extends Partial<ScriptOptions> {
  json?: true;
}

/** Largest script. */
const MAX_BYTES = 16_000_000;

/** How long a script may take to load, in milliseconds: nobody waits longer for an answer. */
const MAX_LOAD_MS = 60_000;

/** `geppetto-js check <script…>`: parse, bundle, permissions, types. Nothing of the scripts runs. */
export async function checkCommand(given: readonly string[], options: CheckOptions): Promise<void> {
  const startedAt = performance.now();
  const abort = new AbortController();
  const interrupts = new Interrupts({ cancel: () => 0, end: () => abort.abort() });
  const note = once((text) => printNotes([text]));
  try {
    const problems: Problem[] = [];
    const scripts: CheckedScript[] = [];
    for (const script of new Set(given)) {
      const read = await readScript(script, options, note);
      if ("source" in read) scripts.push(read);
      else problems.push(...read.problems);
    }
    const types = await checkAll(scripts, problems, { signal: abort.signal, note });
    abort.signal.throwIfAborted();
    const exitCode = exitCodeFor(problems);
    if (options.json) {
      const durationMs = Math.round(performance.now() - startedAt);
      printLines([toJson(checkDocument(problems, { scripts: [...new Set(given)], types, exitCode, durationMs }))]);
    } else printProblems(problems, { scripts: given.length, types });
    process.exitCode = exitCode;
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    process.exitCode = interrupts.exitCode ?? EXIT.interrupted;
  } finally {
    interrupts.close();
  }
}

interface CheckFacts {
  signal: AbortSignal;
  note: (text: string) => void;
}

/** Puts what is found into `problems`, folder by folder. */
async function checkAll(
  scripts: readonly CheckedScript[],
  problems: Problem[],
  { signal, note }: CheckFacts,
): Promise<TypeCheck[]> {
  const types: TypeCheck[] = [];
  for (const group of Map.groupBy(scripts, ({ folder }) => folder).values()) {
    const found: Problem[] = [];
    const loading = loadAll(group, found, signal);
    // Both have processes of their own.
    const [loaded, checked] = await Promise.all([loading, checkTypes(group, { loading, signal, note })]);
    problems.push(...inOrder([...found, ...checked.problems]));
    if (loaded.size > 0) types.push(checked);
  }
  return types;
}

/** File by file, as they were found first, and in each from its beginning. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const byPlace = (one: Problem, other: Problem): number =>
    (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0);
  return [...Map.groupBy(problems, ({ file }) => file).values()].flatMap((group) => group.toSorted(byPlace));
}

/** The modules of the scripts that load, by the names that these know them by. */
async function loadAll(
  scripts: readonly CheckedScript[],
  problems: Problem[],
  signal: AbortSignal,
): Promise<LoadedScripts> {
  const loaded: LoadedScripts = new Map();
  for (const script of scripts) {
    const { problems: found, isLoaded, sources } = await load(script, signal);
    problems.push(...found);
    if (!isLoaded) continue;
    problems.push(...(await checkUses(script)));
    loaded.set(script, sources);
  }
  return loaded;
}

async function load(script: CheckedScript, signal: AbortSignal): Promise<Loading> {
  const { name, source: code, folder, untrusted, permissions } = script;
  const uses: PermissionUse[] = [];
  if (!untrusted) prestartBundler({ name, code, folder });
  await using engine = new RuntimeEngine({
    hardening: untrusted ? "strict" : "standard",
    limits: untrusted ? UNTRUSTED_LIMITS : { wallMs: MAX_LOAD_MS },
    permissions,
    onPermission: (use) => uses.push(use),
  });
  await engine.start();
  return await checkLoading(engine, script, uses, signal);
}

async function readScript(
  script: string,
  options: CheckOptions,
  note: (text: string) => void,
): Promise<CheckedScript | { problems: Problem[] }> {
  const label = script === "-" ? "stdin" : shortPath(script);
  let source: string;
  try {
    source = (await readSource(script)).replace(/^\uFEFF/, "");
  } catch (error) {
    const message = `Cannot check ${label}: ${reasonOf(error)}`;
    return { problems: [{ kind: "file", severity: "error", file: label, code: "ERR_NO_FILE", message }] };
  }
  if (looksBinary(source)) {
    const message = `Cannot check ${label}: ${NOT_TEXT}`;
    return { problems: [{ kind: "load", severity: "error", file: label, code: "ERR_SCRIPT_LOAD", message }] };
  }
  const name = script === "-" ? "script.js" : basename(script);
  const folder = script === "-" ? process.cwd() : dirname(resolve(script));
  const { json: _, ...flags } = options;
  const untrusted = options.untrusted === true;
  try {
    const { settings, warnings } = await loadSettings(flags, { source, name, folder });
    for (const warning of warnings) note(warning);
    const permissions = untrusted ? { import: [] } : settings.permissions;
    return { file: script === "-" ? undefined : resolve(script), name, label, source, folder, permissions, untrusted };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { problems: [optionsProblem(error, { label, name, source })] };
  }
}

/** What is wrong with settings or with the script's own options; the message names the place, where there is one. */
function optionsProblem(
  { message, code, exitCode }: UsageError,
  { label, name, source }: { label: string; name: string; source: string },
): Problem {
  const [, file, line, column] = /(?:^|[\s"])([^\s":]+):(\d+):(\d+)/.exec(message) ?? [];
  const isOwn = file !== undefined && basename(file) === name;
  return {
    kind: exitCode === EXIT.load ? "load" : "options",
    severity: "error",
    file: isOwn || file === undefined ? label : file,
    ...(line === undefined ? {} : { line: Number(line), column: Number(column) }),
    ...(code === undefined ? {} : { code }),
    message,
    ...(isOwn ? { source } : {}),
  };
}

async function readSource(script: string): Promise<string> {
  if (script === "-") return readStdin("the script", MAX_BYTES);
  const source = readRegularFile(script, { maxBytes: MAX_BYTES });
  if (source === undefined) throw new Error("there is no such file");
  return source;
}

function once(say: (text: string) => void): (text: string) => void {
  const said = new Set<string>();
  return (text) => {
    if (said.has(text)) return;
    said.add(text);
    say(text);
  };
}
