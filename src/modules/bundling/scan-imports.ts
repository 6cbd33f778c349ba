/** An import whose name is written out. */
export interface WrittenImport {
  specifier: string;
  isRequire: boolean;
  /** Where the name stands in the text, with its quotes. */
  start: number;
  end: number;
}

/** What is of interest outside of texts and comments, and within the `${ }` of a template. */
const TOKENS = /["'`/]|\b(?:import|export|require)\b/g;
const TOKENS_IN_TEMPLATE = /["'`/{}]|\b(?:import|export|require)\b/g;
const OF_TEMPLATE = /[`\\]|\$\{/g;

/** What may stand between the word and the name. */
const CALL = /\s*\(\s*(?:\/\*[^*]*\*\/\s*)*(?=["'])/y;
const END_OF_CALL = /\s*[),]/y;
const FROM = /(?:^|[^.\w$])(?:from|import)\s*$/;
/** A comment in front may end in a dot as well. */
const MEMBER = /(?:^|[^.])\.[ \t]*$|[$#]$/;
/** After these words a slash begins a regular expression, as after most signs. */
const WORD = /[\w$]+$/;
const BEFORE_REGEX = /^(?:return|typeof|case|in|of|do|else|void|delete|throw|new|instanceof|await|yield)$/;

/** Longest way between two words that is looked at, in characters. */
const NEAR = 64;

/**
 * The imports of a module, as far as they can be told without parsing it, in one look at each character; undefined where
 * the text is not understood. It may be wrong: whoever uses this finds out by what the bundler makes of it.
 */
export function scanImports(text: string): WrittenImport[] | undefined {
  const found: WrittenImport[] = [];
  /** For each template that is open around here: how many braces are open in its `${ }`. */
  const templates: number[] = [];
  /** Has a declaration begun that may end in a name? */
  let isDeclaring = false;
  const tokens = (): RegExp => (templates.length > 0 ? TOKENS_IN_TEMPLATE : TOKENS);
  let at = text.startsWith("#!") ? lineEnd(text, 0) : 0;
  for (;;) {
    const pattern = tokens();
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return templates.length > 0 ? undefined : found;
    const [token] = match;
    const start = match.index;
    at = start + token.length;
    switch (token) {
      case '"':
      case "'": {
        const end = textEnd(text, start);
        if (end === undefined) return undefined;
        if (isDeclaring && FROM.test(before(text, start))) addName(found, text, { start, end, isRequire: false });
        isDeclaring = false;
        at = end;
        break;
      }
      case "/": {
        const end = slashEnd(text, start);
        if (end === undefined) return undefined;
        at = end;
        break;
      }
      case "{":
        templates[templates.length - 1]! += 1;
        break;
      case "}":
      case "`": {
        isDeclaring = false;
        if (token === "}" && (templates[templates.length - 1]! -= 1) >= 0) break;
        if (token === "}") templates.pop();
        const end = templateEnd(text, at);
        if (end === undefined) return undefined;
        if (end.isOpen) templates.push(0);
        at = end.at;
        break;
      }
      default: {
        if (MEMBER.test(before(text, start))) break;
        const call = token === "export" ? undefined : calledName(text, at);
        isDeclaring = token !== "require" && call === undefined;
        if (call === undefined) break;
        addName(found, text, { ...call, isRequire: token === "require" });
        at = call.end;
      }
    }
  }
}

function addName(
  found: WrittenImport[],
  text: string,
  { start, end, isRequire }: { start: number; end: number; isRequire: boolean },
): void {
  const specifier = text.slice(start + 1, end - 1);
  if (!specifier.includes("\\")) found.push({ specifier, isRequire, start, end });
}

/** The name that a call beginning here is given, if it is given a name alone. */
function calledName(text: string, at: number): { start: number; end: number } | undefined {
  CALL.lastIndex = at;
  if (!CALL.test(text)) return undefined;
  const start = CALL.lastIndex;
  const end = textEnd(text, start);
  if (end === undefined) return undefined;
  END_OF_CALL.lastIndex = end;
  return END_OF_CALL.test(text) ? { start, end } : undefined;
}

function before(text: string, at: number): string {
  return text.slice(Math.max(0, at - NEAR), at);
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}

/** Where the text in quotes ends that begins here: it goes on over a line's end only after a backslash. */
function textEnd(text: string, start: number): number | undefined {
  const quote = text.charCodeAt(start);
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) return at + 1;
    if (code === 0x5c) at += text[at + 1] === "\r" && text[at + 2] === "\n" ? 2 : 1;
    else if (code === 0x0a || code === 0x0d) return undefined;
  }
  return undefined;
}

/** Where the comment, the regular expression or the sign ends that begins with this slash. */
function slashEnd(text: string, start: number): number | undefined {
  const next = text[start + 1];
  if (next === "/") return lineEnd(text, start);
  if (next === "*") {
    const end = text.indexOf("*/", start + 2);
    return end < 0 ? undefined : end + 2;
  }
  const left = before(text, start).trimEnd();
  const word = WORD.exec(left)?.[0];
  const isRegex = word === undefined ? !/[)\]}"'`]$/.test(left) : BEFORE_REGEX.test(word);
  return isRegex ? regexEnd(text, start) : start + 1;
}

function regexEnd(text: string, start: number): number | undefined {
  let isClass = false;
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at]!;
    if (char === "\\") at++;
    else if (char === "\n") return undefined;
    else if (char === "[") isClass = true;
    else if (char === "]") isClass = false;
    else if (char === "/" && !isClass) return at + 1;
  }
  return undefined;
}

/** Where the template's text ends that goes on here: at its end, or where something is put in. */
function templateEnd(text: string, from: number): { at: number; isOpen: boolean } | undefined {
  OF_TEMPLATE.lastIndex = from;
  for (;;) {
    const match = OF_TEMPLATE.exec(text);
    if (match === null) return undefined;
    if (match[0] === "\\") OF_TEMPLATE.lastIndex += 1;
    else return { at: OF_TEMPLATE.lastIndex, isOpen: match[0] !== "`" };
  }
}
