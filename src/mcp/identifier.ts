/**
 * The name by which a script finds something of a server's: what a name in JavaScript cannot have becomes `_`.
 *
 * @example
 * toIdentifier("get-issue"); // "get_issue"
 * toIdentifier("2fa"); // "_2fa"
 */
export function toIdentifier(name: string): string {
  const safe = name.replace(/[^\p{ID_Continue}$]/gu, "_");
  return /^[\p{ID_Start}$_]/u.test(safe) ? safe : `_${safe}`;
}
