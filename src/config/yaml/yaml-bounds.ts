import type { Lexer as YamlLexer } from "yaml";

/** Lists and sections within each other, at most; settings have four. */
const MAX_DEPTH = 32;
/** The furthest column in which a block may begin: each block within another begins further to the right. */
const MAX_INDENT = 256;
const MAX_ALIASES = 100;
const MAX_ANCHORS = 100;
/** Brackets, keys, values, spaces, ends of lines. */
const MAX_TOKENS = 10_000;

/** What stands before the text of a scalar, and before a document. */
const SCALAR = "\x1f";
const MARKS = ["\ufeff", "\x02", "\x18"];

/**
 * What is too much in a YAML text; undefined where nothing is. It looks at the text once, from the left to the right: the
 * parser takes its time for what is nested, and breaks off for what is nested too deeply.
 */
export function excessOf(text: string, Lexer: typeof YamlLexer): string | undefined {
  const counts = new Counts();
  let isText = false;
  for (const token of new Lexer().lex(text)) {
    if (isText) isText = false;
    else if (token === SCALAR) isText = true;
    else if (!MARKS.includes(token)) counts.structure(token);
    const excess = counts.add(token);
    if (excess !== undefined) return excess;
  }
  return undefined;
}

class Counts {
  #tokens = 0;
  #depth = 0;
  #column = 0;
  #aliases = 0;
  #anchors = 0;
  /** Blocks that begin in the line: "- - - a" begins three. */
  #begun = 0;
  #isIndented = false;

  /** Takes note of a token that is not the text of a scalar. */
  structure(token: string): void {
    if (token === "[" || token === "{") this.#depth++;
    else if (token === "]" || token === "}") this.#depth = Math.max(0, this.#depth - 1);
    else if (token.startsWith("*")) this.#aliases++;
    else if (token.startsWith("&")) this.#anchors++;
    else if (token === "-" || token === "?" || token === ":") {
      // Within brackets these begin nothing that may hold more of them, but for brackets.
      if (this.#depth > 0) return;
      this.#begun++;
      this.#isIndented ||= this.#column > MAX_INDENT;
    }
  }

  add(token: string): string | undefined {
    this.#tokens++;
    const lines = token.lastIndexOf("\n");
    if (lines >= 0) this.#begun = 0;
    this.#column = lines >= 0 ? token.length - lines - 1 : this.#column + token.length;
    if (this.#depth > MAX_DEPTH || this.#begun > MAX_DEPTH) return `it is nested more than ${MAX_DEPTH} deep`;
    if (this.#isIndented) return `it is indented by more than ${MAX_INDENT} columns`;
    if (this.#aliases > MAX_ALIASES) return `it has more than ${MAX_ALIASES} aliases`;
    if (this.#anchors > MAX_ANCHORS) return `it has more than ${MAX_ANCHORS} anchors`;
    if (this.#tokens > MAX_TOKENS) return `it has more than ${MAX_TOKENS} parts`;
    return undefined;
  }
}
