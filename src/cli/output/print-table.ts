import { displayWidth } from "./display-width.ts";
import { defuse, Terminal } from "./terminal.ts";

/** Lines on stdout; on a terminal they cannot steer it. */
export function printLines(lines: readonly string[]): void {
  using terminal = new Terminal(process.stdout, process.stderr, process.env);
  for (const line of lines) terminal.write("stdout", `${line}\n`);
}

/** Lines on stderr, likewise. */
export function printNotes(lines: readonly string[]): void {
  using terminal = new Terminal(process.stdout, process.stderr, process.env);
  for (const line of lines) terminal.note(line);
}

/**
 * Rows on stdout, each a line, their columns below each other as a terminal shows them.
 *
 * @param right the columns, from 0, whose cells end below each other.
 */
export function printTable(
  given: readonly (readonly string[])[],
  { right = [] }: { right?: readonly number[] } = {},
): void {
  printLines(
    alignColumns(
      given.map((row) => row.map(onOneLine)),
      right,
    ),
  );
}

/** A line for each row, likewise. The cells steer no terminal. */
export function alignColumns(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, displayWidth(cell));
  return rows.map((row) => {
    const cells = row.map((cell, i) => {
      const space = " ".repeat(widths[i]! - displayWidth(cell));
      return right.includes(i) ? space + cell : cell + space;
    });
    return cells.join("  ").trimEnd();
  });
}

/** Not even a colour of a cell's own: whoever reads the table knows what belongs to it. */
export function onOneLine(cell: string): string {
  return defuse(cell.replace(/\s*[\r\n\v\f\u2028\u2029]\s*/g, " ").replaceAll("\x1b", "\u241b"));
}
