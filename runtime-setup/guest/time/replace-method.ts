import { ObjectDefineProperty, ObjectGetOwnPropertyDescriptor } from "../../../src/shared/primordials.ts";

export type Method = (...args: never[]) => unknown;

/** Puts a method in the place of V8's, where there is one, as it looks from outside. */
export function replaceMethod(target: object, key: PropertyKey, method: Method): void {
  const found = ObjectGetOwnPropertyDescriptor(target, key);
  const original = found?.value as Method | undefined;
  if (original === undefined) return;
  for (const name of ["name", "length"] as const) {
    ObjectDefineProperty(method, name, {
      __proto__: null,
      value: original[name],
      configurable: true,
    } as PropertyDescriptor);
  }
  ObjectDefineProperty(target, key, { __proto__: null, ...found, value: method } as PropertyDescriptor);
}
