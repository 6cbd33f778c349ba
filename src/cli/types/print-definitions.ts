import type { DeclaredOps } from "./declared-ops.ts";
import type { HostDefinition } from "./engine-definitions.ts";

/** How deep the type of a value is told. */
const MAX_DEPTH = 8;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

const HELPERS = `  /** A function that the script gets a promise from. */
  type Later<F> = F extends (...args: infer Args) => infer Answer ? (...args: Args) => Promise<Awaited<Answer>> : never;
  /** A function that the script waits for. */
  type AtOnce<F> = F extends (...args: infer Args) => infer Answer ? (...args: Args) => Awaited<Answer> : never;`;

/** What is under one name: its own type, and those of what is under it after a dot. */
interface Entry {
  type?: string;
  members: Map<string, Entry>;
}

/**
 * What a host app gives scripts, as ambient types.
 *
 * @param known the names that are declared already
 */
export function printDefinitions(
  definitions: readonly HostDefinition[],
  { members, types, warnings }: DeclaredOps,
  known: ReadonlySet<string>,
): string {
  const root: Entry = { members: new Map() };
  for (const definition of definitions) {
    const { name } = definition;
    const [first = ""] = name.split(".");
    if (known.has(name)) continue;
    if (known.has(first)) warnings.push(`${name} is left out: ${first} is a global that scripts always have`);
    else entryFor(root, name).type = typeOf(definition, members);
  }
  const used = definitions
    .filter(({ name }) => members.has(name))
    .map(({ name }) => indent(`${members.get(name)!};`, 4));
  const globals = [...root.members].map(([name, entry]) => `declare const ${name}: ${printEntry(entry)};`);
  if (globals.length === 0) return "";
  const namespace = [
    "/** What the host app has declared of its own functions. */",
    "declare namespace HostTypes {",
    ...types.map((text) => indent(text, 2)),
    "  interface Ops {",
    ...used,
    "  }",
    HELPERS,
    "}",
  ];
  return [...(used.length === 0 ? [] : [namespace.join("\n")]), ...globals].join("\n\n");
}

function entryFor(root: Entry, name: string): Entry {
  let entry = root;
  for (const part of name.split(".")) {
    const next = entry.members.get(part) ?? { members: new Map() };
    entry.members.set(part, next);
    entry = next;
  }
  return entry;
}

function typeOf({ kind, name, mode, value }: HostDefinition, members: ReadonlyMap<string, string>): string {
  if (kind === "step") return "Step<any, any>";
  if (kind === "value") return typeOfValue(value, 0);
  const isLater = mode === "async";
  if (!members.has(name)) return `(...args: any[]) => ${isLater ? "Promise<any>" : "any"}`;
  return `HostTypes.${isLater ? "Later" : "AtOnce"}<HostTypes.Ops[${JSON.stringify(name)}]>`;
}

function typeOfValue(value: unknown, depth: number): string {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  if (depth >= MAX_DEPTH) return "unknown";
  if (Array.isArray(value)) {
    const types = new Set(value.map((element) => typeOfValue(element, depth + 1)));
    return types.size === 0 ? "unknown[]" : `(${[...types].join(" | ")})[]`;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return "any";
  const fields = Object.entries(value).map(([key, of]) => `${printKey(key)}: ${typeOfValue(of, depth + 1)}`);
  return fields.length === 0 ? "object" : `{ ${fields.join("; ")} }`;
}

function printEntry({ type, members }: Entry): string {
  const nested = [...members].map(([name, entry]) => indent(`${printKey(name)}: ${printEntry(entry)};`, 2));
  const object = `{\n${nested.join("\n")}\n}`;
  if (nested.length === 0) return type ?? "unknown";
  return type === undefined ? object : `(${type}) & ${object}`;
}

function printKey(key: string): string {
  return IDENTIFIER.test(key) ? key : JSON.stringify(key);
}

function indent(text: string, by: number): string {
  return text.replace(/^(?=.)/gm, " ".repeat(by));
}
