import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, sep } from "node:path";
import { withHint } from "../../error-texts.ts";
import { type Diagnostic, parseDiagnostics, readRegularFile, runTypeScript, type TypeScript } from "../../files.ts";
import { shortPath } from "../output/short-path.ts";
import { moduleFile, type CheckedScript } from "./checked-script.ts";
import { findTypeScript } from "./find-typescript.ts";
import type { Problem } from "./problem.ts";
import { findTypeConfig, plainConfig, readShownConfig } from "./type-project.ts";

const MAX_SOURCE_BYTES = 16_000_000;

/** How types were checked. */
export interface TypeCheck {
  /** The compiler's version. */
  typescript?: string;
  /** The project's settings that counted, if any did. */
  config?: string;
  /** Why nothing was checked. */
  reason?: string;
  problems: Problem[];
}

/** The modules of each script that loads, by the names that it knows them by. */
export type LoadedScripts = Map<CheckedScript, Readonly<Record<string, string>>>;

export interface TypeCheckOptions {
  /** What does not load is not told of here. */
  loading: Promise<LoadedScripts>;
  signal: AbortSignal;
  note(text: string): void;
}

/** Checks the types of scripts that lie in one folder and are as much trusted as each other. */
export async function checkTypes(
  scripts: readonly CheckedScript[],
  { loading, signal, note }: TypeCheckOptions,
): Promise<TypeCheck> {
  const { folder, untrusted } = scripts[0]!;
  const typescript = findTypeScript(folder, { isForeign: untrusted, note });
  if (typescript === undefined)
    return { reason: "there is no TypeScript; npm install --save-dev typescript", problems: [] };
  const { version } = typescript;
  const work = realpathSync(mkdtempSync(join(tmpdir(), "geppetto-check-")));
  try {
    const files = placeScripts(scripts, work);
    const facts = { typescript, files, untrusted, work, signal };
    let project = untrusted ? undefined : await findProject(realpathSync(folder), facts);
    let compiled = await compile([...files.values()], { ...facts, project });
    const loaded = await loading;
    const known = knownFiles(loaded, files);
    // Where something cannot be read the compiler looks at no types. What is not asked about may stay as it is.
    if (loaded.size > 0 && compiled.diagnostics.some((one) => isSyntax(one) && !isKnown(one, known))) {
      const own = [...loaded.keys()].map((script) => files.get(script)!);
      project = project && withoutWhole(project, compiled.diagnostics);
      compiled = await compile(own, { ...facts, project });
    }
    const { failure, diagnostics } = compiled;
    if (failure !== undefined) return failed(version, failure, scripts);
    const root = realpathSync(folder);
    const unloaded = new Set(scripts.filter((script) => !loaded.has(script)).map((script) => files.get(script)!));
    const isTold = (one: Diagnostic): boolean => isKnown(one, known) || isOfProject(one, root, project);
    const told = diagnostics.filter((one) => isTold(one) && !unloaded.has(realPath(one.file ?? "")));
    return {
      typescript: version,
      ...(project?.isWhole === true ? { config: shortPath(project.config) } : {}),
      problems: withoutRepeats([...told, ...(project?.broken ?? [])].map((one) => toProblem(one, known, project))),
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Where the compiler finds the scripts. What lies nowhere, or may lead nowhere, is laid into a folder of its own. */
function placeScripts(scripts: readonly CheckedScript[], work: string): Map<CheckedScript, string> {
  const files = new Map<CheckedScript, string>();
  for (const [index, script] of scripts.entries()) {
    const { file, name, source, untrusted } = script;
    if (file !== undefined && !untrusted) {
      files.set(script, realpathSync(file));
      continue;
    }
    // Two of one name do not meet.
    const copy = join(work, `${index}-${basename(name)}`);
    writeFileSync(copy, source);
    files.set(script, copy);
  }
  return files;
}

interface CompileFacts {
  typescript: TypeScript;
  files: ReadonlyMap<CheckedScript, string>;
  untrusted: boolean;
  work: string;
  signal: AbortSignal;
}

/** The settings of a project, as far as they matter here. */
interface Project {
  config: string;
  /** May the compiler look at all of it, as it is? */
  isWhole: boolean;
  /** What it declares for scripts, where it does. */
  declarations: readonly string[];
  /** What is wrong with its settings. */
  broken: readonly Diagnostic[];
}

/** The project that the scripts belong to; undefined for none. */
async function findProject(
  folder: string,
  { typescript, files, work, signal }: CompileFacts,
): Promise<Project | undefined> {
  const config = findTypeConfig(folder);
  if (config === undefined) return undefined;
  const { text } = await runTypeScript(typescript, ["--showConfig", "-p", config], { cwd: work, signal });
  const shown = readShownConfig(config, text);
  if (shown === undefined) {
    // Its settings cannot be read: that is said, and the scripts are checked without them.
    const broken = parseDiagnostics(text, work).filter(({ code }) => code !== "TS18003");
    return { config, isWhole: false, declarations: [], broken: broken.filter((one) => isOfConfig(one, config)) };
  }
  const isWhole = shown.hasGlobals && [...files.values()].every((file) => shown.files.includes(file));
  return { config, isWhole, declarations: shown.declarations, broken: [] };
}

/** The project, of which not all can be looked at; what its settings are told of stays told. */
function withoutWhole(project: Project, found: readonly Diagnostic[]): Project {
  const { config, broken } = project;
  return { ...project, isWhole: false, broken: [...broken, ...found.filter((one) => isOfConfig(one, config))] };
}

interface Compiled {
  diagnostics: Diagnostic[];
  failure?: string;
}

async function compile(
  own: readonly string[],
  { typescript, untrusted, work, signal, project }: CompileFacts & { project: Project | undefined },
): Promise<Compiled> {
  let config = project?.config;
  if (config === undefined || project?.isWhole !== true) {
    config = join(work, "tsconfig.json");
    writeFileSync(config, plainConfig(own, { isClosed: untrusted, declarations: project?.declarations ?? [] }));
  }
  const args = ["-p", config, "--noEmit", "--pretty", "false", "--incremental", "false", "--composite", "false"];
  const { text, ...rest } = await runTypeScript(typescript, args, { cwd: work, signal });
  return { diagnostics: parseDiagnostics(text, work), ...rest };
}

/** Is it about how something is written, so that the compiler went no further? */
function isSyntax({ code }: Diagnostic): boolean {
  return /^TS(?:1\d{3}|8\d{3}|17\d{3}|18\d{3})$/.test(code);
}

function isKnown({ file }: Diagnostic, known: KnownFiles): boolean {
  return file !== undefined && known.has(realPath(file));
}

/** Does it belong to what the scripts stand on, beside the modules that they are put together from? */
function isOfProject(one: Diagnostic, folder: string, project: Project | undefined): boolean {
  const { file } = one;
  if (file === undefined) return true;
  if (project !== undefined && isOfConfig(one, project.config)) return true;
  // All that it looks at then is there for the scripts; of a whole project there is more.
  if (project?.isWhole === true && !isSyntax(one)) return false;
  const isOurs = !file.includes(`${sep}node_modules${sep}`);
  return (
    isOurs && [folder, ...(project === undefined ? [] : [dirname(project.config)])].some((root) => isIn(file, root))
  );
}

function isOfConfig({ file }: Diagnostic, config: string): boolean {
  return file === undefined || (file.endsWith(".json") && isIn(file, dirname(config)));
}

function isIn(file: string, folder: string): boolean {
  return realPath(file).startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

type KnownFiles = ReadonlyMap<string, { label: string; source: string }>;

/** The files that belong to the scripts, by their real paths: as they are shown, and their texts. */
function knownFiles(loaded: LoadedScripts, files: ReadonlyMap<CheckedScript, string>): KnownFiles {
  const known = new Map<string, { label: string; source: string }>();
  for (const [script, sources] of loaded) {
    for (const [name, source] of Object.entries(sources)) {
      if (name.startsWith("node_modules/") || name.includes("/node_modules/")) continue;
      const file = moduleFile(script, name);
      known.set(realPath(file), { label: shortPath(file), source });
    }
    known.set(files.get(script)!, script);
  }
  return known;
}

function toProblem(
  { file, line, column, severity, code, message, details }: Diagnostic,
  known: KnownFiles,
  project: Project | undefined,
): Problem {
  const script = file === undefined ? undefined : known.get(realPath(file));
  const shown = script?.label ?? shortPath(file ?? project?.config ?? ".");
  const common = { kind: "types", severity, code, file: shown } as const;
  if (file === undefined || line === undefined || column === undefined)
    return { ...common, message: [message, ...details].join("\n") };
  const source = script?.source ?? readSource(file);
  const told = withHint({ message, code }, source === undefined ? undefined : { source, line, column });
  return {
    ...common,
    line,
    column,
    ...told,
    message: [told.message, ...details].join("\n"),
    ...(source === undefined ? {} : { source }),
  };
}

function failed(version: string, failure: string, scripts: readonly CheckedScript[]): TypeCheck {
  const message = `Cannot check the types with TypeScript ${version}: ${failure}`;
  const problems = scripts.map(({ label }): Problem => ({ kind: "types", severity: "error", file: label, message }));
  return { typescript: version, problems };
}

function withoutRepeats(problems: readonly Problem[]): Problem[] {
  const keyOf = ({ file, line, column, code, message }: Problem): string =>
    [file, line, column, code, message].join("\0");
  return [...new Map(problems.map((problem) => [keyOf(problem), problem])).values()];
}

function readSource(file: string): string | undefined {
  try {
    return readRegularFile(file, { maxBytes: MAX_SOURCE_BYTES });
  } catch {
    return undefined;
  }
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
