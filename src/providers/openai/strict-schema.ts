import { listOf, recordOf, stringOf } from "../input/unknown-fields.ts";

/** The schema of an answer as OpenAI takes it: named after its title, and `strict` where it can be enforced. */
export function toNamedSchema(schema: Record<string, unknown>): Record<string, unknown> {
  const name = (stringOf(schema["title"]) ?? "answer").replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 64) || "answer";
  return { name, schema, ...(isStrictSchema(schema) ? { strict: true } : {}) };
}

const STRICT_KEYWORDS = new Set(
  "type properties required additionalProperties items enum const anyOf $ref $defs title description format pattern minimum maximum minItems maxItems".split(
    " ",
  ),
);

/** Can a provider enforce this schema? Only where every object is closed and requires all it has. */
export function isStrictSchema(schema: unknown): boolean {
  const record = recordOf(schema);
  if (!record || !Object.keys(record).every((keyword) => STRICT_KEYWORDS.has(keyword))) return false;
  const properties = recordOf(record["properties"]) ?? {};
  if (record["type"] === "object" || "properties" in record) {
    const required = listOf(record["required"]) ?? [];
    if (record["additionalProperties"] !== false) return false;
    if (!Object.keys(properties).every((name) => required.includes(name))) return false;
  }
  const parts = [...Object.values(properties), ...Object.values(recordOf(record["$defs"]) ?? {})];
  if ("items" in record) parts.push(record["items"]);
  return [...parts, ...(listOf(record["anyOf"]) ?? [])].every(isStrictSchema);
}
