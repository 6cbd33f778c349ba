import { z } from "zod";
import { describeIssues } from "./schema-issues.ts";
import { recordOf } from "../input/unknown-fields.ts";

/** What is wrong with a value, as `input.city: expected a string, found nothing`; undefined when it fits. */
export type SchemaCheck = (value: unknown, path: string) => string | undefined;

/**
 * Reads a JSON schema. Neither reading nor checking has a bound of its own: schemas can be made to take for ever.
 *
 * @throws {Error} for what is not a schema, or uses a keyword that cannot be checked here.
 */
export function readJsonSchema(schema: Record<string, unknown>): SchemaCheck {
  const flaw = flawOf(schema);
  if (flaw !== undefined) throw new Error(flaw);
  const compiled = z.fromJSONSchema(typed(schema) as Parameters<typeof z.fromJSONSchema>[0]);
  return (value, path) => {
    const result = compiled.safeParse(value);
    if (result.success) return undefined;
    return describeIssues(result.error.issues, value, path, { noun: "field", names: fieldNames(schema) });
  };
}

const SCHEMA_MAPS = ["properties", "patternProperties", "$defs", "definitions"];
const SCHEMA_LISTS = ["anyOf", "oneOf", "allOf", "prefixItems"];
const MAX_DEPTH = 100;

/** What zod would take without a word although it means nothing. */
function flawOf(schema: unknown, path = "", depth = 0): string | undefined {
  if (typeof schema === "boolean" && depth > 0) return undefined;
  const rules = recordOf(schema);
  const at = path === "" ? "it" : `"${path}"`;
  if (rules === undefined) return `${at} must be an object`;
  if (depth > MAX_DEPTH) return "it is nested too deep";
  const { required } = rules;
  if (required !== undefined && !(Array.isArray(required) && required.every((name) => typeof name === "string"))) {
    return `"${join(path, "required")}" must be a list of names`;
  }
  for (const key of SCHEMA_MAPS) {
    if (rules[key] === undefined) continue;
    const entries = recordOf(rules[key]);
    if (entries === undefined) return `"${join(path, key)}" must be an object`;
    for (const [name, part] of Object.entries(entries)) {
      const flaw = flawOf(part, join(path, key, name), depth + 1);
      if (flaw !== undefined) return flaw;
    }
  }
  for (const key of SCHEMA_LISTS) {
    if (rules[key] === undefined) continue;
    if (!Array.isArray(rules[key])) return `"${join(path, key)}" must be a list`;
    for (const [index, part] of rules[key].entries()) {
      const flaw = flawOf(part, join(path, key, String(index)), depth + 1);
      if (flaw !== undefined) return flaw;
    }
  }
  return recordOf(rules["items"]) === undefined ? undefined : flawOf(rules["items"], join(path, "items"), depth + 1);
}

function join(...parts: string[]): string {
  return parts.filter((part) => part !== "").join(".");
}

/** The schema with `type: "object"` wherever properties imply it, which is how models and people read it. */
function typed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(typed);
  const rules = recordOf(schema);
  if (rules === undefined) return schema;
  const copy: Record<string, unknown> = { ...rules };
  if (copy["type"] === undefined && ("properties" in copy || "required" in copy)) copy["type"] = "object";
  for (const key of SCHEMA_MAPS) {
    const entries = recordOf(copy[key]);
    if (entries) copy[key] = Object.fromEntries(Object.entries(entries).map(([name, part]) => [name, typed(part)]));
  }
  for (const key of [...SCHEMA_LISTS, "items", "additionalProperties"]) {
    if (typeof copy[key] === "object") copy[key] = typed(copy[key]);
  }
  return copy;
}

function fieldNames(schema: Record<string, unknown>): string[] {
  return Object.keys(recordOf(schema["properties"]) ?? {});
}
