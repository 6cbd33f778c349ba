/** Reads and checks JSON schemas in a thread of its own, which whoever waits for it can end. */
import { parentPort } from "node:worker_threads";
import { readJsonSchema, type SchemaCheck } from "./schema-check.ts";

export interface SchemaRequest {
  schema: string;
  /** Absent: the schema is only read. */
  value?: string;
  path: string;
}

/** `refusal`: why the schema is not valid; `flaw`: what is wrong with the value. */
export interface SchemaAnswer {
  refusal?: string;
  flaw?: string;
}

const MAX_KEPT = 100;
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
    return { refusal: (error as Error).message.split("\n")[0]!.slice(0, 200) };
  }
  const flaw = value === undefined ? undefined : check(JSON.parse(value), path);
  return flaw === undefined ? {} : { flaw };
}

parentPort!.on("message", (request: SchemaRequest) => parentPort!.postMessage(answer(request)));
parentPort!.postMessage("ready");
