import { createRequire, SourceMap, type SourceMapPayload } from "node:module";
import type { parse as Parse, AnyNode, Expression, Node, ObjectExpression, Program, Property } from "acorn";
import { GeppettoError } from "../shared/errors.ts";
import { configError, type Position, type Source } from "./config-error.ts";

/** A script's `export const options`: its value, and where its parts stand. */
export interface ScriptOptionsLiteral extends Source {
  value: unknown;
}

const PARSING = { ecmaVersion: "latest", sourceType: "module", locations: true } as const;
const HOW = "write them as export const options = { … }, without names, calls and ${…}";

/**
 * Reads `export const options = { … }` of a module without running it; undefined where it exports no options. Texts,
 * numbers, true, false, null, lists and objects may stand in it, and templates without `${…}`. A script that does not
 * parse is the engine's to report, unless it looks as if it had options.
 *
 * @param label the script's name in errors.
 * @throws {GeppettoError} ConfigError with line and column for options that are not a literal; with the code
 *   ERR_SCRIPT_LOAD for options in a script that does not parse.
 * @example
 * readScriptOptions(`export const options = { chat: { seed: 7 } };`, "a.js")?.value; // { chat: { seed: 7 } }
 */
export function readScriptOptions(source: string, label: string): ScriptOptionsLiteral | undefined {
  if (!/\bexport\b/.test(source) || !/\boptions\b/.test(source)) return undefined;
  const found = parseModule(source, label)
    ?.body.map(exportedOptions)
    .find((node) => node !== undefined);
  if (found === undefined) return undefined;
  if (found.type !== "ObjectExpression") throw notLiteral(found, label);
  return { label, value: readLiteral(found, label), locate: (path, part) => locate(found, path, part) };
}

function parseModule(source: string, label: string): Program | undefined {
  const { parse } = createRequire(import.meta.url)("acorn") as typeof import("acorn");
  const isTyped = /\.[cm]?tsx?$/.test(label);
  try {
    return isTyped ? parseTyped(source, parse) : parse(source, PARSING);
  } catch (error) {
    // What is wrong with TypeScript the engine says, which has to read it, too.
    if (isTyped || !/\bexport\s+(?:const|let|var)\s+options\b/.test(source)) return undefined;
    const { message, loc } = error as { message: string; loc?: { line: number; column: number } };
    const place = loc === undefined ? label : `${label}:${loc.line}:${loc.column + 1}`;
    const what = message.replace(/ \(\d+:\d+\)$/, "");
    throw new GeppettoError(
      "ConfigError",
      `Cannot read the options of ${place}: ${what.charAt(0).toLowerCase()}${what.slice(1)}`,
      { code: "ERR_SCRIPT_LOAD" },
    );
  }
}

/** Parses TypeScript by way of JavaScript; the positions in the tree are those of what was written. */
function parseTyped(source: string, parse: typeof Parse): Program {
  const { transformSync } = createRequire(import.meta.url)("esbuild") as typeof import("esbuild");
  const { code, map } = transformSync(source, { loader: "ts", sourcemap: "external", logLevel: "silent" });
  const program = parse(code, PARSING);
  const written = new SourceMap(JSON.parse(map) as SourceMapPayload);
  const open: unknown[] = [program];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== "object" || next === null) continue;
    const { start } = (next as Node).loc ?? {};
    if (start !== undefined) {
      const entry = written.findEntry(start.line - 1, start.column);
      if ("originalLine" in entry) Object.assign(start, { line: entry.originalLine + 1, column: entry.originalColumn });
    }
    open.push(...Object.entries(next).flatMap(([name, value]) => (name === "loc" ? [] : [value as unknown])));
  }
  return program;
}

/** What a statement exports as `options`: the value behind it where that is a constant's, else the statement's part. */
function exportedOptions(statement: Program["body"][number]): AnyNode | undefined {
  if (statement.type !== "ExportNamedDeclaration") return undefined;
  const { declaration, specifiers } = statement;
  const renamed = specifiers.find(({ exported }) => nameOf(exported) === "options");
  if (renamed !== undefined) return renamed;
  if (declaration?.type !== "VariableDeclaration") {
    return declaration?.id.name === "options" ? declaration : undefined;
  }
  const declared = declaration.declarations.find(({ id }) => binds(id, "options"));
  const isConstant = declaration.kind === "const" && declared?.id.type === "Identifier";
  return isConstant ? (declared.init ?? declared) : declared;
}

/** Does a pattern declare this name? */
function binds(pattern: AnyNode, name: string): boolean {
  switch (pattern.type) {
    case "Identifier":
      return pattern.name === name;
    case "ObjectPattern":
      return pattern.properties.some((part) => binds(part.type === "Property" ? part.value : part, name));
    case "ArrayPattern":
      return pattern.elements.some((part) => part !== null && binds(part, name));
    case "AssignmentPattern":
      return binds(pattern.left, name);
    case "RestElement":
      return binds(pattern.argument, name);
    default:
      return false;
  }
}

function readLiteral(node: Expression, label: string): unknown {
  switch (node.type) {
    case "Literal":
      if (node.regex || node.bigint) break;
      return node.value;
    case "TemplateLiteral":
      if (node.expressions.length > 0) break;
      return node.quasis[0]!.value.cooked;
    case "UnaryExpression": {
      const { operator, argument } = node;
      if (!/^[-+]$/.test(operator) || argument.type !== "Literal" || typeof argument.value !== "number") break;
      return operator === "-" ? -argument.value : argument.value;
    }
    case "ArrayExpression":
      return node.elements.map((element) => {
        if (element === null || element.type === "SpreadElement") throw notLiteral(element ?? node, label);
        return readLiteral(element, label);
      });
    case "ObjectExpression":
      return readObject(node, label);
  }
  throw notLiteral(node, label);
}

function readObject({ properties }: ObjectExpression, label: string): Record<string, unknown> {
  // Without a prototype, so that "__proto__" is a key like all others.
  const fields = Object.create(null) as Record<string, unknown>;
  for (const property of properties) {
    if (property.type === "SpreadElement" || property.computed || property.method || property.kind !== "init") {
      throw notLiteral(property, label);
    }
    fields[keyOf(property)] = readLiteral(property.value, label);
  }
  return fields;
}

function keyOf({ key }: Property): string {
  return nameOf(key);
}

function nameOf(node: Node): string {
  const { name, value } = node as { name?: string; value?: unknown };
  return name ?? String(value);
}

function locate(root: AnyNode, path: readonly string[], part: "key" | "value"): Position | undefined {
  let node: AnyNode | null = root;
  let found: Node = root;
  for (const [depth, name] of path.entries()) {
    if (node?.type === "ArrayExpression") {
      node = node.elements[Number(name)] ?? null;
      found = node ?? found;
      continue;
    }
    if (node?.type !== "ObjectExpression") break;
    const property: ObjectExpression["properties"][number] | undefined = node.properties.findLast(
      (item) => item.type === "Property" && keyOf(item) === name,
    );
    if (property?.type !== "Property") break;
    found = depth === path.length - 1 && part === "key" ? property.key : property.value;
    node = property.value;
  }
  return positionOf(found);
}

function positionOf({ loc }: Node): Position | undefined {
  return loc ? { line: loc.start.line, column: loc.start.column + 1 } : undefined;
}

function notLiteral(node: Node, label: string): GeppettoError {
  const at = positionOf(node);
  const place = at === undefined ? label : `${label}:${at.line}:${at.column}`;
  return configError(place, `a script's options must be a literal: ${HOW}`, "ERR_CONFIG_SCRIPT");
}
