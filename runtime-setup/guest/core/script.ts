import { encodeValue } from "../../../src/shared/codec.ts";
import { decodeValue } from "../../../src/shared/decode.ts";
import { internal, nameOfOpaque } from "../../../src/shared/values/opaque-objects.ts";
import { isNativePromise, promiseThen } from "../../../src/shared/primordials.ts";
import type { Op } from "../../../src/shared/contract/op.ts";
import { OPS, type ResultCopy } from "../../../src/shared/contract/ops.ts";
import { describe } from "./errors.ts";
import { callSync } from "./kernel.ts";
import { formatResult } from "./console.ts";

/** A value on its way out. */
function toResult(value: unknown): ResultCopy {
  if (value === undefined) return {};
  if (typeof value === "string") return { value, text: value };
  return { value, text: formatResult(value) };
}

/** Sends a result out; where it cannot be copied its text goes alone. */
export function sendResult<Extra extends object>(
  op: Op<ResultCopy & Extra, void, "sync">,
  extra: Extra,
  value: unknown,
): void {
  const { text, ...copy } = toResult(value);
  const shown: ResultCopy = text === undefined ? {} : { text };
  const exotic = typeof value === "function" || typeof value === "symbol";
  try {
    callSync(op, { ...extra, ...(exotic ? {} : copy), ...shown });
  } catch (error) {
    callSync(op, { ...extra, ...shown, ...copyOpaque(value, error) });
  }
}

/**
 * The copy of what could not be copied as it is. Code may well end in `x = /a/`, which is as good as a function, or in a list
 * that holds promises, which are empty there.
 */
function copyOpaque(value: unknown, error: unknown): ResultCopy {
  const text = internal(() => encodeValue(value, { opaque: "empty" }));
  if (text === undefined) return { uncopied: describe(error) };
  return typeof value === "object" && value !== null && nameOfOpaque(value) !== undefined
    ? {}
    : { value: decodeValue(text) };
}

/** A classic script has this completion value, or a module has run to its end and this is its namespace. */
export function settleScript(token: number, completion: unknown): void {
  const value = isNamespace(completion) ? completion.default : completion;
  if (!isNativePromise(value)) {
    sendResult(OPS.script_settle, { token }, value);
    return;
  }
  void promiseThen(
    value,
    (result) => sendResult(OPS.script_settle, { token }, result),
    (error) => callSync(OPS.script_settle, { token, error: describe(error) }),
  );
}

const toStringTag = Symbol.toStringTag;

function isNamespace(value: unknown): value is { default?: unknown } {
  if (typeof value !== "object" || value === null) return false;
  const tag = Object.getOwnPropertyDescriptor(value, toStringTag);
  return tag?.value === "Module" && tag.configurable === false && Object.getPrototypeOf(value) === null;
}
