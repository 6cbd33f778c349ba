/** A place in one of the texts. Lines and columns count from 1. */
export interface Place {
  /** The file as the script knows it. */
  file: string;
  line: number;
  column: number;
}

export interface Frame extends Place {
  /** The text that it lies in. */
  source: string;
  /** The function, and the place with a path that can be clicked. */
  text: string;
}

export function linesOf(source: string): string[] {
  return source.split(/\r?\n/);
}

/** Where in its text the frame's place is. */
export function offsetOf({ source, line, column }: Frame): number {
  const before = linesOf(source).slice(0, line - 1);
  // A line break of two characters has been one more for each line.
  const breaks = source.includes("\r\n") ? 2 : 1;
  return before.reduce((sum, text) => sum + text.length + breaks, 0) + column - 1;
}
