/** A code as such: whoever throws an error chooses its code, which may be any text. */
export function toCode(code: unknown): string | undefined {
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : undefined;
}

/** What kind of error it is, and nothing of what it says. */
export function toKind({ name, code }: { name?: unknown; code?: unknown }): string {
  return toCode(code) ?? (typeof name === "string" && /^\w{1,60}$/.test(name) ? name : "Error");
}
