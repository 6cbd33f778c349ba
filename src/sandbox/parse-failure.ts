import { MAX_ERROR_CHARS, type ErrorRecord } from "../shared/frames.ts";
import type { RealmFailure } from "./realm.ts";

function text(given: unknown): string {
  return typeof given === "string" ? given.slice(0, MAX_ERROR_CHARS * 2) : "";
}

function parseError(value: unknown): ErrorRecord {
  const { name, message, stack } = (value ?? {}) as Record<string, unknown>;
  const record: ErrorRecord = { name: text(name) || "Error", message: text(message) };
  if (typeof stack === "string") record.stack = text(stack);
  return record;
}

/** What a child says of how a turn ended. A child may lie: what makes no sense counts as a plain failure. */
export function parseFailure(value: unknown): RealmFailure | undefined {
  if (value === undefined || value === null) return undefined;
  const { kind, error, stack } = value as { kind?: unknown; error?: unknown; stack?: unknown };
  switch (kind) {
    case "thrown":
    case "load":
      return { kind, error: parseError(error) };
    case "timeout":
      return typeof stack === "string" ? { kind, stack: text(stack) } : { kind };
    case "memory":
      return { kind };
    default:
      return { kind: "crashed" };
  }
}
