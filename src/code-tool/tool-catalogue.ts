import { toSchema } from "../../runtime-setup/tools.ts";
import { GeppettoError } from "../shared/errors.ts";
import type { CodeFunction } from "./code-tool-options.ts";
import { schemaType } from "../providers/schema/schema-type.ts";
import { compactDeclarations, type DescribedFunction } from "./compact-declarations.ts";
import { shareTypes } from "./shared-types.ts";

const NAME = /^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*$/;
/** Names that lead out of an object of functions. */
const UNSAFE: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);
const NO_INPUT: Record<string, unknown> = { type: "object", properties: {} };
/** Longest description of a function in the declarations, and whole, in characters. */
const MAX_SHORT = 120;
const MAX_WHOLE = 2_000;
/** Most functions that a search finds. */
const MAX_FOUND = 10;

/** A function that scripts may call, with what is known of it. */
export interface CatalogueEntry extends DescribedFunction {
  tool: CodeFunction;
  /** How it is called: "find(input: { id: number }): Promise<string>". */
  signature: string;
  /** Its description on one line. */
  description: string;
}

/** What a model is told of the functions, and in which way. */
export interface ShortDeclarations {
  kind: "typescript" | "compact" | "names";
  text: string;
}

/** The functions behind a code tool: their declarations, and how to find one. */
export class ToolCatalogue {
  readonly entries: ReadonlyMap<string, CatalogueEntry>;
  readonly #declarations: string;

  /** @throws {GeppettoError} ConfigError for a name that no script can write, or that is within another function's. */
  constructor(tools: Readonly<Record<string, CodeFunction>>) {
    const entries = Object.entries(tools).map(([name, tool]) => toEntry(name, tool));
    this.entries = new Map(entries.map((entry) => [entry.name, entry]));
    this.#declarations = print(entries);
    for (const { name } of entries) {
      const parts = name.split(".");
      const outer = parts.slice(0, -1).map((_, at) => parts.slice(0, at + 1).join("."));
      const clash = outer.find((one) => this.entries.has(one));
      if (clash !== undefined) throw unfit(name, `"${clash}" is a function already, and cannot be a group as well`);
    }
  }

  /** Ambient TypeScript declarations of `tools`; "" where there are no functions. */
  get declarations(): string {
    return this.#declarations;
  }

  /** As much as there is room for: the declarations, all types without descriptions, or the names alone. */
  shortDeclarations(maxChars: number): ShortDeclarations {
    if (this.#declarations.length <= maxChars) return { kind: "typescript", text: this.#declarations };
    const compact = compactDeclarations(this.entries.values());
    if (compact.length <= maxChars) return { kind: "compact", text: compact };
    return { kind: "names", text: this.#names(maxChars) };
  }

  /** Everything that is known of a function; undefined where no function is named so. */
  describe(name: string): { name: string; declaration: string; description: string; input: object } | undefined {
    const entry = this.entries.get(name.replace(/^tools\./, ""));
    if (entry === undefined) return undefined;
    const { signature, tool, input } = entry;
    return {
      name: `tools.${entry.name}`,
      declaration: `tools.${parentOf(entry.name)}${signature}`,
      description: oneLine(tool.description ?? "", MAX_WHOLE),
      input,
    };
  }

  /** The functions that have most of the words in their name or description, the best first. */
  search(words: string): { name: string; declaration: string; description: string }[] {
    const wanted =
      words
        .toLowerCase()
        .slice(0, 500)
        .match(/[\p{L}\p{N}]+/gu) ?? [];
    const found = [...this.entries.values()].map((entry) => ({ entry, score: scoreOf(entry, wanted) }));
    return found
      .filter(({ score }) => score > 0)
      .toSorted((a, b) => b.score - a.score)
      .slice(0, MAX_FOUND)
      .map(({ entry: { name, signature, description } }) => ({
        name: `tools.${name}`,
        declaration: `tools.${parentOf(name)}${signature}`,
        description,
      }));
  }

  /** A line for each group, and how many are left out. */
  #names(maxChars: number): string {
    const groups = new Map<string, string[]>();
    let left = maxChars;
    let count = 0;
    for (const name of this.entries.keys()) {
      const parent = `tools.${parentOf(name)}`.slice(0, -1);
      const names = groups.get(parent) ?? [];
      const own = name.slice(name.lastIndexOf(".") + 1);
      left -= own.length + 2 + (names.length === 0 ? parent.length + 1 : 0);
      if (left < 0) break;
      groups.set(parent, names);
      names.push(own);
      count++;
    }
    const lines = Array.from(groups, ([group, names]) => `${group}: ${names.join(", ")}`);
    if (count < this.entries.size) lines.push(`and ${this.entries.size - count} more`);
    return lines.join("\n");
  }
}

function toEntry(name: string, tool: CodeFunction): CatalogueEntry {
  if (!NAME.test(name) || name.length > 200 || name.split(".").some((part) => UNSAFE.has(part)))
    throw unfit(name, "a name consists of identifiers, with dots between them");
  if (typeof tool?.run !== "function") throw unfit(name, "run must be a function");
  const input = tool.input === undefined ? NO_INPUT : toSchema(name, tool.input);
  const output = tool.output === undefined ? undefined : toSchema(name, tool.output);
  const required = Array.isArray(input["required"]) && input["required"].length > 0;
  const properties = input["properties"];
  const takesNothing = typeof properties === "object" && properties !== null && Object.keys(properties).length === 0;
  const parameter = takesNothing ? "" : `input${required ? "" : "?"}: ${schemaType(input)}`;
  const signature = `${name.split(".").at(-1)}(${parameter}): Promise<${output === undefined ? "any" : schemaType(output)}>`;
  return {
    name,
    tool,
    input,
    takesNothing,
    output,
    signature,
    description: oneLine(tool.description ?? "", MAX_WHOLE),
  };
}

/** All functions, and the types that they share. */
function print(entries: readonly CatalogueEntry[]): string {
  if (entries.length === 0) return "";
  const { types, signatures } = shareTypes(entries.map(({ signature }) => signature));
  const root: Group = { functions: [], groups: new Map() };
  for (const [at, { name, description }] of entries.entries())
    groupFor(root, name).functions.push({ signature: signatures[at]!, description });
  return [...types, `declare const tools: ${printGroup(root, 0)};`].join("\n");
}

interface Group {
  functions: Pick<CatalogueEntry, "signature" | "description">[];
  groups: Map<string, Group>;
}

function groupFor(root: Group, name: string): Group {
  let group = root;
  for (const part of name.split(".").slice(0, -1)) {
    const next = group.groups.get(part) ?? { functions: [], groups: new Map<string, Group>() };
    group.groups.set(part, next);
    group = next;
  }
  return group;
}

function printGroup({ functions, groups }: Group, depth: number): string {
  const indent = "  ".repeat(depth + 1);
  const lines = functions.map(({ signature, description }) => {
    const comment = description === "" ? "" : ` // ${firstSentence(description)}`;
    return `${indent}${signature};${comment}`;
  });
  for (const [name, group] of groups) lines.push(`${indent}${name}: ${printGroup(group, depth + 1)};`);
  return `{\n${lines.join("\n")}\n${"  ".repeat(depth)}}`;
}

function parentOf(name: string): string {
  return name.slice(0, name.lastIndexOf(".") + 1);
}

/** What stands in a line of declarations must stay in it. */
function oneLine(text: string, maxChars: number): string {
  // oxlint-disable-next-line no-control-regex -- they are what is taken out
  const plain = text.replaceAll(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").trim();
  return plain.length > maxChars ? `${plain.slice(0, maxChars).toWellFormed()}…` : plain;
}

function firstSentence(text: string): string {
  const [first = ""] = /^.*?[.!?](?=\s|$)/.exec(text) ?? [text];
  return oneLine(first.replace(/\.$/, ""), MAX_SHORT);
}

function scoreOf({ name, description }: CatalogueEntry, words: readonly string[]): number {
  const inName = name.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  const inText = description.toLowerCase();
  return words.reduce((sum, word) => sum + (inName.includes(word) ? 3 : 0) + (inText.includes(word) ? 1 : 0), 0);
}

function unfit(name: string, why: string): GeppettoError {
  return new GeppettoError("ConfigError", `Cannot give scripts the function "${name}": ${why}`);
}
