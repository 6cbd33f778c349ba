const MAX_DEPTH = 50;
/** What a key of a map may be to become the name of a field. */
const NAMES: ReadonlySet<string> = new Set(["string", "number", "bigint", "boolean"]);

/**
 * A copy that JSON can carry: dates as RFC 3339 texts, errors as name, message and code, big integers as texts, vectors
 * and sets as lists, maps as objects, NaN and infinities as null. Functions, symbols, what refers to itself or is nested
 * more than 50 deep, and what a map has under an object are left out.
 *
 * @example
 * toJsonSafe({ at: new Date(0), size: 3n, run() {} }); // { at: "1970-01-01T00:00:00.000Z", size: "3" }
 */
export function toJsonSafe(value: unknown): unknown {
  return copy(value, new Set());
}

/** {@link toJsonSafe} for metadata. */
export function toJsonSafeRecord(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return toJsonSafe(record) as Record<string, unknown>;
}

function copy(value: unknown, above: Set<object>): unknown {
  switch (typeof value) {
    case "string":
      return value.toWellFormed();
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : null;
    case "bigint":
      return String(value);
    case "object":
      return value === null ? null : copyObject(value, above);
    default:
      return undefined;
  }
}

function copyObject(value: object, above: Set<object>): unknown {
  if (above.has(value) || above.size >= MAX_DEPTH) return undefined;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  above.add(value);
  try {
    if (value instanceof Error) {
      const { name, message, code } = value as Error & { code?: unknown };
      return { name, message, ...(typeof code === "string" ? { code } : {}) };
    }
    if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
      return Array.from(value as unknown as ArrayLike<number | bigint>, (item) => copy(item, above));
    }
    if (Array.isArray(value) || value instanceof Set) {
      // A hole keeps the places of what follows.
      return Array.from(value as Iterable<unknown>, (item) => copy(item, above) ?? null);
    }
    return copyFields(value instanceof Map ? value : Object.entries(value), above);
  } finally {
    above.delete(value);
  }
}

function copyFields(fields: Iterable<[unknown, unknown]>, above: Set<object>): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (const [key, item] of fields) {
    // As a field of its own it could change what an object is, wherever fields are assigned one by one.
    if (key === "__proto__" || !NAMES.has(typeof key)) continue;
    const copied = copy(item, above);
    if (copied !== undefined) record[String(key)] = copied;
  }
  return record;
}
