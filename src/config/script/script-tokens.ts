import { createRequire } from "node:module";
import type { Parser as AcornParser, Token, TokenType } from "acorn";

/** A token of a script's text; `hasBreak` where a new line lies before it. */
export interface ScriptToken {
  /** A name, a keyword or a sign, as acorn labels it. */
  label: string;
  value: unknown;
  start: number;
  end: number;
  hasBreak: boolean;
}

/** Why a text cannot be read on, and from where. */
export class TokenError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

const OPENING = new Set(["{", "(", "[", "${"]);
const CLOSING = new Set(["}", ")", "]"]);

type Tokenizer = { getToken(): Token };

/** acorn's tokenizer, which takes TypeScript's decorators, too. */
function createTokenizer(source: string): Tokenizer {
  const { Parser, tokTypes } = createRequire(import.meta.url)("acorn") as typeof import("acorn");
  type Extended = {
    pos: number;
    finishToken(type: TokenType, value: string): void;
    getTokenFromCode(code: number): void;
  };
  const base = Parser as unknown as new (...args: unknown[]) => Extended;
  const Tolerant = class extends base {
    override getTokenFromCode(code: number): void {
      if (code !== 64) return super.getTokenFromCode(code);
      this.pos++;
      this.finishToken(tokTypes.name, "@");
    }
  } as unknown as typeof AcornParser;
  return Tolerant.tokenizer(source, { ecmaVersion: "latest", sourceType: "module", allowHashBang: true });
}

/** Reads the tokens of a script one by one, in time that grows with its length alone. Builds no tree. */
export class ScriptTokens {
  readonly source: string;
  readonly #tokenizer: Tokenizer;
  #current: ScriptToken;
  /** How many brackets are open before the current token. */
  #depth = 0;

  /** @throws {TokenError} for what is not a token of JavaScript; so does {@link next}. */
  constructor(source: string) {
    this.source = source;
    this.#tokenizer = createTokenizer(source);
    this.#current = this.#read(0);
  }

  get current(): ScriptToken {
    return this.#current;
  }

  get depth(): number {
    return this.#depth;
  }

  get isAtEnd(): boolean {
    return this.#current.label === "eof";
  }

  /** All that is left, in order. */
  rest(): ScriptToken[] {
    const tokens: ScriptToken[] = [];
    while (!this.isAtEnd) tokens.push(this.next());
    return tokens;
  }

  /** Steps on, and gives the token that was current. */
  next(): ScriptToken {
    const token = this.#current;
    if (OPENING.has(token.label)) this.#depth++;
    else if (CLOSING.has(token.label)) this.#depth--;
    this.#current = this.#read(token.end);
    return token;
  }

  /** Is the current token this sign, keyword or name? */
  is(text: string): boolean {
    const { label, value } = this.#current;
    return label === text || (label === "name" && value === text);
  }

  /** Steps over the current token if it is this. */
  take(text: string): boolean {
    if (!this.is(text)) return false;
    this.next();
    return true;
  }

  #read(from: number): ScriptToken {
    try {
      const { type, start, end, value } = this.#tokenizer.getToken() as Token & { value: unknown };
      const hasBreak = /[\n\r\u2028\u2029]/.test(this.source.slice(from, start));
      return { label: type.label, value, start, end, hasBreak };
    } catch (error) {
      const { message, pos = from } = error as { message: string; pos?: number };
      throw new TokenError(message.replace(/ \(\d+:\d+\)$/, ""), pos);
    }
  }
}
