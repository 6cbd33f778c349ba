import { decodeValue } from "../shared/decode.ts";

/** Frames that are longer are shown as they are: reading them takes too long, in characters. */
const MAX_READ = 2_000_000;

/** What one frame says, in its parts; undefined for one that cannot be read, or is too long. */
export function readFrame(text: string, buffers?: readonly ArrayBuffer[]): unknown[] | undefined {
  if (text.length > MAX_READ) return undefined;
  try {
    const parts = decodeValue(text, buffers);
    return Array.isArray(parts) ? (parts as unknown[]) : undefined;
  } catch {
    return undefined;
  }
}

/** Deepest nesting that is shown. */
const MAX_DEPTH = 12;
/** Most numbers of a vector, and entries of a list or an object, that are shown. */
const MAX_NUMBERS = 16;
const MAX_ENTRIES = 2_000;

/** A value for people: texts as they are, everything else as indented JSON. */
export function showValue(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined ? "undefined" : (JSON.stringify(toShown(value, 0), undefined, 2) ?? typeof value);
}

function toShown(value: unknown, depth: number): unknown {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (value === undefined) return "undefined";
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_DEPTH) return "…";
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "an invalid date" : value.toISOString();
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (ArrayBuffer.isView(value)) return showVector(value as unknown as ArrayLike<number | bigint>);
  const inner = (entry: unknown): unknown => toShown(entry, depth + 1);
  if (Array.isArray(value)) return cutList(value).map(inner);
  if (value instanceof Map) return { Map: cutList([...value]).map(inner) };
  if (value instanceof Set) return { Set: cutList([...value]).map(inner) };
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  return Object.fromEntries(cutList(entries, ["…", "…"]).map(([key, entry]) => [key, inner(entry)]));
}

function cutList<T>(list: readonly T[], more: unknown = "…"): T[] {
  return list.length <= MAX_ENTRIES ? [...list] : [...list.slice(0, MAX_ENTRIES), more as T];
}

function showVector(vector: ArrayLike<number | bigint>): string {
  const numbers = Array.from({ length: Math.min(vector.length, MAX_NUMBERS) }, (_, index) => String(vector[index]));
  const name = Object.prototype.toString.call(vector).slice(8, -1);
  return `${name}(${vector.length}) [${numbers.join(", ")}${vector.length > MAX_NUMBERS ? ", …" : ""}]`;
}

/** The text of a message, with what stands for images. Nobody has checked what a log says of one. */
export function showContent(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  const parts = content.map((part: unknown) => {
    const { text, url } = (part ?? {}) as { text?: unknown; url?: unknown };
    return typeof text === "string" ? text : `[image: ${typeof url === "string" ? url.slice(0, 200) : "…"}]`;
  });
  return parts.join("\n");
}
