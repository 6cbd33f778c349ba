const VALUE_BYTES = 16;

/** About how many bytes a value takes as text; counting stops where it is more than `most`. */
export function weigh(value: unknown, most: number): number {
  const left: unknown[] = [value];
  let bytes = 0;
  while (left.length > 0 && bytes <= most) {
    const next = left.pop();
    bytes += VALUE_BYTES;
    if (typeof next === "string") bytes += next.length;
    else if (typeof next !== "object" || next === null) continue;
    else if (ArrayBuffer.isView(next)) bytes += next.byteLength;
    else if (next instanceof Map) for (const [key, entry] of next) left.push(key, entry);
    else if (next instanceof Set || Array.isArray(next)) for (const entry of next) left.push(entry);
    else for (const [key, entry] of Object.entries(next)) left.push(key, entry);
  }
  return bytes;
}
