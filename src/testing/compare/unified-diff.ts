/** Lines around a difference. */
const CONTEXT = 3;
/** A diff of texts that differ in more than can be found in this time is cut down to the first line that differs. */
const MAX_MS = 1_000;
/** Longest diff that is shown, in lines, and longest line, in characters. */
const MAX_LINES = 400;
const MAX_LINE = 2_000;

export interface DiffNames {
  /** What each text is called: "greet.golden", "printed". */
  expected: string;
  actual: string;
}

/** The lines of a unified diff: what begins with "-" was expected, what begins with "+" came. */
export async function unifiedDiff(expected: string, actual: string, names: DiffNames): Promise<string[]> {
  // Loaded on use: most tests pass.
  const { structuredPatch } = await import("diff");
  const head = [`--- ${names.expected}`, `+++ ${names.actual}`];
  const options = { context: CONTEXT, timeout: MAX_MS };
  const patch = structuredPatch(names.expected, names.actual, expected, actual, undefined, undefined, options);
  if (patch === undefined) return [...head, ...firstDifference(expected, actual)];
  const lines = patch.hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines: own }) => [
    `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`,
    ...own.map(shortened),
  ]);
  const more = lines.length - MAX_LINES;
  return [...head, ...lines.slice(0, MAX_LINES), ...(more > 0 ? [`… ${more} more lines`] : [])];
}

/** The first line in which two texts differ, from 1. */
export function firstDifferentLine(
  a: string,
  b: string,
): { line: number; a: string | undefined; b: string | undefined } {
  const [left, right] = [a.split("\n"), b.split("\n")];
  const at = left.findIndex((text, index) => text !== right[index]);
  const index = at < 0 ? left.length : at;
  return { line: index + 1, a: left[index], b: right[index] };
}

function firstDifference(expected: string, actual: string): string[] {
  const { line, a, b } = firstDifferentLine(expected, actual);
  return [
    `@@ -${line} +${line} @@`,
    ...(a === undefined ? [] : [shortened(`-${a}`)]),
    ...(b === undefined ? [] : [shortened(`+${b}`)]),
    "… the rest is too different for a diff",
  ];
}

function shortened(line: string): string {
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE).toWellFormed()}…` : line;
}
