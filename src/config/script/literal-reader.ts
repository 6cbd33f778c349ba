import { TokenError, type ScriptToken, type ScriptTokens } from "./script-tokens.ts";

/** A value that is written out, with the places of its parts, as offsets in the text. */
export interface Literal {
  value: unknown;
  start: number;
  /** The members of an object by name, the items of a list by index: each with the place of its key. */
  members: ReadonlyMap<string, { keyStart: number; literal: Literal }>;
}

/** What stands where a literal would: found from this offset on. */
export class NotLiteral extends Error {
  readonly offset: number;

  constructor(offset: number) {
    super("not a literal");
    this.offset = offset;
  }
}

/** Deeper than any settings are. */
const MAX_DEPTH = 100;

const NO_MEMBERS: Literal["members"] = new Map();

/** What may follow a value in a literal. */
const AFTER = new Set([",", "}", "]", ")", ";", "eof"]);

/**
 * Reads texts, numbers, true, false, null, lists and objects, and templates without `${…}`. TypeScript's `as …` and
 * `satisfies …` behind them are stepped over.
 *
 * @throws {NotLiteral} for anything else; {TokenError} for what is not JavaScript.
 */
export function readLiteral(tokens: ScriptTokens, depth = 0): Literal {
  const { start } = tokens.current;
  if (depth > MAX_DEPTH) throw new NotLiteral(start);
  const literal = readValue(tokens, depth);
  if (tokens.is("as") || tokens.is("satisfies")) skipType(tokens);
  const { label, hasBreak } = tokens.current;
  // At the end of a statement a new line may stand for the semicolon.
  if (!AFTER.has(label) && !(depth === 0 && hasBreak && !/^[.([`?+\-*/%<>=&|^,]/.test(label)))
    throw new NotLiteral(start);
  return literal;
}

function readValue(tokens: ScriptTokens, depth: number): Literal {
  const token = tokens.current;
  const { label, value, start } = token;
  const plain = (given: unknown): Literal => ({ value: given, start, members: NO_MEMBERS });
  switch (label) {
    case "string":
      tokens.next();
      return plain(value);
    case "num":
      if (typeof value !== "number") throw new NotLiteral(start);
      tokens.next();
      return plain(value);
    case "true":
    case "false":
      tokens.next();
      return plain(label === "true");
    case "null":
      tokens.next();
      return plain(null);
    case "+/-":
      return plain(readSigned(tokens));
    case "`":
      return plain(readTemplate(tokens));
    case "[":
      return readList(tokens, depth);
    case "{":
      return readObject(tokens, depth);
    case "(": {
      tokens.next();
      const inner = readLiteral(tokens, depth + 1);
      if (!tokens.take(")")) throw new NotLiteral(start);
      return inner;
    }
    default:
      throw label === "eof" || AFTER.has(label) ? unexpected(token) : new NotLiteral(start);
  }
}

function readSigned(tokens: ScriptTokens): number {
  const { start, value: sign } = tokens.next();
  const { label, value } = tokens.current;
  if (label !== "num" || typeof value !== "number") throw new NotLiteral(start);
  tokens.next();
  return sign === "-" ? -value : value;
}

function readTemplate(tokens: ScriptTokens): string {
  const { start } = tokens.next();
  let text = "";
  while (tokens.current.label === "template") text += String(tokens.next().value);
  if (!tokens.take("`")) throw new NotLiteral(start);
  return text;
}

function readList(tokens: ScriptTokens, depth: number): Literal {
  const { start } = tokens.next();
  const value: unknown[] = [];
  const members = new Map<string, { keyStart: number; literal: Literal }>();
  while (!tokens.take("]")) {
    if (tokens.is(",")) throw new NotLiteral(start);
    const literal = readLiteral(tokens, depth + 1);
    members.set(String(value.length), { keyStart: literal.start, literal });
    value.push(literal.value);
    if (!tokens.take(",") && !tokens.is("]")) throw unexpected(tokens.current);
  }
  return { value, start, members };
}

function readObject(tokens: ScriptTokens, depth: number): Literal {
  const { start } = tokens.next();
  // Without a prototype, so that "__proto__" is a key like all others.
  const value = Object.create(null) as Record<string, unknown>;
  const members = new Map<string, { keyStart: number; literal: Literal }>();
  while (!tokens.take("}")) {
    const key = tokens.current;
    const name = keyOf(key);
    if (name === undefined) throw AFTER.has(key.label) ? unexpected(key) : new NotLiteral(key.start);
    tokens.next();
    if (!tokens.take(":")) throw new NotLiteral(key.start);
    const literal = readLiteral(tokens, depth + 1);
    members.set(name, { keyStart: key.start, literal });
    value[name] = literal.value;
    if (!tokens.take(",") && !tokens.is("}")) throw unexpected(tokens.current);
  }
  return { value, start, members };
}

/** Names, keywords among them, texts and numbers are keys. */
function keyOf({ label, value }: ScriptToken): string | undefined {
  if (label === "string" || label === "num") return String(value);
  return typeof value === "string" && /^[a-z]+$/.test(label) ? value : undefined;
}

/** Steps over a type, to where what it belongs to goes on. */
function skipType(tokens: ScriptTokens): void {
  const { depth } = tokens;
  let angles = 0;
  while (!tokens.isAtEnd) {
    const { label, value, hasBreak } = tokens.current;
    if (tokens.depth === depth && angles <= 0 && (AFTER.has(label) || label === "=" || hasBreak)) return;
    if (label === "</>/<=/>=") angles += value === "<" ? 1 : -1;
    if (label === "<</>>/>>>") angles -= String(value).length;
    tokens.next();
  }
}

function unexpected({ start }: ScriptToken): TokenError {
  return new TokenError("unexpected token", start);
}
