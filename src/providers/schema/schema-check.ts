import { dereference, type Schema, type SchemaDraft, validate } from "@cfworker/json-schema";
import { recordOf, stringOf } from "../input/unknown-fields.ts";
import { describeErrors } from "./describe-errors.ts";
import { flawOfSchema, withImpliedTypes } from "./schema-shape.ts";

/** What is wrong with a value, as `input.city: expected a string, found nothing`; undefined when it fits. */
export type SchemaCheck = (value: unknown, path: string) => string | undefined;

const DRAFTS: readonly [string, SchemaDraft][] = [
  ["draft-04", "4"],
  ["draft-06", "7"],
  ["draft-07", "7"],
  ["2019-09", "2019-09"],
];

/**
 * Reads a JSON schema, of the draft that its `$schema` names, else of 2020-12. Neither reading nor checking has a bound
 * of its own: schemas can be made to take for ever.
 *
 * @throws {Error} for what is not a schema.
 */
export function readJsonSchema(schema: Record<string, unknown>): SchemaCheck {
  const flaw = flawOfSchema(schema);
  if (flaw !== undefined) throw new Error(flaw);
  const typed = withImpliedTypes(schema) as Schema;
  const lookup = dereference(typed);
  for (const part of Object.values(lookup)) {
    const { __absolute_ref__: target, $ref } = (recordOf(part) ?? {}) as { __absolute_ref__?: string; $ref?: string };
    if (target === undefined || lookup[target] !== undefined) continue;
    const isLocal = $ref?.startsWith("#") === true;
    throw new Error(isLocal ? `nothing is at $ref "${$ref}"` : `External $ref is not supported: "${$ref}"`);
  }
  const named = stringOf(schema["$schema"]) ?? "";
  const draft = DRAFTS.find(([name]) => named.includes(name))?.[1] ?? "2020-12";
  return (value, path) => {
    const { valid, errors } = validate(value, typed, draft, lookup, true);
    return valid ? undefined : describeErrors({ errors, schema: typed, lookup, value }, path);
  };
}
