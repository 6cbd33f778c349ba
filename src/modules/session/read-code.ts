import type { SourcePositions } from "../../shared/source-positions.ts";
import { editCode } from "./code-edits.ts";
import { CodeError, parseCode, type ParsedCode, type ParseFailure } from "./parse-code.ts";
import { IMPORT, rewriteCode, type Rewritten } from "./rewrite-code.ts";
import type { BrokenCode, ReadCode, Reading } from "./session-messages.ts";
import { type StrippedCode, stripTypes } from "./strip-types.ts";

/** Reads a session's code, JavaScript or TypeScript, and makes it into what the guest can evaluate. */
export async function readCode(name: string, given: string): Promise<Reading> {
  const [code, parsed] = parseMeant(given);
  if ("program" in parsed) return toReading(name, code, parsed, []);
  const failed = toBroken(code, parsed);
  if (failed.isIncomplete) return { broken: failed };
  const stripped = await stripBody(name, code);
  if (!("code" in stripped)) return { broken: theFurther(failed, stripped) };
  const again = parseCode(stripped.code);
  if (!("program" in again)) return { broken: failed };
  const file = `file:///${name}`;
  return toReading(name, stripped.code, again, [{ file, sources: [file], mappings: stripped.mappings }]);
}

/** What is in curly brackets as a whole is an object where it can be one, as on a console; else a block. */
function parseMeant(code: string): [code: string, parsed: ParsedCode | ParseFailure] {
  if (/^\s*\{/.test(code) && !/;\s*$/.test(code)) {
    const bracketed = `(${code}\n)`;
    const parsed = parseCode(bracketed);
    if ("program" in parsed && parsed.program.body.length === 1) return [bracketed, parsed];
  }
  return [code, parseCode(code)];
}

function toReading(name: string, code: string, { program, tokens }: ParsedCode, from: SourcePositions[]): Reading {
  let rewritten: Rewritten;
  try {
    rewritten = rewriteCode(code, program);
  } catch (error) {
    if (!(error instanceof CodeError)) throw error;
    const { message, offset } = error;
    return { broken: { ...toBroken(code, { message, offset, isIncomplete: false }), isTyped: true } };
  }
  const { isAsync, names, edits, pieces, imports } = rewritten;
  const isSame = edits.length === 0 && !isAsync;
  const edited = isSame ? { code, mappings: "" } : editCode(code, pieces, edits, tokens);
  const file = `file:///${name}`;
  const own: SourcePositions[] = isSame ? [] : [{ file, sources: [file], mappings: edited.mappings }];
  const read: ReadCode = {
    plan: { file, code: edited.code, isAsync, names, positions: [...own, ...from] },
  };
  const { declarations, asked } = imports;
  const usesImport = edits.some(({ text }) => text.startsWith(IMPORT));
  if (declarations.length > 0 || asked.length > 0 || usesImport) read.imports = importingModule(code, imports);
  return { read };
}

/** The declarations where they stand in the code, so that errors name the right place; then what tells the guest. */
function importingModule(code: string, { declarations, asked }: Rewritten["imports"]): string {
  let text = "";
  let from = 0;
  for (const { start, end } of declarations) {
    text += blank(code.slice(from, start)) + code.slice(start, end);
    from = end;
  }
  const names = declarations.flatMap((declaration) => declaration.names);
  const bindings = names.map((name) => `get ${name}(){return ${name}}`);
  const modules = asked.map((specifier) => `${JSON.stringify(specifier)}:()=>import(${JSON.stringify(specifier)})`);
  return `${text};geppettoModules({__proto__:null,${bindings.join()}},{__proto__:null,${modules.join()}});`;
}

/** Where TypeScript returns at its top level, the compiler takes it only as the body of a function. */
async function stripBody(name: string, code: string): Promise<StrippedCode | BrokenCode> {
  const stripped = await stripTypes(name, code);
  if ("code" in stripped || !/\breturn\b/.test(code)) return stripped;
  const body = await stripTypes(name, `await (async () => {${code}\n})()`);
  return "code" in body && isOneBody(body.code) ? body : stripped;
}

/** Is it still one call of one function: has the code not closed what was put around it? */
function isOneBody(code: string): boolean {
  const parsed = parseCode(code);
  if (!("program" in parsed) || parsed.program.body.length !== 1) return false;
  const [statement] = parsed.program.body;
  if (statement?.type !== "ExpressionStatement" || statement.expression.type !== "AwaitExpression") return false;
  const { argument } = statement.expression;
  return (
    argument.type === "CallExpression" &&
    argument.arguments.length === 0 &&
    argument.callee.type === "ArrowFunctionExpression"
  );
}

function blank(text: string): string {
  return text.replaceAll(/[^\n\r\u2028\u2029]/g, " ");
}

function toBroken(code: string, { message, offset, isIncomplete }: ParseFailure): BrokenCode {
  const lines = code.slice(0, offset).split(/\r\n|[\n\r\u2028\u2029]/);
  return { message, line: lines.length, column: lines.at(-1)!.length + 1, isTyped: false, isIncomplete };
}

/** What reads further as TypeScript is meant to be that. */
function theFurther(plain: BrokenCode, typed: BrokenCode): BrokenCode {
  const isFurther = typed.line > plain.line || (typed.line === plain.line && typed.column > plain.column);
  return isFurther || typed.isIncomplete ? typed : { ...plain, isIncomplete: false };
}
