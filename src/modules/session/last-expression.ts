/**
 * Where the last statement of code that may await, import and return at its top level stands, where that is an expression.
 * Undefined where it is another, and for code that does not parse: the realm says what is wrong with it. The parser is
 * loaded on first use.
 */
export async function lastExpression(code: string): Promise<{ start: number; end: number } | undefined> {
  const { parseCode } = await import("./parse-code.ts");
  const parsed = parseCode(code);
  if (!("program" in parsed)) return undefined;
  // Functions are made before all else, wherever they stand.
  const last = parsed.program.body.findLast(({ type }) => type !== "FunctionDeclaration" && type !== "EmptyStatement");
  return last?.type === "ExpressionStatement" ? last : undefined;
}
