import { ObjectGetPrototypeOf, SafeString } from "../../../src/shared/primordials.ts";

export type InspectFunction = (value: unknown, options?: object) => string;

/** How the logs show an object whose state is private: its class's name and these fields. */
export function showFields(
  object: object,
  fields: object,
  depth: number | null,
  options: object,
  inspect: InspectFunction,
): string {
  const constructor = (ObjectGetPrototypeOf(object) as { constructor?: { name?: unknown } } | null)?.constructor;
  const name = SafeString(constructor?.name);
  return depth !== null && depth < 0 ? `[${name}]` : `${name} ${inspect(fields, options)}`;
}
