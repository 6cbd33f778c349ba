const CLOSING: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };
const QUOTES = "\"'`";
/** Longest expression that is looked at, in characters. */
const MAX_CHAIN = 2000;

/** Where the quoted text that begins here ends. */
function endOfQuoted(source: string, start: number): number {
  let at = start + 1;
  while (at < source.length && source[at] !== source[start]) at += source[at] === "\\" ? 2 : 1;
  return at;
}

/** Where the bracket that opens here closes; the end of the text where it does not. */
function endOfBracket(source: string, start: number): number {
  const open: string[] = [];
  const limit = Math.min(source.length, start + MAX_CHAIN);
  for (let at = start; at < limit; at++) {
    const letter = source[at]!;
    if (QUOTES.includes(letter)) at = endOfQuoted(source, at);
    else if (letter in CLOSING) open.push(CLOSING[letter]!);
    else if (letter === open.at(-1) && open.pop() !== undefined && open.length === 0) return at;
  }
  return limit;
}

/**
 * The chain of names, calls and members that begins here, with nothing between its brackets: `step.startAsync()` for
 * `step.startAsync("a", b)`. It ends at `until` at the latest.
 */
export function chainAt(source: string, start: number, until: number = source.length): { text: string; end: number } {
  let text = "";
  let at = start;
  while (at < until && at - start < MAX_CHAIN) {
    const letter = source[at]!;
    if (/[\w$.]/.test(letter)) text += letter;
    else if (letter === "(" || letter === "[") {
      at = endOfBracket(source, at);
      text += letter + CLOSING[letter]!;
    } else if (
      /\s/.test(letter) &&
      (/^(?:new|await|import)$/.test(text) || /^\s*(?:\?\.|!?\.)/.test(source.slice(at, at + 200)))
    ) {
      if (/[\w$]$/.test(text) && /^\s*[\w$]/.test(source.slice(at, at + 200))) text += " ";
    } else if (!(/[?!]/.test(letter) && source[at + 1] === ".")) break;
    at++;
  }
  return { text, end: at };
}

/** The chain that leads up to this place, where a member of it stands; undefined where there is none. */
export function chainBefore(source: string, end: number): string | undefined {
  for (let start = Math.max(0, end - MAX_CHAIN / 4); start < end; start++) {
    if (!/[\w$]/.test(source[start]!) || /[\w$.]/.test(source[start - 1] ?? "")) continue;
    const chain = chainAt(source, start, end);
    if (chain.end === end) return chain.text.replace(/\.$/, "");
  }
  return undefined;
}
