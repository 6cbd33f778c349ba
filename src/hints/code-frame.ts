import { linesOf, type Frame } from "./source-frame.ts";

/** Longest source line that is shown, in characters. */
const MAX_LINE_CHARS = 160;

/** The lines around a place, with a mark below it. */
export function codeFrame({ source, line, column }: Pick<Frame, "source" | "line" | "column">): string[] {
  const lines = linesOf(source);
  const first = Math.max(1, line - 2);
  const last = Math.min(lines.length, line + 1);
  const width = String(last).length;
  const shown: string[] = [];
  for (let row = first; row <= last; row++) {
    const text = lines[row - 1]!.replaceAll("\t", " ").slice(0, MAX_LINE_CHARS);
    shown.push(`${row === line ? ">" : " "} ${String(row).padStart(width)} | ${text}`.trimEnd());
    if (row === line && column >= 1 && column <= text.length + 1) {
      shown.push(`  ${" ".repeat(width)} | ${" ".repeat(column - 1)}^`);
    }
  }
  return shown;
}
