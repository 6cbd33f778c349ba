import type { ScriptOutcome } from "../../index.ts";
import { lastExpression } from "../../files.ts";
import { loadSettings } from "../options/load-settings.ts";
import { noInspector } from "../options/no-inspector.ts";
import type { ScriptOptions } from "../options/script-options.ts";
import { ScriptSession } from "../session/script-session.ts";
import type { Candidate, SessionScript } from "../session/session-script.ts";

/** A `.cjs` name makes a classic script, whose value is that of its last statement. */
const NAME = "eval.cjs";
/** Code that imports is a module, whose value is its default export. */
const MODULE_NAME = "eval.mjs";
const IMPORTS = /\bimport\s*[\w$*{"'(]/;

/** Without these words code is an expression or a script, whose value V8 tells. */
const NEEDS_BODY = /\b(?:await|return)\b/;

/** In longer code nothing is looked for: it is this process that reads it, and not one under the limits of scripts. */
const MAX_PARSED_CHARS = 16_384;

/** Puts words before the last statement, where that is an expression. Undefined where none is. */
async function withLast(code: string, words: string): Promise<Candidate | undefined> {
  if (code.length > MAX_PARSED_CHARS) return undefined;
  const last = await lastExpression(code);
  if (last === undefined) return undefined;
  const before = code.slice(0, last.start);
  const value = code.slice(last.start, last.end).replace(/;$/, "");
  const lastLine = before.split("\n").length;
  const lastColumn = before.length - before.lastIndexOf("\n");
  return {
    name: NAME,
    code: `${before}${words}(${value}\n);${code.slice(last.end)}`,
    toSourceColumn: (line, column) => (line === lastLine && column >= lastColumn ? column - words.length - 1 : column),
  };
}

/**
 * Ways to read the code, the first that parses counts: an expression, statements, statements that await and end in an
 * expression, statements that await.
 */
async function readings(code: string): Promise<Candidate[]> {
  const ended = NEEDS_BODY.test(code) ? await withLast(code, "return ") : undefined;
  return [
    { name: NAME, code: `(async () => (\n${code}\n))()`, lineOffset: 1 },
    { name: NAME, code },
    ...(ended === undefined ? [] : [{ ...ended, code: `(async () => {\n${ended.code}\n})()`, lineOffset: 1 }]),
    { name: NAME, code: `(async () => {\n${code}\n})()`, lineOffset: 1 },
  ];
}

/** The same for code that imports: an expression, statements that end in one, statements. */
async function moduleReadings(code: string): Promise<Candidate[]> {
  const ended = await withLast(code, "export default await ");
  return [
    { name: MODULE_NAME, code: `export default await (\n${code}\n)`, lineOffset: 1 },
    ...(ended === undefined ? [] : [{ ...ended, name: MODULE_NAME }]),
    { name: MODULE_NAME, code },
  ];
}

/** What is wrong with code that parses in no way: what V8 says of it as it stands, unless all it objects to is await. */
function plainFailure(outcomes: readonly ScriptOutcome[]): ScriptOutcome {
  const plain = outcomes[1]!;
  return /\bawait\b/.test(plain.error?.message ?? "") ? outcomes.at(-1)! : plain;
}

/** A line of code as a script. */
export async function evalScript(code: string): Promise<SessionScript> {
  return {
    command: "eval",
    ...(IMPORTS.test(code)
      ? { candidates: await moduleReadings(code) }
      : { candidates: await readings(code), loadFailure: plainFailure }),
    source: code,
    label: "eval",
    args: [],
  };
}

/** `geppetto-js eval <code>`: runs the code and prints its value. */
export async function evalCommand(code: string, options: ScriptOptions): Promise<void> {
  if (options.inspect !== undefined) throw noInspector("the code");
  await new ScriptSession(options, await loadSettings(options)).run(await evalScript(code));
}
