import { encodeValue } from "../../../src/shared/codec.ts";
import { JSONStringify, NumberIsFinite } from "../../../src/shared/primordials.ts";
import { objectArgument, optionalFunction, stepArgument } from "./combinator-arguments.ts";
import { callContext, callEffect, runEffect } from "./combinators.ts";
import { wrap } from "./step-wrappers.ts";
import type { Interception } from "../../../src/shared/contract/runs.ts";
import { describe, guestError } from "../core/errors.ts";
import type { StepObject } from "./steps.ts";
import { randomUUID } from "../web/crypto.ts";

/**
 * `withCache(step, {key?})`: runs it once for each input; after that the host plays back what that run did. A step of the
 * host's is known by what it depends on; a script's by its identity, which nothing else has.
 */
export function withCache(step: unknown, options: unknown = {}): StepObject {
  const what = "create a step with a cache";
  const given = stepArgument(what, "step", step);
  const keyOf = optionalFunction(what, "key", objectArgument(what, "options", options, ["key"])["key"]);
  const identity = given.binding.body === undefined ? undefined : randomUUID();
  return wrap("cache", given, function* (input, run) {
    let key: string | undefined;
    if (keyOf !== undefined) key = toKey(yield callEffect(keyOf, [input, callContext(run)], '"key"'));
    yield runEffect(given, input, { forwards: true, interception: cacheRequest(identity, input, key) });
  });
}

/** A text that tells keys apart: 1 is not "1". */
function toKey(value: unknown): string {
  if (typeof value === "string" || (typeof value === "number" && NumberIsFinite(value))) return JSONStringify(value);
  const found = typeof value === "number" ? value : value === null ? "null" : typeof value;
  throw guestError(
    "ValidationError",
    `Cannot look into the cache: key must give a string or a finite number, not ${found}`,
  );
}

/** The input of a step of the host's goes there anyway. */
function cacheRequest(identity: string | undefined, input: unknown, key: string | undefined): Interception {
  const args = identity === undefined || key !== undefined ? { key, identity } : { identity, ...encoded(input) };
  return { name: "cache", args };
}

function encoded(input: unknown): { input?: string; refused?: string } {
  try {
    return { input: encodeValue(input, { classes: "json" }) };
  } catch (error) {
    return { refused: describe(error).message };
  }
}
