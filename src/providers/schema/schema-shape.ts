import { compilePattern } from "./linear-pattern.ts";
import { listOf, recordOf } from "../input/unknown-fields.ts";

type Rules = Record<string, unknown>;

/** Keywords that hold schemas: one, some by name, some in a list. */
const ONES = [
  "additionalItems",
  "additionalProperties",
  "contains",
  "else",
  "if",
  "items",
  "not",
  "propertyNames",
  "then",
  "unevaluatedItems",
  "unevaluatedProperties",
];
const MAPS = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];
const LISTS = ["anyOf", "oneOf", "allOf", "prefixItems"];
/** Where a schema says what a value is to be, and not what it must not be, or when something else counts. */
const AFFIRMATIVE = new Set([...MAPS, ...LISTS, "items", "additionalProperties", "then", "else"]);
const TYPES = new Set(["string", "number", "integer", "boolean", "object", "array", "null"]);
const NUMBERS =
  "minLength maxLength minItems maxItems minProperties maxProperties minContains maxContains multipleOf".split(" ");
const MAX_DEPTH = 100;

/** Of a whole schema one keyword at least is to be known: fields without a schema around them are a common slip. */
const KEYWORDS = new Set([
  ...ONES,
  ...MAPS,
  ...LISTS,
  ...NUMBERS,
  ..."$schema $id $ref $anchor $dynamicRef $dynamicAnchor $recursiveRef $comment id title description default examples deprecated readOnly writeOnly type enum const required minimum maximum exclusiveMinimum exclusiveMaximum pattern format uniqueItems dependentRequired dependencies contentEncoding contentMediaType contentSchema nullable discriminator example strict".split(
    " ",
  ),
]);

/** What a validator would take without a word although it means nothing; undefined for a schema without flaw. */
export function flawOfSchema(schema: unknown): string | undefined {
  const fields = Object.keys(recordOf(schema) ?? {});
  if (fields.length > 0 && !fields.some((field) => KEYWORDS.has(field) || field.startsWith("x-"))) {
    return `none of its fields is a keyword of JSON schema: ${fields.slice(0, 5).join(", ")}`;
  }
  return flawOf(schema);
}

function flawOf(schema: unknown, path = "", depth = 0): string | undefined {
  if (typeof schema === "boolean" && depth > 0) return undefined;
  const rules = recordOf(schema);
  const at = path === "" ? "it" : `"${path}"`;
  if (rules === undefined) return `${at} must be an object`;
  if (depth > MAX_DEPTH) return "it is nested too deep";
  return flawOfWords(rules, path) ?? flawOfParts(rules, path, depth);
}

function flawOfWords(rules: Rules, path: string): string | undefined {
  const { type, required, pattern, $ref } = rules;
  const at = (keyword: string): string => `"${join(path, keyword)}"`;
  for (const name of type === undefined ? [] : (listOf(type) ?? [type])) {
    if (typeof name === "string" && TYPES.has(name)) continue;
    return `${at("type")}: Unsupported type: ${JSON.stringify(name).replaceAll('"', "")}, it must be one of ${[...TYPES].join(", ")}`;
  }
  if (required !== undefined && !isNames(required)) return `${at("required")} must be a list of names`;
  if (rules["enum"] !== undefined && !Array.isArray(rules["enum"])) return `${at("enum")} must be a list`;
  if ($ref !== undefined && typeof $ref !== "string") return `${at("$ref")} must be a text`;
  for (const keyword of NUMBERS) {
    const bound = rules[keyword];
    if (bound !== undefined && !(typeof bound === "number" && bound >= 0))
      return `${at(keyword)} must be a number from 0`;
  }
  for (const [name, names] of Object.entries(recordOf(rules["dependentRequired"]) ?? {})) {
    if (!isNames(names)) return `${at(`dependentRequired.${name}`)} must be a list of names`;
  }
  if (pattern === undefined) return undefined;
  return typeof pattern === "string" ? flawOfPattern(pattern, at("pattern")) : `${at("pattern")} must be a text`;
}

function flawOfParts(rules: Rules, path: string, depth: number): string | undefined {
  for (const key of MAPS) {
    if (rules[key] === undefined) continue;
    const entries = recordOf(rules[key]);
    if (entries === undefined) return `"${join(path, key)}" must be an object`;
    for (const [name, part] of Object.entries(entries)) {
      const place = join(path, key, name);
      const flaw =
        (key === "patternProperties" ? flawOfPattern(name, `"${place}"`) : undefined) ?? flawOf(part, place, depth + 1);
      if (flaw !== undefined) return flaw;
    }
  }
  for (const key of LISTS) {
    if (rules[key] === undefined) continue;
    const parts = listOf(rules[key]);
    if (parts === undefined) return `"${join(path, key)}" must be a list`;
    const flaw = flawOfList(parts, join(path, key), depth);
    if (flaw !== undefined) return flaw;
  }
  for (const key of ONES) {
    const part = rules[key];
    if (part === undefined || typeof part === "boolean") continue;
    // Earlier drafts have a list here.
    const list = key === "items" ? listOf(part) : undefined;
    const flaw =
      list === undefined ? flawOf(part, join(path, key), depth + 1) : flawOfList(list, join(path, key), depth);
    if (flaw !== undefined) return flaw;
  }
  return undefined;
}

function flawOfList(parts: readonly unknown[], path: string, depth: number): string | undefined {
  for (const [index, part] of parts.entries()) {
    const flaw = flawOf(part, join(path, String(index)), depth + 1);
    if (flaw !== undefined) return flaw;
  }
  return undefined;
}

function flawOfPattern(pattern: string, at: string): string | undefined {
  try {
    compilePattern(pattern);
    return undefined;
  } catch (error) {
    return `${at} must be a regular expression: ${(error as Error).message.slice(0, 100)}`;
  }
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}

function join(...parts: string[]): string {
  return parts.filter((part) => part !== "").join(".");
}

/**
 * The schema as models and people read it: `type: "object"` wherever properties imply it, and null where OpenAPI's
 * `nullable` allows it.
 */
export function withImpliedTypes(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withImpliedTypes);
  const rules = recordOf(schema);
  if (rules === undefined) return schema;
  const copy: Rules = { ...rules };
  if (copy["type"] === undefined && ("properties" in copy || "required" in copy)) copy["type"] = "object";
  if (copy["nullable"] === true && typeof copy["type"] === "string") copy["type"] = [copy["type"], "null"];
  for (const [key, part] of Object.entries(copy)) {
    if (!AFFIRMATIVE.has(key) || typeof part !== "object" || part === null) continue;
    copy[key] = MAPS.includes(key)
      ? Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, withImpliedTypes(inner)]))
      : withImpliedTypes(part);
  }
  return copy;
}
