import { listOf, recordOf, stringOf } from "./unknown-fields.ts";

interface Issue extends Record<string, unknown> {
  path: (string | number)[];
}

const NOUNS: Record<string, string> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "a boolean",
  array: "a list",
  object: "an object",
  record: "an object",
};

/** The first of zod's issues as `messages[3].role: expected "user" or "system", found "bot"`; `value` is what was checked. */
export function describeIssues(issues: readonly unknown[], value: unknown, prefix: string): string {
  const issue = deepest((issues[0] ?? { path: [] }) as Issue);
  const isTopOption = prefix === "" && issue.path.length === 0;
  const path = isTopOption ? "input" : formatPath(prefix, issue.path);
  // The whole text is said already.
  if (recordOf(issue["params"])?.["isWhole"] === true) return `${path}: ${String(issue["message"])}`;
  const found = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);
  return `${path}: expected ${expectation(issue)}, found ${describeValue(found)}`;
}

/** Of a union's branches the one that got furthest, since that is the one that was meant. */
function deepest(issue: Issue): Issue {
  const branches = (listOf(issue["errors"]) ?? []) as Issue[][];
  if (issue["code"] !== "invalid_union" || branches.length === 0) return issue;
  const tried = branches.filter((branch) => branch[0]).map((branch) => deepest(branch[0]!));
  const furthest = Math.max(...tried.map(({ path }) => path.length));
  if (furthest > 0) {
    const best = tried.find(({ path }) => path.length === furthest)!;
    return { ...best, path: [...issue.path, ...best.path] };
  }
  return { path: issue.path, code: "either", expected: tried.map(expectation) };
}

function expectation(issue: Issue): string {
  const { code } = issue;
  if (code === "either") return (issue["expected"] as string[]).join(" or ");
  if (code === "invalid_value")
    return (listOf(issue["values"]) ?? []).map((value) => JSON.stringify(value)).join(" or ");
  if (code === "too_small" && issue["origin"] === "string" && issue["minimum"] === 1) return "a text that is not empty";
  if (code === "too_small")
    return `${issue["inclusive"] === false ? "more than" : "at least"} ${amount(issue, "minimum")}`;
  if (code === "too_big")
    return `${issue["inclusive"] === false ? "less than" : "at most"} ${amount(issue, "maximum")}`;
  if (code === "invalid_format" || code === "custom") return stringOf(issue["message"]) ?? "another form";
  const type = stringOf(issue["expected"]) ?? "";
  return NOUNS[type] ?? type;
}

function amount(issue: Issue, bound: "minimum" | "maximum"): string {
  const unit = issue["origin"] === "string" ? " characters" : issue["origin"] === "array" ? " items" : "";
  return `${String(issue[bound])}${unit}`;
}

export function formatPath(prefix: string, path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (text, key) => (typeof key === "number" ? `${text}[${key}]` : text === "" ? key : `${text}.${key}`),
    prefix,
  );
}

/** What was found, short. */
export function describeValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (recordOf(value)) return "an object";
  if (typeof value === "number" || typeof value === "boolean") return `${value}`;
  if (typeof value !== "string") return `a ${typeof value}`;
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 59).toWellFormed()}…` : value.toWellFormed());
}
