import { ArrayJoin, append, isArray, ReflectApply, SafeString, SafeWeakMap } from "../../../src/shared/primordials.ts";
import { guestError } from "../core/errors.ts";

type Fields = Record<string, unknown>;
type Method = (...args: unknown[]) => unknown;

/** What a Standard Schema says of a value: the value as it is to be used, or what is wrong with it. */
interface Verdict {
  value?: unknown;
  issues?: readonly Fields[];
}

/** JSON schemas that have been made already: the same tools are offered again and again. */
const made = new SafeWeakMap<object, unknown>();

function fieldsOf(value: unknown): Fields | undefined {
  return (typeof value === "object" && value !== null) || typeof value === "function" ? (value as Fields) : undefined;
}

function standardOf(schema: unknown): Fields | undefined {
  return fieldsOf(fieldsOf(schema)?.["~standard"]);
}

/**
 * The JSON schema of a schema that is said by a library: by zod, ArkType, or anything else that follows Standard Schema and
 * offers one. Everything else is what it is.
 *
 * @param what whose schema it is, for example `the tool "clock"`.
 * @throws {GeppettoError} ValidationError for a library that offers none, or cannot say this schema.
 */
export function toJSONSchema(schema: unknown, what: string): unknown {
  const fields = fieldsOf(schema);
  if (fields === undefined) return schema;
  const known = made.get(fields);
  if (known !== undefined) return known;
  const converter = converterOf(fields);
  if (converter === undefined) {
    const vendor = standardOf(schema)?.["vendor"];
    if (vendor === undefined) return schema;
    throw guestError(
      "ValidationError",
      `Cannot use the schema of ${what}: ${SafeString(vendor)} does not offer it as a JSON schema, give the JSON schema itself`,
    );
  }
  let converted: unknown;
  try {
    converted = converter();
  } catch (error) {
    const reason = fieldsOf(error)?.["message"];
    throw guestError(
      "ValidationError",
      `Cannot use the schema of ${what}: it has no JSON schema: ${SafeString(reason)}`,
    );
  }
  // Which draft it is of is what everybody assumes.
  const { $schema: _, ...plain } = fieldsOf(converted) ?? {};
  made.set(fields, plain);
  return plain;
}

function converterOf(schema: Fields): (() => unknown) | undefined {
  const standard = fieldsOf(standardOf(schema)?.["jsonSchema"]);
  if (typeof standard?.["input"] === "function") {
    return () => ReflectApply(standard["input"] as Method, standard, [{ target: "draft-2020-12" }]);
  }
  const { toJSONSchema: zods, toJsonSchema: arks } = schema;
  if (typeof zods === "function") return () => ReflectApply(zods as Method, schema, [{ io: "input" }]);
  return typeof arks === "function" ? () => ReflectApply(arks as Method, schema, []) : undefined;
}

/**
 * What makes the input that a tool gets of the input that the model sent: a Standard Schema may fill in defaults and
 * change values. Undefined for a plain JSON schema.
 */
export function validatorOf(schema: unknown): ((input: unknown) => unknown) | undefined {
  const standard = standardOf(schema);
  const validate = standard?.["validate"];
  if (typeof validate !== "function") return undefined;
  return (input) => ReflectApply(validate as Method, standard, [input]);
}

/** The value of a verdict. @throws {GeppettoError} ValidationError with the first of its issues. */
export function acceptedValue(verdict: unknown): unknown {
  const { value, issues } = (fieldsOf(verdict) ?? {}) as Verdict;
  if (issues === undefined) return value;
  const { message, path } = issues[0] ?? {};
  const places: string[] = ["input"];
  if (isArray(path)) {
    for (let i = 0; i < path.length; i++) append(places, SafeString(fieldsOf(path[i])?.["key"] ?? path[i]));
  }
  throw guestError("ValidationError", `the input does not fit: ${ArrayJoin(places, ".")}: ${SafeString(message)}`);
}
