import { dirname } from "node:path";
import { SETTINGS } from "../config/table/settings.ts";

export type PermissionKind = "read" | "env" | "net" | "import" | "mcp";

/** Longest part of what a script asked for that an error shows, in characters. */
const MAX_SHOWN = 200;

/** What a script asked for, fit for an error: cut, and without what a terminal obeys or hides. */
export function showAsked(asked: string): string {
  return asked.slice(0, MAX_SHOWN).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "?");
}

/**
 * The narrowest flag that allows this, ready to be pasted into a shell: what is named there is a script's choice, so
 * that whatever a shell might obey is quoted.
 *
 * @example
 * flagFor("read", "my cat.png"); // '--allow-read=my cat.png'
 */
export function flagFor(kind: PermissionKind, asked: string): string {
  let value = showAsked(asked);
  // A flag separates by commas: such a file has no narrower name than its folder's.
  while (value.includes(",")) value = dirname(value);
  const flag = `${SETTINGS[`permissions.${kind}`].flag.name}=${value}`;
  return /^[\w./:@+=-]+$/.test(flag) ? flag : `'${flag.replaceAll("'", `'\\''`)}'`;
}
