import type { OutputUnit } from "@cfworker/json-schema";
import { closestName } from "../../shared/closest-name.ts";
import { describeValue, formatPath } from "../input/describe-issues.ts";
import { listOf, recordOf } from "../input/unknown-fields.ts";

type Rules = Record<string, unknown>;
type Path = (string | number)[];

/** What a validator found, and where to look up what it speaks of. */
export interface Failure {
  errors: readonly OutputUnit[];
  schema: unknown;
  /** All schemas that a reference may lead to, by address. */
  lookup: Record<string, unknown>;
  value: unknown;
}

const NOUNS: Record<string, string> = {
  string: "a string",
  number: "a number",
  integer: "a whole number",
  boolean: "a boolean",
  array: "a list",
  object: "an object",
  null: "null",
};
/** Keywords that only say that something inside does not fit. */
const CONTAINERS = new Set(
  "$ref $recursiveRef allOf anyOf oneOf if properties patternProperties additionalProperties unevaluatedProperties dependentSchemas prefixItems items additionalItems unevaluatedItems contains propertyNames".split(
    " ",
  ),
);
const MAX_LISTED = 20;
/** Where the validator keeps the address that a reference leads to. */
const REFERENCE = "__absolute_ref__";

/** What is wrong with the value, as `input.city: expected a string, found nothing`. */
export function describeErrors(failure: Failure, prefix: string): string {
  const leaves = failure.errors.filter(isLeaf);
  // One of the branches that were tried got furthest: that one was meant.
  const depthOf = ({ instanceLocation }: OutputUnit): number => instanceLocation.split("/").length;
  const deepest = leaves.reduce((most, leaf) => Math.max(most, depthOf(leaf)), 0);
  const meant = leaves.filter((leaf) => depthOf(leaf) === deepest);
  const [first] = meant;
  if (first === undefined) return describeContainer(failure, prefix);
  const same = meant.filter(({ instanceLocation }) => instanceLocation === first.instanceLocation);
  const told = same.map((leaf) => describeLeaf(leaf, failure));
  const { path, whole } = told[0]!;
  const at = formatPath(prefix, path);
  if (whole !== undefined) return `${at}: ${whole}`;
  const alike = told.filter((leaf) => leaf.whole === undefined && leaf.path.length === path.length);
  const expected = [...new Set(alike.map((leaf) => leaf.expected))].join(" or ");
  return `${at}: expected ${expected}, found ${describeValue(valueAt(failure.value, path))}`;
}

function isLeaf({ keyword, error }: OutputUnit): boolean {
  return keyword === "dependencies" ? error.includes("does not have") : !CONTAINERS.has(keyword);
}

interface Told {
  path: Path;
  expected?: string;
  /** In place of what was expected and found. */
  whole?: string;
}

function describeLeaf({ keyword, instanceLocation, keywordLocation, error }: OutputUnit, failure: Failure): Told {
  const path = toPath(instanceLocation, failure.value);
  const found = valueAt(failure.value, path);
  const rules = rulesAt(keywordLocation, failure);
  const bound = rules[keyword];
  const name = /"(.*?)"/s.exec(error)?.[1] ?? "";
  const told = (expected: string): Told => ({ path, expected });
  const unit = typeof found === "string" ? " characters" : Array.isArray(found) ? " items" : " fields";
  if (keywordLocation.includes("/propertyNames/")) return { path, whole: "the name of the field does not fit" };
  switch (keyword) {
    case "type":
      return told(typeNames(bound));
    case "const":
      return told(show(bound));
    case "enum":
      return told(oneOf(listOf(bound) ?? []));
    case "required": {
      const missing = listOf(bound)?.find((key) => !Object.hasOwn(found as object, String(key)));
      return {
        path: [...path, String(missing)],
        expected: expectationOf(recordOf(rules["properties"])?.[String(missing)]),
      };
    }
    case "dependentRequired":
    case "dependencies": {
      const [needs = "", needed = ""] = [...error.matchAll(/"(.*?)"/gs)].map(([, key]) => key ?? "");
      return { path: [...path, needed], expected: `a value, since ${JSON.stringify(needs)} is there` };
    }
    case "minLength":
    case "minItems":
    case "minProperties":
      return told(`at least ${String(bound)}${unit}`);
    case "maxLength":
    case "maxItems":
    case "maxProperties":
      return told(`at most ${String(bound)}${unit}`);
    case "minimum":
      return told(`at least ${String(bound)}`);
    case "maximum":
      return told(`at most ${String(bound)}`);
    case "exclusiveMinimum":
      return told(`more than ${String(bound)}`);
    case "exclusiveMaximum":
      return told(`less than ${String(bound)}`);
    case "multipleOf":
      return told(`a multiple of ${String(bound)}`);
    case "pattern":
      return told(`a text that fits the pattern ${show(bound)}`);
    case "format":
      return told(`a text of the format ${show(bound)}`);
    case "uniqueItems": {
      const [, again] = /indexes \d+ and (\d+)/.exec(error) ?? [];
      return {
        path: again === undefined ? path : [...path, Number(again)],
        expected: "an item that is not there already",
      };
    }
    case "minContains":
    case "maxContains":
      return told(`${keyword === "minContains" ? "at least" : "at most"} ${String(bound)} items that fit "contains"`);
    case "not":
      return told(isOfOneWord(bound) ? `anything but ${expectationOf(bound)}` : 'what does not fit "not"');
    case "false":
      return describeForbidden(path, keywordLocation, failure);
    default:
      return told(`what ${keyword} says${name === "" ? "" : ` of ${name}`}`);
  }
}

/** A field that a closed object does not have. */
function describeForbidden(path: Path, keywordLocation: string, failure: Failure): Told {
  const key = path.at(-1);
  const error = failure.errors.find(
    ({ keyword, instanceLocation }) =>
      /^(?:additional|unevaluated)Properties$/.test(keyword) &&
      toPath(instanceLocation, failure.value).length === path.length - 1,
  );
  if (typeof key !== "string" || error === undefined)
    return { path, whole: `nothing may stand here (${keywordLocation})` };
  const names = Object.keys(recordOf(rulesAt(error.keywordLocation, failure)["properties"]) ?? {});
  const close = closestName(key, names);
  return { path, whole: `no such field${close ? `, did you mean "${close}"?` : ""}` };
}

/** A schema whose parts all fit, or too many of them. */
function describeContainer({ errors, value }: Failure, prefix: string): string {
  const error = errors.at(-1);
  if (error === undefined) return `${prefix}: it does not fit`;
  const at = formatPath(prefix, toPath(error.instanceLocation, value));
  if (error.keyword === "oneOf") return `${at}: expected to fit exactly one of the schemas of oneOf`;
  if (error.keyword === "contains") return `${at}: expected an item that fits "contains", found an empty list`;
  return `${at}: it does not fit ${error.keyword}`;
}

/** What a schema wants, in short. */
function expectationOf(schema: unknown): string {
  const rules = recordOf(schema);
  if (rules === undefined) return "a value";
  if ("const" in rules) return show(rules["const"]);
  if (Array.isArray(rules["enum"])) return oneOf(rules["enum"]);
  const { type } = rules;
  if (type === undefined) return "a value";
  // Whether it is whole is the next question.
  return typeNames(type === "integer" ? "number" : type);
}

/** Is its expectation all that it says? */
function isOfOneWord(schema: unknown): boolean {
  const [word, ...more] = Object.keys(recordOf(schema) ?? {});
  return more.length === 0 && (word === "const" || word === "enum" || word === "type");
}

function typeNames(type: unknown): string {
  return (listOf(type) ?? [type]).map((name) => NOUNS[String(name)] ?? String(name)).join(" or ");
}

function oneOf(values: readonly unknown[]): string {
  const more = values.length > MAX_LISTED ? " or another of the list" : "";
  return values.slice(0, MAX_LISTED).map(show).join(" or ") + more;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 200 ? `${text.slice(0, 199).toWellFormed()}…` : text;
}

/** `#/tags/0` as the way through the value: names in objects, numbers in lists. */
function toPath(location: string, value: unknown): Path {
  const path: Path = [];
  for (const part of segmentsOf(location)) {
    path.push(Array.isArray(valueAt(value, path)) ? Number(part) : part);
  }
  return path;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, key) => {
    const isThere = typeof at === "object" && at !== null && Object.hasOwn(at, key);
    return isThere ? (at as Record<string | number, unknown>)[key] : undefined;
  }, value);
}

/** The schema that a keyword stands in; its location leads through references. */
function rulesAt(location: string, { schema, lookup }: Failure): Rules {
  let at: unknown = schema;
  for (const part of segmentsOf(location).slice(0, -1)) {
    const rules = recordOf(at) ?? (Array.isArray(at) ? (at as unknown as Rules) : {});
    const reference = part === "$ref" ? rules[REFERENCE] : undefined;
    at = typeof reference === "string" ? lookup[reference] : rules[part];
  }
  return recordOf(at) ?? {};
}

function segmentsOf(location: string): string[] {
  return location
    .split("/")
    .slice(1)
    .map((part) => decoded(part).replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The validator writes places as URIs do. */
function decoded(part: string): string {
  try {
    return decodeURI(part);
  } catch {
    return part;
  }
}
