/** The JSON of a value for people and programs outside: what JSON lacks becomes the nearest thing that it has. */
export function plainJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => {
    if (typeof item === "bigint") return item.toString();
    if (item instanceof ArrayBuffer) return Array.from(new Uint8Array(item));
    if (ArrayBuffer.isView(item) && !(item instanceof DataView)) return Array.from(item as Float32Array);
    if (item instanceof Map || item instanceof Set) return [...item];
    if (item instanceof Error) return { name: item.name, message: item.message };
    return item;
  });
}
