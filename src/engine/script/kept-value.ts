import { createRequire } from "node:module";
import type { Statement, ModuleDeclaration } from "acorn";

/** The global that holds the value while the code runs. */
const NAME = "geppettoLastValue";
/** What has no value of its own: the value of a program is that of what stands before. */
const DECLARATIONS = new Set(["VariableDeclaration", "FunctionDeclaration", "ClassDeclaration", "EmptyStatement"]);

/** Code that puts its value into a global as the last thing that it does, and is the same otherwise. */
export interface KeptValue {
  code: string;
  keeps: string;
}

/**
 * A realm of isolated-vm that meets a rejection which nobody handles in the turn of the code throws it in place of the
 * code's value. Code whose last statement is an expression, or that only declares, can keep its value itself. Undefined
 * for other code.
 */
export function keepLastValue(code: string): KeptValue | undefined {
  const body = parse(code);
  // These have been run before all else, and cannot fail.
  const last = body?.findLast(({ type }) => type !== "FunctionDeclaration" && type !== "EmptyStatement");
  if (body === undefined || body.length === 0) return undefined;
  if (body.every(({ type }) => DECLARATIONS.has(type))) return { code: `${code}\n;${NAME} = undefined;`, keeps: NAME };
  if (last?.type !== "ExpressionStatement" || (last as { directive?: unknown }).directive !== undefined)
    return undefined;
  const { start, end } = last.expression;
  const kept = `${code.slice(0, start)}${NAME} = (${code.slice(start, end)}\n)${code.slice(end)}`;
  // What stands in brackets, or has a comment at its end, may not be what it was.
  return parse(kept) === undefined ? undefined : { code: kept, keeps: NAME };
}

function parse(code: string): readonly (Statement | ModuleDeclaration)[] | undefined {
  const acorn = createRequire(import.meta.url)("acorn") as typeof import("acorn");
  try {
    return acorn.parse(code, { ecmaVersion: "latest", sourceType: "script", allowHashBang: true }).body;
  } catch {
    // The realm says what is wrong with it.
    return undefined;
  }
}
