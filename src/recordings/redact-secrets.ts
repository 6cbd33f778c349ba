import { REDACTED } from "../base/redacted.ts";

/** Takes out of a text what is not to be kept; `where` is a path such as `request.messages[0].content`. */
export type Redact = (text: string, where: string) => string;

/** Of these each takes time that grows with the text alone, whatever a script has printed. */
const SECRETS = [
  /\bBearer\s+[A-Za-z0-9._~+/-]{8,}=*/g,
  /\b(?:sk|pk|rk|gsk|xai|ghp|gho|glpat|xox[abp])[-_][A-Za-z0-9_-]{10,}/g,
  /\bAKIA[0-9A-Z]{16}\b/g,
];
const KEY_EDGE = /-----(BEGIN|END) [A-Z ]{0,40}PRIVATE KEY-----/g;
const DOTTED = /[\w.-]+/g;

/** What looks like a key of a known kind: provider keys, bearer tokens, AWS key ids, JSON web tokens, private keys. */
export const redactSecrets: Redact = (text) => {
  let clean = text;
  for (const pattern of SECRETS) clean = clean.replace(pattern, REDACTED);
  if (clean.includes("eyJ")) clean = clean.replace(DOTTED, withoutTokens);
  return withoutPrivateKeys(clean);
};

/** JSON web tokens: three parts with dots between them, of which the first is the beginning of an object in base64. */
function withoutTokens(dotted: string): string {
  const parts = dotted.split(".");
  const kept: string[] = [];
  for (let i = 0; i < parts.length; i++) {
    const start = parts[i]!.search(/\beyJ[\w-]{10}/);
    const isToken = start >= 0 && (parts[i + 1]?.length ?? 0) >= 10 && (parts[i + 2]?.length ?? 0) >= 5;
    kept.push(isToken ? parts[i]!.slice(0, start) + REDACTED : parts[i]!);
    if (isToken) i += 2;
  }
  return kept.join(".");
}

function withoutPrivateKeys(text: string): string {
  let clean = "";
  let end = 0;
  let start: number | undefined;
  for (const { 0: edge, 1: kind, index } of text.matchAll(KEY_EDGE)) {
    if (kind === "BEGIN") start ??= index;
    else if (start !== undefined) {
      clean += text.slice(end, start) + REDACTED;
      end = index + edge.length;
      start = undefined;
    }
  }
  return clean + text.slice(end);
}

/** Shorter texts are too likely to stand for something else as well. */
const SHORTEST_SECRET = 8;

/** {@link redactSecrets}, and these very texts as well; those under eight characters are left. */
export function redactorFor(secrets: readonly string[]): Redact {
  const known = longEnough(secrets);
  return (text, where) => {
    let clean = text;
    for (const secret of known) clean = clean.replaceAll(secret, REDACTED);
    return redactSecrets(clean, where);
  };
}

/** The longest first: one may be the beginning of another. */
function longEnough(secrets: readonly string[]): string[] {
  return [...new Set(secrets)].filter(({ length }) => length >= SHORTEST_SECRET).sort((a, b) => b.length - a.length);
}

/** A copy with every text in it redacted; keys of objects where `names` says so, which is for data of other people's. */
export function redactAll<T>(value: T, redact: Redact, where: string, options: { names?: boolean } = {}): T {
  if (typeof value === "string") return redact(value, where) as T;
  if (Array.isArray(value))
    return value.map((entry, index) => redactAll<unknown>(entry, redact, `${where}[${index}]`, options)) as T;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, entry]) => [
    options.names === true ? redact(key, where) : key,
    redactAll<unknown>(entry, redact, `${where}.${key}`, options),
  ]);
  return Object.fromEntries(entries) as T;
}

/**
 * Texts that belong together, as the deltas of an answer do: what is to be redacted may lie across their borders. The
 * number of deltas stays, and, where nothing was redacted, so do they.
 */
export function redactDeltas(deltas: readonly string[], redact: Redact, where: string): string[] {
  const whole = deltas.join("");
  const clean = redact(whole, where);
  if (clean === whole) return [...deltas];
  let at = 0;
  return deltas.map((delta, index) => {
    const end = index === deltas.length - 1 ? clean.length : Math.min(clean.length, at + delta.length);
    const part = clean.slice(at, end);
    at = end;
    return part;
  });
}

/** What every secret of a known kind has in it, escaped or not. */
const TRACES = /Bearer|AKIA|eyJ|-----BEGIN|(?:[spr]k|gsk|xai|gh[po]|glpat|xox[abp])[-_]/;

/** May {@link redactSecrets} find something in a text? For long texts, of which most hold nothing. */
export function mayHoldSecrets(text: string): boolean {
  return TRACES.test(text);
}

/** Likewise for {@link redactorFor} these secrets, in a text that is JSON. */
export function mayHoldAny(secrets: readonly string[]): (json: string) => boolean {
  const known = longEnough(secrets);
  // How often these are escaped nobody knows: they may be anywhere.
  if (known.some((secret) => /[^\x20-\x7e]|["\\]/.test(secret))) return () => true;
  return (json) => mayHoldSecrets(json) || known.some((secret) => json.includes(secret));
}
