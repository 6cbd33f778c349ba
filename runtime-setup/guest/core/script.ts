import { isNativePromise, promiseThen } from "../../../src/shared/primordials.ts";
import { describe } from "./errors.ts";
import { callSync } from "./kernel.ts";
import { formatResult } from "./console.ts";

/** A value on its way out: the copy, and what console.log would show. */
export function toResult(value: unknown): { value?: unknown; text?: string } {
  if (value === undefined) return {};
  if (typeof value === "string") return { value, text: value };
  return { value, text: formatResult(value) };
}

/** Sends a result out; where it cannot be copied its text goes alone. */
export function sendResult(op: string, extra: object, value: unknown): void {
  const { text, ...copy } = toResult(value);
  const exotic = typeof value === "function" || typeof value === "symbol";
  try {
    callSync(op, { ...extra, ...(exotic ? {} : copy), text });
  } catch (error) {
    callSync(op, { ...extra, text, uncopied: describe(error) });
  }
}

/** A classic script has this completion value, or a module has run to its end and this is its namespace. */
export function settleScript(token: number, completion: unknown): void {
  const value = isNamespace(completion) ? completion.default : completion;
  if (!isNativePromise(value)) {
    sendResult("script_settle", { token }, value);
    return;
  }
  void promiseThen(
    value,
    (result) => sendResult("script_settle", { token }, result),
    (error) => callSync("script_settle", { token, error: describe(error) }),
  );
}

const toStringTag = Symbol.toStringTag;

function isNamespace(value: unknown): value is { default?: unknown } {
  if (typeof value !== "object" || value === null) return false;
  const tag = Object.getOwnPropertyDescriptor(value, toStringTag);
  return tag?.value === "Module" && tag.configurable === false && Object.getPrototypeOf(value) === null;
}
