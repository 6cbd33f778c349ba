import { defuse } from "../output/terminal.ts";

/** What something is called, and what it is; undefined where there is nothing to say. */
export type Fact = readonly [label: string, value: string | undefined];

/** Columns of a label. */
const WIDTH = 11;
const LINE_ENDS = /\r?\n|[\v\f\u2028\u2029]/g;

/**
 * Facts as lines, their values below each other. What scripts and models have written passes for nothing else: more
 * lines of it begin in the column of the values.
 */
export function factLines(facts: readonly Fact[]): string[] {
  return facts.flatMap(([label, value]) => {
    if (value === undefined) return [];
    return `${label.padEnd(WIDTH)} ${defuse(value).replace(LINE_ENDS, `\n${" ".repeat(WIDTH + 1)}`)}`;
  });
}
