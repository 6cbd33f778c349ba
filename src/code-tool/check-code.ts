import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Semaphore } from "../base/semaphore.ts";
import { withHint } from "../hints/type-hints.ts";
import { globalTypeFiles } from "../type-check/global-type-files.ts";
import { ownTypeScript, type TypeScript } from "../type-check/own-typescript.ts";
import { type Diagnostic, parseDiagnostics } from "../type-check/parse-diagnostics.ts";
import { runTypeScript } from "../type-check/run-typescript.ts";
import { SCRIPT_COMPILER_OPTIONS } from "../type-check/script-compiler-options.ts";
import type { CodeProblem } from "./code-result.ts";
import { doesMatter } from "./problems-that-matter.ts";

/** How long the compiler may take with one piece of code, in milliseconds; what takes longer runs unchecked. */
const MAX_MS = 10_000;
/** Longest code that is checked, in characters. */
const MAX_CHARS = 200_000;
const MAX_PROBLEMS = 10;
/** Most findings of the compiler that are looked at. */
const MAX_LOOKED_AT = 100;
const MAX_MESSAGE = 400;

/** Compilers of all tools that run at a time. */
const places: Semaphore = new Semaphore(2);

export interface CodeChecked {
  problems: CodeProblem[];
  /** Why nothing was checked. */
  unchecked?: string;
}

export interface CheckCodeOptions {
  /** Ambient types of what the code may use beside the globals of scripts. */
  declarations: string;
  /** The names that these declare for values: what is given to their functions has to fit. */
  names: readonly string[];
  signal: AbortSignal;
}

let found: { typescript: TypeScript | undefined } | undefined;

/** The compiler that checks code; undefined where there is none. */
export function codeCompiler(): TypeScript | undefined {
  found ??= { typescript: ownTypeScript() };
  return found.typescript;
}

/**
 * Checks a model's code against the types of what it may use, in a process of its own that is bounded in time and memory
 * and reads no file but these. Only what is certainly wrong is told: unknown names and members, and what the functions of
 * the declarations do not take. Rejects with the signal's reason.
 */
export async function checkCode(code: string, options: CheckCodeOptions): Promise<CodeChecked> {
  const typescript = codeCompiler();
  if (typescript === undefined) return { problems: [], unchecked: "there is no TypeScript" };
  if (code.length > MAX_CHARS) return { problems: [], unchecked: "the code is too long" };
  const release = await places.acquire(options.signal);
  const work = realpathSync(mkdtempSync(join(tmpdir(), "geppetto-code-")));
  try {
    const late = AbortSignal.timeout(MAX_MS);
    const facts = { typescript, work, signal: AbortSignal.any([options.signal, late]) };
    writeFileSync(join(work, "tools.d.ts"), options.declarations);
    for (const kind of kindsFor(code)) {
      const diagnostics = await compile(code, kind, facts).catch((error: unknown) => {
        if (late.aborted && !options.signal.aborted) return undefined;
        throw error;
      });
      if (diagnostics === undefined) return { problems: [], unchecked: "checking it takes too long" };
      // What cannot be read as one kind may be the other; what is neither is told when it is loaded.
      if (diagnostics.some(isOfOtherKind)) continue;
      return { problems: toProblems(code, diagnostics, options.names) };
    }
    return { problems: [] };
  } finally {
    rmSync(work, { recursive: true, force: true });
    release();
  }
}

/** A first guess saves the compiler a second round. */
function kindsFor(code: string): ("js" | "ts")[] {
  const looksTyped =
    /[\w)\]?]\s*:\s*(?:string|number|boolean|any|unknown|void|[A-Z]\w*)\b|^[ \t]*(?:interface|type)[ \t]+\w/m;
  return looksTyped.test(code) ? ["ts", "js"] : ["js", "ts"];
}

interface CompileFacts {
  typescript: TypeScript;
  work: string;
  signal: AbortSignal;
}

/** Undefined where the compiler does not come to its end. */
async function compile(
  code: string,
  kind: "js" | "ts",
  { typescript, work, signal }: CompileFacts,
): Promise<Diagnostic[] | undefined> {
  const file = `code.${kind}`;
  writeFileSync(join(work, file), code);
  const compilerOptions = {
    ...SCRIPT_COMPILER_OPTIONS,
    strict: false,
    allowUnreachableCode: true,
    allowUnusedLabels: true,
    typeRoots: [],
    // Nothing that the code names is looked for.
    noResolve: true,
  };
  const config = { compilerOptions, files: [file, "tools.d.ts", ...globalTypeFiles()], include: [] };
  writeFileSync(join(work, "tsconfig.json"), JSON.stringify(config));
  const args = ["-p", join(work, "tsconfig.json"), "--noEmit", "--pretty", "false"];
  const { text, failure } = await runTypeScript(typescript, args, { cwd: work, signal });
  if (failure !== undefined) return undefined;
  return parseDiagnostics(text, work).filter((one) => one.file === join(work, file));
}

/** JavaScript has none of TypeScript's syntax. */
function isOfOtherKind({ code }: Diagnostic): boolean {
  return /^TS(?:8\d{3}|17\d{3}|1\d{3})$/.test(code) && code !== "TS1108" && code !== "TS1375" && code !== "TS1378";
}

function toProblems(code: string, diagnostics: readonly Diagnostic[], names: readonly string[]): CodeProblem[] {
  return diagnostics
    .slice(0, MAX_LOOKED_AT)
    .filter((one) => doesMatter(one, code, names))
    .slice(0, MAX_PROBLEMS)
    .map((one) => {
      const { line = 1, column = 1, details } = one;
      const { message, hint } = withHint(one, { source: code, line, column });
      const whole = [message, ...details.slice(0, 2)].join(" ").slice(0, MAX_MESSAGE);
      return { line, column, message: whole, ...(hint === undefined ? {} : { hint }) };
    });
}
