import { escapeControls } from "../../files.ts";

/**
 * JSON for people and programs outside: what JSON lacks becomes the nearest thing that it has, and what could steer a
 * terminal is written as `\\u009b`.
 */
export function toJson(value: unknown): string {
  const json = JSON.stringify(value, (_, item: unknown) => {
    if (typeof item === "bigint") return item.toString();
    if (item instanceof ArrayBuffer) return Array.from(new Uint8Array(item));
    if (ArrayBuffer.isView(item) && !(item instanceof DataView)) return Array.from(item as Float32Array);
    if (item instanceof Map) return [...item];
    if (item instanceof Set) return [...item];
    if (item instanceof Error) return { name: item.name, message: item.message };
    return item;
  });
  // There is no JSON of undefined.
  return (json as string | undefined) === undefined ? json : escapeControls(json);
}
