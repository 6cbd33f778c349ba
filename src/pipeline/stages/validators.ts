import { compileJsonSchema } from "../../providers/schema/json-schema.ts";
import type { StreamElement } from "../elements/element.ts";

/**
 * What says whether a content may pass: a zod schema; a JSON schema; a function that returns what is wrong (a text, or a
 * list of them), false where it refuses without a reason, or nothing where all is well. What it throws is a reason too.
 */
export type Validator = ZodLike | ValidatorFunction | Readonly<Record<string, unknown>>;

export type ValidatorFunction = (content: never, element: StreamElement) => unknown;

interface ZodLike {
  safeParseAsync(value: unknown): Promise<{ success: boolean; error?: { issues: readonly ZodIssue[] } | undefined }>;
}

interface ZodIssue {
  path: readonly PropertyKey[];
  message: string;
}

/** All that is wrong with a content. */
export type Check = (content: unknown, element: StreamElement) => Promise<string[]>;

/** @throws {GeppettoError} ValidationError with ERR_SCHEMA for an invalid JSON schema. */
export async function compileValidator(validator: Validator, what: string): Promise<Check> {
  if (typeof validator === "function") return (content, element) => askFunction(validator, content, element);
  if (isZod(validator)) {
    return async (content, { kind }) => {
      const { error } = await validator.safeParseAsync(content);
      return (error?.issues ?? []).map(({ path, message }) => `${[kind, ...path.map(String)].join(".")}: ${message}`);
    };
  }
  const check = await compileJsonSchema(validator, what, { owner: validator });
  return async (content, { kind }) => {
    const flaw = await check(content, kind);
    return flaw === undefined ? [] : [flaw];
  };
}

async function askFunction(ask: ValidatorFunction, content: unknown, element: StreamElement): Promise<string[]> {
  let verdict: unknown;
  try {
    verdict = await ask(content as never, element);
  } catch (error) {
    verdict = error instanceof Error ? error.message : String(error);
  }
  if (verdict === undefined || verdict === null || verdict === true || verdict === "") return [];
  const reasons = verdict === false ? ["it was refused"] : Array.isArray(verdict) ? verdict : [verdict];
  return reasons.map((reason) => `${element.kind}: ${String(reason)}`);
}

function isZod(validator: object): validator is ZodLike {
  return typeof (validator as Partial<ZodLike>).safeParseAsync === "function";
}
