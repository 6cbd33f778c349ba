/** What a terminal would obey or hide, and what turns a text around. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * A text of a server's, fit to be shown: cut, on one line, and with what a terminal would obey made visible.
 *
 * @example
 * showText("\u001b[31mred\n", 100); // "\\u001b[31mred\\n"
 */
export function showText(text: string, maxChars: number): string {
  const cut = text.length > maxChars ? `${text.slice(0, maxChars).toWellFormed()}…` : text;
  return cut.replace(HIDDEN, escaped);
}

function escaped(char: string): string {
  if (char === "\n") return "\\n";
  if (char === "\t") return "\\t";
  return `\\u${char.codePointAt(0)!.toString(16).padStart(4, "0")}`;
}

/** A text of a server's that is handed on as it is: only its length is bounded, in characters. */
export function cutText(text: string, maxChars: number): string {
  return text.length > maxChars ? `${text.slice(0, maxChars - 1).toWellFormed()}…` : text;
}
