/**
 * Reads and checks JSON schemas in a process of its own, which whoever waits for it can end: one request a line on stdin,
 * one answer a line on stdout. Ends with its stdin.
 */
import { createInterface } from "node:readline";
import { installLinearPatterns } from "./linear-pattern.ts";
import { readJsonSchema, type SchemaCheck } from "./schema-check.ts";

export interface SchemaRequest {
  schema: string;
  /** A value as JSON. Absent: the schema is only read. */
  value?: string;
  path: string;
}

/** `refusal`: why the schema is not one; `flaw`: what is wrong with the value. */
export interface SchemaAnswer {
  refusal?: string;
  flaw?: string;
}

const MAX_KEPT = 100;
const MAX_TEXT = 2000;
const kept = new Map<string, SchemaCheck>();

function checkOf(schema: string): SchemaCheck {
  const known = kept.get(schema);
  if (known !== undefined) return known;
  const check = readJsonSchema(JSON.parse(schema) as Record<string, unknown>);
  if (kept.size >= MAX_KEPT) kept.clear();
  kept.set(schema, check);
  return check;
}

function answer({ schema, value, path }: SchemaRequest): SchemaAnswer {
  let check: SchemaCheck;
  try {
    check = checkOf(schema);
  } catch (error) {
    return { refusal: short((error as Error).message.split("\n")[0]!, 200) };
  }
  try {
    const flaw = value === undefined ? undefined : check(JSON.parse(value), path);
    return flaw === undefined ? {} : { flaw: short(flaw, MAX_TEXT) };
  } catch (error) {
    // A schema that refers to itself without end, for example.
    return { flaw: `${path}: it cannot be checked: ${short((error as Error).message, 200)}` };
  }
}

function short(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1).toWellFormed()}…` : text;
}

installLinearPatterns();
createInterface({ input: process.stdin, crlfDelay: Infinity }).on("line", (line) => {
  process.stdout.write(`${JSON.stringify(answer(JSON.parse(line) as SchemaRequest))}\n`);
});
process.stdout.write("ready\n");
