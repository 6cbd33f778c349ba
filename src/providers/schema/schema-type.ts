/** Most that one type may say, in characters, and how deep it may go. */
const MAX_CHARS = 2_000;
const MAX_DEPTH = 8;
/** Most parts of a schema that are looked at: references can make few lines into millions of types. */
const MAX_PARTS = 400;
/** Most values of an enum that are listed. */
const MAX_VALUES = 24;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

type Schema = Record<string, unknown>;

/** How types are written. */
export interface TypeStyle {
  /** Stands between the types of a union. */
  or: string;
  /** One of several texts. */
  texts(values: readonly string[]): string;
  object(members: readonly string[]): string;
  /**
   * A member of an object.
   *
   * @param name with a question mark where it may be absent
   * @param plain its type as TypeScript has it
   * @param write gives its type in this style
   */
  member(name: string, plain: () => string, write: () => string): string;
}

const TYPESCRIPT: TypeStyle = {
  or: " | ",
  texts: (values) => values.map(literal).join(" | "),
  object: (members) => `{ ${members.join("; ")} }`,
  member: (name, _, write) => `${name}: ${write()}`,
};

/**
 * The TypeScript type of what fits a JSON schema: as much of it as types can say. What is too deep, refers to itself or is
 * not understood is `unknown`. The schema may be anybody's: nothing of it gets out of its place.
 */
export function schemaType(schema: unknown, style: TypeStyle = TYPESCRIPT): string {
  const text = typeOf(schema, { root: schema, style, refs: [], depth: 0, parts: { left: MAX_PARTS } });
  return text.length > MAX_CHARS ? "unknown" : text;
}

interface Within {
  root: unknown;
  style: TypeStyle;
  /** The references that led here. */
  refs: readonly string[];
  depth: number;
  parts: { left: number };
}

function typeOf(given: unknown, within: Within): string {
  if (given === false) return "never";
  if (!isSchema(given) || within.depth > MAX_DEPTH || --within.parts.left < 0) return "unknown";
  const inner: Within = { ...within, depth: within.depth + 1 };
  if (typeof given["$ref"] === "string") return typeOfReference(given["$ref"], inner);
  if ("const" in given) return literal(given["const"]);
  if (Array.isArray(given["enum"])) return typeOfEnum(given["enum"], given, within);
  const either = given["anyOf"] ?? given["oneOf"];
  if (Array.isArray(either))
    return union(
      either.map((one) => typeOf(one, inner)),
      within,
    );
  if (Array.isArray(given["allOf"])) return intersection(given, inner);
  const type = given["type"] ?? impliedType(given);
  const types = Array.isArray(type) ? (type as unknown[]) : [type];
  const named = types.map((one) => typeOfKind(one, given, inner));
  return union(given["nullable"] === true ? [...named, "null"] : named, within);
}

function typeOfKind(kind: unknown, schema: Schema, within: Within): string {
  switch (kind) {
    case "string":
    case "boolean":
    case "null":
      return kind;
    case "number":
    case "integer":
      return "number";
    case "array":
      return typeOfArray(schema, within);
    case "object":
      return typeOfObject(schema, within);
    default:
      return "unknown";
  }
}

function typeOfArray({ items, prefixItems }: Schema, within: Within): string {
  if (Array.isArray(prefixItems)) return `[${prefixItems.map((item) => typeOf(item, within)).join(", ")}]`;
  const type = items === undefined ? "unknown" : typeOf(items, within);
  return /[|&]/.test(type) ? `(${type})[]` : `${type}[]`;
}

function typeOfObject({ properties, required, additionalProperties }: Schema, within: Within): string {
  const needed = new Set(Array.isArray(required) ? (required as unknown[]) : []);
  const fields = isSchema(properties) ? Object.entries(properties) : [];
  const { style, parts } = within;
  const members = fields.map(([key, of]) =>
    style.member(
      `${memberName(key)}${needed.has(key) ? "" : "?"}`,
      () => typeOf(of, { ...within, style: TYPESCRIPT, parts: { ...parts } }),
      () => typeOf(of, within),
    ),
  );
  if (members.length > 0) return style.object(members);
  if (isSchema(additionalProperties)) return `Record<string, ${typeOf(additionalProperties, within)}>`;
  return additionalProperties === false ? "{}" : "Record<string, unknown>";
}

function typeOfReference(reference: string, within: Within): string {
  if (within.refs.includes(reference) || !reference.startsWith("#")) return "unknown";
  let target = within.root;
  for (const part of reference.slice(1).split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (!isSchema(target) || !Object.hasOwn(target, key)) return "unknown";
    target = target[key];
  }
  return typeOf(target, { ...within, refs: [...within.refs, reference] });
}

function typeOfEnum(values: readonly unknown[], { type }: Schema, within: Within): string {
  const distinct = [...new Set(values)];
  const areTexts = distinct.every((value) => typeof value === "string");
  if (distinct.length > MAX_VALUES) return type === "string" || areTexts ? "string" : "unknown";
  return areTexts && distinct.length > 1 ? within.style.texts(distinct) : union(distinct.map(literal), within);
}

function intersection(schema: Schema, within: Within): string {
  const { allOf, ...own } = schema;
  const parts = (allOf as unknown[]).map((one) => typeOf(one, within));
  if (isSchema(own["properties"])) parts.push(typeOfObject(own, within));
  const known = parts.filter((part) => part !== "unknown");
  return known.length === 0 ? "unknown" : known.map((part) => (part.includes("|") ? `(${part})` : part)).join(" & ");
}

function union(types: readonly string[], { style }: Within): string {
  const distinct = [...new Set(types)];
  if (distinct.includes("unknown") || distinct.length === 0) return "unknown";
  return distinct.join(style.or);
}

function literal(value: unknown): string {
  const isPlain = value === null || ["string", "number", "boolean"].includes(typeof value);
  return isPlain ? JSON.stringify(value) : "unknown";
}

function impliedType({ properties, items }: Schema): string | undefined {
  if (isSchema(properties)) return "object";
  return items === undefined ? undefined : "array";
}

function memberName(key: string): string {
  return IDENTIFIER.test(key) ? key : JSON.stringify(key);
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
