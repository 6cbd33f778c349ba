import { NotLiteral, readLiteral, type Literal } from "./literal-reader.ts";
import { TokenError, type ScriptTokens } from "./script-tokens.ts";

/** What ends a value, so that another one right behind it, on a new line, begins a statement. */
const VALUE_END = new Set([
  "name",
  "num",
  "string",
  "regexp",
  "`",
  ")",
  "]",
  "}",
  "true",
  "false",
  "null",
  "this",
  "super",
]);
const VALUE_START = new Set([
  "name",
  "num",
  "string",
  "regexp",
  "privateId",
  "true",
  "false",
  "null",
  "this",
  "new",
  "function",
  "class",
  "typeof",
  "void",
  "!/~",
  "{",
  "@",
]);
const STATEMENT =
  /^(?:export|import|const|var|if|for|while|do|switch|try|throw|return|break|continue|debugger|with|let)$/;

/**
 * Finds what a module exports as `options`: reads tokens up to there, and builds no tree. Undefined where it exports none.
 *
 * @throws {NotLiteral} for options that are not written out; {TokenError} for what is not JavaScript.
 */
export function findExportedOptions(tokens: ScriptTokens): Literal | undefined {
  while (!tokens.isAtEnd) {
    const isExport = tokens.depth === 0 && tokens.current.label === "export";
    tokens.next();
    const found = isExport ? readExport(tokens) : undefined;
    if (found !== undefined) return found;
  }
  if (tokens.depth > 0) throw new TokenError("unexpected token", tokens.current.start);
  return undefined;
}

/** What follows `export`. */
function readExport(tokens: ScriptTokens): Literal | undefined {
  if (tokens.is("{")) return readNames(tokens);
  if (tokens.is("const") || tokens.is("let") || tokens.is("var")) {
    const isConstant = tokens.next().label === "const";
    return tokens.is("enum") ? undefined : readDeclarators(tokens, isConstant);
  }
  const { start } = tokens.current;
  if (tokens.is("async") || tokens.is("abstract")) tokens.next();
  if (!tokens.take("function") && !tokens.take("class") && !tokens.take("enum")) return undefined;
  tokens.take("*");
  if (tokens.current.value === "options") throw new NotLiteral(start);
  return undefined;
}

/** `export { … }`: options that come by such a list stand somewhere else. */
function readNames(tokens: ScriptTokens): undefined {
  tokens.next();
  while (!tokens.isAtEnd && !tokens.is("}")) {
    const { start } = tokens.current;
    let name = tokens.next().value;
    if (tokens.take("as")) name = tokens.next().value;
    if (name === "options") throw new NotLiteral(start);
    while (!tokens.isAtEnd && !tokens.is(",") && !tokens.is("}")) tokens.next();
    tokens.take(",");
  }
}

/** `a = 1, options = { … }` and the like. */
function readDeclarators(tokens: ScriptTokens, isConstant: boolean): Literal | undefined {
  const { depth } = tokens;
  for (;;) {
    const { start, label, value } = tokens.current;
    const isPattern = label === "{" || label === "[";
    const bindsOptions = isPattern ? skipPattern(tokens) : value === "options";
    if (!isPattern) tokens.next();
    skipAnnotation(tokens, depth);
    if (bindsOptions) {
      if (!isConstant || isPattern || !tokens.take("=")) throw new NotLiteral(start);
      if (!tokens.is("{") && !tokens.is("(")) throw new NotLiteral(tokens.current.start);
      return readLiteral(tokens);
    }
    if (!skipToNext(tokens, depth)) return undefined;
  }
}

/** Steps over a pattern: does it bind the name? A name before a colon is a key, one behind an equals sign a default. */
function skipPattern(tokens: ScriptTokens): boolean {
  const { depth } = tokens;
  let isBound = false;
  /** How deep the default is that is being read; none where it is -1. */
  let defaultDepth = -1;
  do {
    const token = tokens.next();
    if (defaultDepth >= 0 && (tokens.depth < defaultDepth || (token.label === "," && tokens.depth === defaultDepth))) {
      defaultDepth = -1;
    }
    if (defaultDepth < 0 && token.label === "=") defaultDepth = tokens.depth;
    if (defaultDepth < 0 && token.value === "options" && token.label === "name" && !tokens.is(":")) isBound = true;
  } while (!tokens.isAtEnd && tokens.depth > depth);
  return isBound;
}

/** Steps over TypeScript's `: type`, up to the equals sign. */
function skipAnnotation(tokens: ScriptTokens, depth: number): void {
  if (!tokens.is(":") && !tokens.is("!/~")) return;
  while (!tokens.isAtEnd && !(tokens.depth === depth && (tokens.is("=") || tokens.is(";")))) tokens.next();
}

/** Steps to behind the comma that separates two declarators; false where the statement ends. */
function skipToNext(tokens: ScriptTokens, depth: number): boolean {
  let last = "";
  while (!tokens.isAtEnd && tokens.depth >= depth) {
    const { label, hasBreak } = tokens.current;
    if (tokens.depth === depth) {
      if (tokens.is(",")) return tokens.take(",");
      if (tokens.is(";") || label === "export" || label === "import") return false;
      if (hasBreak && VALUE_END.has(last) && (VALUE_START.has(label) || STATEMENT.test(label))) return false;
    }
    last = tokens.next().label;
  }
  return false;
}
