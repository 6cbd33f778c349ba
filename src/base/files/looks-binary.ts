/** Is it what a program, a picture or a text in UTF-16 becomes when it is read as UTF-8? What a parser says of that helps nobody. */
export function looksBinary(text: string): boolean {
  return text.includes("\0") && text.includes("\uFFFD");
}

/** What is said of such a file. */
export const NOT_TEXT = "it is not a text in UTF-8";
