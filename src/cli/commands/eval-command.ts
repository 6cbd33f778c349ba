import type { ScriptOutcome } from "../../index.ts";
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

/** `code` without a semicolon at its end, in two: the last statement and what stands before it. */
function splitLast(code: string): [before: string, last: string] {
  const body = code.replace(/[\s;]+$/, "");
  const at = Math.max(body.lastIndexOf(";"), body.lastIndexOf("\n"));
  return [body.slice(0, at + 1), body.slice(at + 1)];
}

/** Puts words before the last statement, on one line with what stands before: where that is a comment, it does not parse. */
function withLast(code: string, words: string): Required<Pick<Candidate, "code" | "toSourceColumn">> {
  const [before, last] = splitLast(code);
  const lastLine = before.split("\n").length;
  const lastColumn = before.length - before.lastIndexOf("\n");
  return {
    code: `${before}${words}${last}\n)`,
    toSourceColumn: (line, column) => (line === lastLine && column >= lastColumn ? column - words.length : column),
  };
}

/**
 * Ways to read the code, the first that parses counts: an expression, statements, statements that await and end in an
 * expression, statements that await.
 */
function readings(code: string): Candidate[] {
  const ended = withLast(code, ";return (");
  return [
    { name: NAME, code: `(async () => (\n${code}\n))()`, lineOffset: 1 },
    { name: NAME, code },
    { ...ended, name: NAME, code: `(async () => {\n${ended.code}})()`, lineOffset: 1 },
    { name: NAME, code: `(async () => {\n${code}\n})()`, lineOffset: 1 },
  ];
}

/** The same for code that imports: an expression, statements that end in one, statements. */
function moduleReadings(code: string): Candidate[] {
  return [
    { name: MODULE_NAME, code: `export default await (\n${code}\n)`, lineOffset: 1 },
    { ...withLast(code, ";export default await ("), name: MODULE_NAME },
    { name: MODULE_NAME, code },
  ];
}

/** What is wrong with code that parses in no way: what V8 says of it as it stands, unless all it objects to is await. */
function plainFailure(outcomes: readonly ScriptOutcome[]): ScriptOutcome {
  const plain = outcomes[1]!;
  return /\bawait\b/.test(plain.error?.message ?? "") ? outcomes.at(-1)! : plain;
}

/** A line of code as a script. */
export function evalScript(code: string): SessionScript {
  return {
    command: "eval",
    ...(IMPORTS.test(code)
      ? { candidates: moduleReadings(code) }
      : { candidates: readings(code), loadFailure: plainFailure }),
    source: code,
    label: "eval",
    args: [],
  };
}

/** `geppetto-js eval <code>`: runs the code and prints its value. */
export async function evalCommand(code: string, options: ScriptOptions): Promise<void> {
  if (options.inspect !== undefined) throw noInspector("the code");
  await new ScriptSession(options, await loadSettings(options)).run(evalScript(code));
}
