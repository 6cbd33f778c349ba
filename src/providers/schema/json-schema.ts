import { GeppettoError } from "../../shared/errors.ts";
import { jsonExcess } from "../answer/json-progress.ts";
import { wellFormedJson } from "../sdk/well-formed.ts";
import { timeSource } from "../../base/time/time-source.ts";
import { schemaQueue } from "./schema-queue.ts";

/** Longest schema, in UTF-16 units. */
const MAX_SCHEMA_CHARS = 256 * 1024;

/** What is wrong with the value, as `input.city: expected a string, found nothing`; undefined when it fits. */
export type JsonSchemaCheck = (value: unknown, path: string, signal?: AbortSignal) => Promise<string | undefined>;

export interface JsonSchemaOptions {
  /** Whose schema it is: checks of different owners do not wait for each other. Default: of all who say nothing. */
  owner?: object | undefined;
  /** Withdraws the question; the answer of a check that was withdrawn is for nobody. */
  signal?: AbortSignal | undefined;
}

const NOBODY = {};

/**
 * Reads a JSON schema, of 2020-12 or the draft that it names. Schemas and values come from scripts and models: their texts
 * are bounded before anybody parses them; reading and checking happen in a process that may die, and are cut off when
 * they compute for half a second.
 *
 * @param what names the schema in errors, for example `the input schema of tool "clock"`.
 * @throws {GeppettoError} ValidationError with code ERR_SCHEMA for an invalid schema.
 */
export async function compileJsonSchema(
  schema: Record<string, unknown>,
  what: string,
  { owner = NOBODY, signal }: JsonSchemaOptions = {},
): Promise<JsonSchemaCheck> {
  // As the model gets it.
  const text = wellFormedJson(schema);
  const excess = text.length > MAX_SCHEMA_CHARS ? `it has more than ${MAX_SCHEMA_CHARS} characters` : undefined;
  const reason = excess ?? (await refusalOf(text, owner, signal));
  if (reason !== undefined) {
    throw new GeppettoError(
      "ValidationError",
      `Cannot use ${what}: it is not a JSON schema that can be checked: ${reason}`,
      {
        code: "ERR_SCHEMA",
      },
    );
  }
  return async (value, path, checkSignal) => {
    const json = wellFormedJson(value ?? null);
    const excess = jsonExcess(json);
    if (excess !== undefined) return `${path}: it is ${excess}`;
    const check = { schema: text, value: json, path };
    const answer = await timeSource().landed(() => schemaQueue.ask(owner, check, checkSignal), checkSignal);
    if (answer === "overdue") return `${path}: checking it against the schema takes too long`;
    if (answer === "dropped") return `${path}: nobody waits for the check, or too many wait`;
    // The process that had read it has died, and the next one finds it too hard.
    return answer.refusal ?? answer.flaw;
  };
}

async function refusalOf(schema: string, owner: object, signal: AbortSignal | undefined): Promise<string | undefined> {
  const read = await schemaQueue.ask(owner, { schema, path: "" }, signal);
  if (read === "overdue") return "it takes too long to read";
  return read === "dropped" ? "too many wait to be read" : read.refusal;
}
