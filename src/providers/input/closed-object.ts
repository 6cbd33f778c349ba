import { z } from "zod";
import { closestName } from "../../shared/closest-name.ts";
import { recordOf } from "./unknown-fields.ts";

/**
 * The schema of an object that holds these fields and no others: an unknown one is refused, with the name that was most
 * likely meant. A field that is null counts as absent.
 *
 * @param noun what a field is called in errors, for example "option".
 * @param known fields that may stand there and mean nothing here.
 */
export function closedObject<S extends z.ZodRawShape>(noun: string, shape: S, known: readonly string[] = []) {
  const names = Object.keys(shape);
  return z.preprocess((value, context) => {
    const record = recordOf(value);
    if (record === undefined) return value;
    const kept: [string, unknown][] = [];
    for (const [key, part] of Object.entries(record)) {
      if (part === null || part === undefined || known.includes(key)) continue;
      if (!names.includes(key)) {
        const close = key === "text" && names.includes("content") ? "content" : closestName(key, names);
        const message = `no such ${noun}${close ? `, did you mean "${close}"?` : ""}`;
        context.addIssue({ code: "custom", path: [key], message, params: { isWhole: true }, input: part });
        return z.NEVER;
      }
      kept.push([key, part]);
    }
    return Object.fromEntries(kept);
  }, z.object(shape));
}

/** The schema that `pick` finds for a value, so that errors tell of what was meant and not of all that may be. */
export function chosen<T>(pick: (value: unknown) => z.ZodType<T>): z.ZodType<T> {
  return z.unknown().transform((value, context): T => {
    const result = pick(value).safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) context.issues.push({ ...issue, input: value } as never);
    return z.NEVER;
  });
}

/** A list of at most so many items; a longer one is refused before any of them is looked at. */
export function boundedList<S extends z.ZodType>(item: S, most: number): z.ZodType<z.output<S>[]> {
  return chosen((value): z.ZodType<z.output<S>[]> =>
    Array.isArray(value) && value.length > most
      ? refused(`expected at most ${most} items, found ${value.length}`)
      : z.array(item),
  );
}

/** Refuses a value with a text of its own; `path` leads to the place within it. */
export function refused(message: string, path: string[] = []): z.ZodType<never> {
  return z.unknown().transform((value, context): never => {
    context.addIssue({ code: "custom", path, message, params: { isWhole: true }, input: value });
    return z.NEVER;
  });
}

/** Any object that is not a list, as it is: zod's own record looks at each of its fields and copies them all. */
export const anyRecord: z.ZodType<Record<string, unknown>> = z
  .unknown()
  .check(({ value, issues }) => {
    if (recordOf(value) === undefined) issues.push({ code: "invalid_type", expected: "record", input: value });
  })
  .transform((value) => value as Record<string, unknown>);
