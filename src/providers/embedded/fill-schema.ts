import { sentencesOf } from "./demo-answer.ts";
import { countOf, listOf, recordOf, stringOf } from "../input/unknown-fields.ts";

const MAX_DEPTH = 8;
const MAX_ITEMS = 100;
/** Most values in one document: a schema that refers to itself could ask for any number. */
const MAX_VALUES = 2000;
const MAX_TEXT = 10_000;
/** Most characters of all strings together that are taken from the text. */
const MAX_CHARS = 1_000_000;
const FORMATS: Record<string, string> = {
  date: "2026-01-01",
  time: "12:00:00Z",
  "date-time": "2026-01-01T12:00:00Z",
  duration: "PT1H",
  email: "demo@example.com",
  hostname: "example.com",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uri: "https://example.com/",
  uuid: "00000000-0000-4000-8000-000000000000",
};

/**
 * A value that fits a JSON schema, with strings and numbers taken from `text` where the schema leaves the choice. Knows
 * types, enum, const, default, examples, $ref within the schema, anyOf, oneOf, allOf, lengths and bounds; not pattern.
 */
export function fillSchema(schema: Record<string, unknown>, text: string): unknown {
  // Looked for once: a schema may have thousands of places for either.
  const sentence = (sentencesOf(text)[0] ?? "demo").slice(0, MAX_TEXT);
  const number = Number(/-?\d+(?:\.\d+)?/.exec(text)?.[0] ?? 1);
  return fill(schema, { root: schema, sentence, number, depth: 0, budget: { values: MAX_VALUES, chars: MAX_CHARS } });
}

interface Place {
  root: Record<string, unknown>;
  /** What strings and numbers are where the schema leaves the choice. */
  sentence: string;
  number: number;
  depth: number;
  /** Shared by all places of one document. */
  budget: { values: number; chars: number };
}

function fill(schema: unknown, place: Place): unknown {
  const rules = recordOf(resolve(schema, place.root));
  if (!rules || place.depth > MAX_DEPTH || place.budget.values-- <= 0) return null;
  const inner = { ...place, depth: place.depth + 1 };
  if ("const" in rules) return rules["const"];
  if (listOf(rules["enum"])?.length) return listOf(rules["enum"])![0];
  if ("default" in rules) return rules["default"];
  if (listOf(rules["examples"])?.length) return listOf(rules["examples"])![0];
  const alternatives = listOf(rules["anyOf"]) ?? listOf(rules["oneOf"]);
  if (alternatives?.length) return fill(alternatives[0], inner);
  const parts = listOf(rules["allOf"]);
  if (parts?.length) return fill(merge(rules, parts, place.root), inner);
  switch (typeOf(rules)) {
    case "object":
      return fillObject(rules, inner);
    case "array":
      return fillArray(rules, inner);
    case "string":
      return fillString(rules, place);
    case "number":
    case "integer":
      return fillNumber(rules, place.number);
    case "boolean":
      return true;
    default:
      return null;
  }
}

function typeOf(rules: Record<string, unknown>): string {
  const type = stringOf(rules["type"]) ?? stringOf(listOf(rules["type"])?.find((name) => name !== "null"));
  return type ?? ("properties" in rules ? "object" : "items" in rules ? "array" : "string");
}

function resolve(schema: unknown, root: Record<string, unknown>): unknown {
  let current = schema;
  for (let hops = 0; hops < MAX_DEPTH; hops++) {
    const reference = stringOf(recordOf(current)?.["$ref"]);
    if (!reference?.startsWith("#")) return current;
    current = reference
      .slice(1)
      .split("/")
      .filter((step) => step !== "")
      .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
      .reduce<unknown>((at, step) => recordOf(at)?.[step], root);
  }
  return undefined;
}

function merge(rules: Record<string, unknown>, parts: unknown[], root: Record<string, unknown>) {
  const { allOf: _, ...merged } = rules;
  for (const part of parts) {
    const more = recordOf(resolve(part, root)) ?? {};
    const properties = { ...recordOf(merged["properties"]), ...recordOf(more["properties"]) };
    Object.assign(merged, more, Object.keys(properties).length > 0 ? { properties } : {});
  }
  return merged;
}

function fillObject(rules: Record<string, unknown>, place: Place): Record<string, unknown> {
  const properties = Object.entries(recordOf(rules["properties"]) ?? {});
  const required = listOf(rules["required"]) ?? [];
  // Below the depth limit only what must be there keeps a recursive schema finite.
  const wanted = properties.filter(([name]) => place.depth < MAX_DEPTH - 2 || required.includes(name));
  return Object.fromEntries(wanted.map(([name, rule]) => [name, fill(rule, place)]));
}

function fillArray(rules: Record<string, unknown>, place: Place): unknown[] {
  const fixed = listOf(rules["prefixItems"]);
  if (fixed) return fixed.map((rule) => fill(rule, place));
  const least = countOf(rules["minItems"]) ?? (place.depth < MAX_DEPTH - 2 ? 1 : 0);
  const length = Math.min(least, countOf(rules["maxItems"]) ?? MAX_ITEMS, MAX_ITEMS);
  return Array.from({ length }, () => fill(rules["items"] ?? { type: "string" }, place));
}

function fillString(rules: Record<string, unknown>, { sentence, budget }: Place): string {
  const format = FORMATS[stringOf(rules["format"]) ?? ""];
  if (format !== undefined) return format;
  const filled = sentence.padEnd(Math.min(countOf(rules["minLength"]) ?? 0, MAX_TEXT), ".");
  const text = filled.slice(0, Math.min(countOf(rules["maxLength"]) ?? filled.length, budget.chars)).toWellFormed();
  budget.chars -= text.length;
  return text;
}

function fillNumber(rules: Record<string, unknown>, found: number): number {
  const isInteger = rules["type"] === "integer";
  const bound = (name: string): number | undefined => (typeof rules[name] === "number" ? rules[name] : undefined);
  const above = bound("exclusiveMinimum");
  const below = bound("exclusiveMaximum");
  const least = bound("minimum") ?? (above === undefined ? -Infinity : isInteger ? above + 1 : above + 1e-6);
  const most = bound("maximum") ?? (below === undefined ? Infinity : isInteger ? below - 1 : below - 1e-6);
  const value = Math.min(most, Math.max(least, isInteger ? Math.trunc(found) : found));
  const step = bound("multipleOf");
  return step ? Math.ceil(value / step) * step : value;
}
