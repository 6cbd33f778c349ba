import { GeppettoError } from "../shared/errors.ts";

/**
 * Validates and converts: a zod schema, or a function that throws. `From` is what it takes, for schemas that convert.
 */
export type Converter<T, From = unknown> = Schema<T, From> | ((value: From) => T);

/** What of a zod schema is used; the types that it takes are inferred from the phantom field. */
interface Schema<T, From> {
  parse(value: unknown): T;
  readonly _zod?: { readonly input: From };
}

/**
 * `value` through its converter.
 *
 * @throws {GeppettoError} ValidationError that names `what` and says what the converter objected to.
 */
export function validated<T, From>(converter: Converter<T, From>, value: unknown, what: string): T {
  try {
    return typeof converter === "function" ? converter(value as never) : converter.parse(value);
  } catch (error) {
    if (error instanceof GeppettoError) throw error;
    throw new GeppettoError("ValidationError", `Cannot use ${what}: ${issuesOf(error)}`, { cause: error });
  }
}

/** What a zod error says of each place, or the message of any other error. */
function issuesOf(error: unknown): string {
  const { issues, message } = error as { issues?: { path: PropertyKey[]; message: string }[]; message?: string };
  if (!Array.isArray(issues)) return message ?? String(error);
  return issues
    .map((issue) => [issue.path.join("."), issue.message].filter((part) => part !== "").join(": "))
    .join("; ");
}
