/**
 * A copy of plain data in which no string, and no key, holds half a surrogate pair: U+FFFD stands in its place. What is
 * well-formed already is not copied.
 */
export function wellFormed<T>(value: T): T {
  return repaired(value) as T;
}

function repaired(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const copy = value.map(repaired);
    return copy.every((part, index) => part === value[index]) ? value : copy;
  }
  const entries = Object.entries(value);
  const copy = entries.map(([key, part]) => [key.toWellFormed(), repaired(part)] as const);
  const isSame = copy.every(([key, part], index) => key === entries[index]![0] && part === entries[index]![1]);
  return isSame ? value : Object.fromEntries(copy);
}

/** JSON of plain data with U+FFFD in place of half surrogate pairs: it writes these, and no other part of one, as codes. */
export function wellFormedJson(value: unknown): string {
  const json = JSON.stringify(value);
  return json.replaceAll(/\\(?:\\|ud[89a-f][\da-f]{2})/g, (code) => (code === "\\\\" ? code : "\\ufffd"));
}
