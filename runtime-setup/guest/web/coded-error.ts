import { ObjectDefineProperty } from "../../../src/shared/primordials.ts";

/** Gives an error a `code` that logs show, as Node's own errors have it. */
export function withCode<T extends Error>(error: T, code: string): T {
  return withField(error, "code", code);
}

/** Gives an error a field that logs show. */
export function withField<T extends Error>(error: T, key: string, value: unknown): T {
  const descriptor = { __proto__: null, value, writable: true, enumerable: true, configurable: true };
  ObjectDefineProperty(error, key, descriptor as PropertyDescriptor);
  return error;
}
