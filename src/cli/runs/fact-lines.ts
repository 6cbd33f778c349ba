import { defuse } from "../output/terminal.ts";

/** What something is called, and what it is; undefined where there is nothing to say. */
export type Fact = readonly [label: string, value: string | undefined];

/** Columns of a label. */
const WIDTH = 11;
const LINE_ENDS = /\r?\n|[\v\f\u2028\u2029]/g;
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const COLORS = /\x1b\[[\d;]*m/g;

/**
 * Facts as lines, their values below each other. What scripts and models have written passes for nothing else: more
 * lines of it begin in the column of the values, and its colours are left out.
 */
export function factLines(facts: readonly Fact[]): string[] {
  return facts.flatMap(([label, value]) => {
    if (value === undefined) return [];
    const text = defuse(value.replace(COLORS, "")).replace(LINE_ENDS, `\n${" ".repeat(WIDTH + 1)}`);
    return `${label.padEnd(WIDTH)} ${text}`;
  });
}
