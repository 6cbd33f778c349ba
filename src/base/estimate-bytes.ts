const VALUE_BYTES = 16;

/** About how many bytes a value takes as text; counting stops where it is more than `most`. */
export function estimateBytes(value: unknown, most: number): number {
  const left: object[] = [];
  let bytes = 0;
  const add = (part: unknown): void => {
    bytes += VALUE_BYTES;
    if (typeof part === "string") bytes += part.length;
    else if (typeof part === "object" && part !== null) left.push(part);
  };
  add(value);
  while (left.length > 0 && bytes <= most) {
    const next = left.pop()!;
    if (ArrayBuffer.isView(next)) bytes += next.byteLength;
    else if (Array.isArray(next) || next instanceof Set) for (const part of next) add(part);
    else if (next instanceof Map) {
      for (const [key, part] of next) {
        add(key);
        add(part);
      }
    } else {
      for (const key of Object.keys(next)) {
        add(key);
        add((next as Record<string, unknown>)[key]);
      }
    }
  }
  return bytes;
}
