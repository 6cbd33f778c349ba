import { schemaType, type TypeStyle } from "../providers/schema/schema-type.ts";

/** Longest type of a member, and of a result, that is told, in characters; what is longer is "…". */
const MAX_CHARS = 300;
/** A text that is told from a type without quotes. */
const PLAIN_TEXT = /^(?!(?:string|number|boolean|true|false|null|unknown|never|any)$)[A-Za-z][\w-]*$/;
/** The type of what nothing is said of. */
const SILENT = "string";

/** A function that is told of: its name, and JSON schemas. */
export interface DescribedFunction {
  /** As it was given: "orders.find". */
  name: string;
  input: Record<string, unknown>;
  takesNothing: boolean;
  /** Of what it gives, where that is known. */
  output: Record<string, unknown> | undefined;
}

/**
 * The functions as shortly as all their types can be told: those of a group that give the same stand together, before an
 * arrow and what they give, and what type a name has is said when it changes; at first each is a string.
 *
 * @example
 * // orders: list({state?: open|sent})[], get({id: number}) → {id, state, date, total: number}
 */
export function compactDeclarations(entries: Iterable<DescribedFunction>): string {
  const groups = new Map<string, Map<string, DescribedFunction[]>>();
  for (const entry of entries) {
    const group = entry.name.slice(0, Math.max(0, entry.name.lastIndexOf(".")));
    const rows = groups.get(group) ?? new Map<string, DescribedFunction[]>();
    groups.set(group, rows);
    const given = entry.output === undefined ? "" : withoutList(schemaType(entry.output), entry);
    const row = rows.get(given) ?? [];
    rows.set(given, row);
    row.push(entry);
  }
  const style = new StickyStyle();
  const texts = Array.from(groups, ([group, rows]) => {
    const lines = Array.from(rows.values(), (row) => rowText(row, style));
    return group === "" ? lines.join("\n") : `${group}: ${lines.join("\n ")}`;
  });
  return texts.join("\n");
}

function rowText(row: readonly DescribedFunction[], style: StickyStyle): string {
  const calls = row.map((entry) => {
    const name = entry.name.slice(entry.name.lastIndexOf(".") + 1);
    return `${name}(${entry.takesNothing ? "" : style.write(entry.input)})${isList(entry) ? "[]" : ""}`;
  });
  const [first] = row;
  const result = first!.output === undefined ? "" : ` → ${withoutList(style.write(first!.output), first!)}`;
  return `${calls.join(", ")}${result}`;
}

function isList({ output }: DescribedFunction): boolean {
  return output?.["type"] === "array" && output["prefixItems"] === undefined;
}

/** The type of what the list holds. */
function withoutList(type: string, entry: DescribedFunction): string {
  return isList(entry) ? type.replace(/^\(([^]*)\)\[\]$|^([^]*)\[\]$/, "$1$2") : type;
}

/** Says the type of a member where its name had another one before. */
class StickyStyle implements TypeStyle {
  readonly or = "|";
  readonly #said = new Map<string, string>();

  /** What is long leaves nothing said. */
  write(schema: unknown): string {
    const before = new Map(this.#said);
    const text = schemaType(schema, this);
    if (text.length <= MAX_CHARS) return text;
    this.#said.clear();
    for (const [name, type] of before) this.#said.set(name, type);
    return "{…}";
  }

  texts(values: readonly string[]): string {
    return values.map((value) => (PLAIN_TEXT.test(value) ? value : JSON.stringify(value))).join("|");
  }

  object(members: readonly string[]): string {
    return `{${members.join(", ")}}`;
  }

  member(name: string, plain: () => string, write: () => string): string {
    const key = name.replace(/\?$/, "");
    const type = plain();
    const known = this.#said.get(key) ?? SILENT;
    if (known === type) return name;
    const isLong = type.length > MAX_CHARS;
    this.#said.set(key, isLong ? "…" : type);
    if (isLong) return known === "…" ? name : `${name}: …`;
    return `${name}: ${write()}`;
  }
}
