import { REDACTED } from "../base/redacted.ts";

const MAX_TEXT_LENGTH = 500;
/** How much of a text is looked at: the patterns may take time that grows with its square. */
const MAX_READ_LENGTH = 8192;
const KEY_LIKE = [
  /\bBearer\s+[^\s"',;]+/gi,
  /\b(?:sk|pk|rk|gsk|xai|org)[-_][A-Za-z0-9_\-*.…]{7,}[A-Za-z0-9_\-*…]/g,
  /(?<=api[ _-]?key(?: provided)?["']?\s*[:=]\s*["']?)[^\s"',;]{3,}?(?=[."',;]*(?:\s|$))/gi,
];
const POSIX_PATH = /(?<=^|[\s'"`(=,[])\/(?!v\d|api\b)(?:[\w.@+-]+\/)+[\w.@+-]*/g;
const WINDOWS_PATH = /(?<![A-Za-z])[A-Za-z]:\\[^\s'"]+/g;
const FILE_URL = /file:\/\/[^\s'")]+/g;

/**
 * A provider's text, fit to be shown: one line, no markup, no control characters, at most 500 characters, without any
 * of `secrets`, without what looks like a key, without paths of this machine.
 */
export function cleanProviderText(text: string, secrets: readonly string[]): string {
  let clean = /<(?:!doctype|html|head|body)\b/i.test(text) ? withoutMarkup(text) : text;
  for (const secret of secrets) if (secret.length >= 3) clean = clean.replaceAll(secret, REDACTED);
  clean = clean.slice(0, MAX_READ_LENGTH);
  for (const pattern of KEY_LIKE) clean = clean.replace(pattern, REDACTED);
  clean = clean.replace(FILE_URL, "[path]").replace(POSIX_PATH, "[path]").replace(WINDOWS_PATH, "[path]");
  // oxlint-disable-next-line no-control-regex -- control characters are what is taken out
  clean = clean.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\s]+/g, " ").trim();
  clean = clean.toWellFormed();
  return clean.length > MAX_TEXT_LENGTH ? `${clean.slice(0, MAX_TEXT_LENGTH - 1).toWellFormed()}…` : clean;
}

function withoutMarkup(text: string): string {
  const page = text.slice(0, 20_000);
  const title = /<title[^<>]*>([^<]*)<\/title>/i.exec(page)?.[1]?.trim();
  if (title) return title;
  return page.replace(/<(script|style)\b[^]*?<\/\1>/gi, " ").replace(/<[^<>]*>/g, " ");
}
