const VALUE_BYTES = 16;
/** What a list or a record takes beside what is in it. */
const OBJECT_BYTES = 24;
/** What a bigint takes that no 64 bits hold: those of a guest have no more digits. */
const LONG_BIGINT_BYTES = 1700;

/** About how many bytes a value takes in memory; counting stops where it is more than `most`. */
export function estimateBytes(value: unknown, most: number): number {
  const left: object[] = [];
  let bytes = 0;
  const add = (part: unknown): void => {
    bytes += VALUE_BYTES;
    if (typeof part === "string") bytes += part.length;
    else if (typeof part === "bigint" && BigInt.asIntN(64, part) !== part) bytes += LONG_BIGINT_BYTES;
    else if (typeof part === "object" && part !== null) {
      bytes += OBJECT_BYTES;
      left.push(part);
    }
  };
  add(value);
  while (left.length > 0 && bytes <= most) {
    const next = left.pop()!;
    if (ArrayBuffer.isView(next) || next instanceof ArrayBuffer) bytes += next.byteLength;
    else if (Array.isArray(next) || next instanceof Set) for (const part of next) add(part);
    else if (next instanceof Map) {
      for (const [key, part] of next) {
        add(key);
        add(part);
      }
    } else {
      if (next instanceof Error) bytes += next.message.length + (next.stack?.length ?? 0);
      for (const key of Object.keys(next)) {
        add(key);
        add((next as Record<string, unknown>)[key]);
      }
    }
  }
  return bytes;
}
