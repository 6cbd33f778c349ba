import { Terminal } from "./terminal.ts";

/** Lines on stdout; on a terminal they cannot steer it. */
export function printLines(lines: readonly string[]): void {
  const terminal = new Terminal(process.stdout, process.stderr, process.env);
  for (const line of lines) terminal.write("stdout", `${line}\n`);
}

/** Lines on stderr, likewise. */
export function printNotes(lines: readonly string[]): void {
  const terminal = new Terminal(process.stdout, process.stderr, process.env);
  for (const line of lines) terminal.note(line);
}

/** Rows on stdout, each a line, their columns below each other. */
export function printTable(given: readonly (readonly string[])[]): void {
  const rows = given.map((row) => row.map((cell) => cell.replace(/\s*[\r\n]\s*/g, " ")));
  const widths = rows.reduce<number[]>((most, row) => row.map(({ length }, i) => Math.max(most[i] ?? 0, length)), []);
  const aligned = rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join("  "));
  printLines(aligned.map((line) => line.trimEnd()));
}
