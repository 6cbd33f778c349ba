import { REDACTED } from "../base/redacted.ts";

const REPLACEMENT = Buffer.from(REDACTED);

/** What a server that is sent a secret may send back of it: as it is, escaped in a URL, in JSON or in a page, or in base64. */
export class SecretPatterns {
  readonly #patterns: readonly Buffer[];
  readonly #lower: readonly string[];
  /** First bytes of the patterns. */
  readonly #starts: ReadonlySet<number>;

  constructor(secrets: readonly string[]) {
    const texts = new Set(secrets.flatMap(formsOf));
    // Where one is part of another the longer one is taken out whole.
    this.#patterns = [...texts].toSorted((a, b) => b.length - a.length).map((text) => Buffer.from(text));
    this.#lower = [...texts].map((text) => text.toLowerCase());
    this.#starts = new Set(this.#patterns.map((pattern) => pattern[0]!));
  }

  get isEmpty(): boolean {
    return this.#patterns.length === 0;
  }

  /** Is a secret in a text, whatever has become of its capital letters? Names of hosts have none. */
  isIn(text: string): boolean {
    if (this.isEmpty) return false;
    const lower = text.toLowerCase();
    return this.#lower.some((pattern) => lower.includes(pattern));
  }

  /** A text without secrets. */
  clean(text: string): string {
    if (this.isEmpty) return text;
    return this.cleanBytes(Buffer.from(text)).toString();
  }

  cleanBytes(bytes: Buffer): Buffer {
    const parts: Buffer[] = [];
    // Each pattern is looked for once over all of the bytes, however many secrets a server repeats.
    const next = this.#patterns.map((pattern) => ({ at: bytes.indexOf(pattern), pattern }));
    let left = next.filter(({ at }) => at >= 0);
    let done = 0;
    while (left.length > 0) {
      // Of several at one place the first one is the longest.
      const found = left.reduce((first, other) => (other.at < first.at ? other : first));
      parts.push(bytes.subarray(done, found.at), REPLACEMENT);
      done = found.at + found.pattern.length;
      for (const one of left) if (one.at < done) one.at = bytes.indexOf(one.pattern, done);
      left = left.filter(({ at }) => at >= 0);
    }
    return parts.length === 0 ? bytes : Buffer.concat([...parts, bytes.subarray(done)]);
  }

  /** How many bytes at the end may be the beginning of a secret. */
  openEnd(bytes: Buffer): number {
    const longest = this.#patterns[0]?.length ?? 0;
    for (let at = Math.max(0, bytes.length - longest + 1); at < bytes.length; at++) {
      if (!this.#starts.has(bytes[at]!)) continue;
      const rest = bytes.subarray(at);
      if (
        this.#patterns.some((pattern) => pattern.length > rest.length && rest.equals(pattern.subarray(0, rest.length)))
      )
        return rest.length;
    }
    return 0;
  }
}

/** Takes secrets out of bytes that come in pieces, also where one begins in one piece and ends in another. */
export class SecretFilter {
  readonly #patterns: SecretPatterns;
  #held: Buffer = Buffer.alloc(0);

  constructor(patterns: SecretPatterns) {
    this.#patterns = patterns;
  }

  /** What can be told now, which may be nothing. */
  push(piece: Uint8Array): Buffer {
    const bytes = this.#patterns.cleanBytes(Buffer.concat([this.#held, piece]));
    const open = this.#patterns.openEnd(bytes);
    this.#held = bytes.subarray(bytes.length - open);
    return bytes.subarray(0, bytes.length - open);
  }

  /** What was held back. */
  end(): Buffer {
    return this.#held;
  }
}

function formsOf(secret: string): string[] {
  const escaped = encodeURIComponent(secret);
  return [
    secret,
    escaped,
    escaped.replaceAll(/%[\dA-F]{2}/g, (code) => code.toLowerCase()),
    new URLSearchParams([["", secret]]).toString().slice(1),
    JSON.stringify(secret).slice(1, -1),
    JSON.stringify(secret)
      .slice(1, -1)
      .replaceAll("/", String.raw`\/`),
    inMarkup(secret, "&#39;", "&quot;"),
    inMarkup(secret, "&#x27;", "&#34;"),
    ...base64Forms(secret).flatMap((form) => [form, encodeURIComponent(form), form.replaceAll("/", String.raw`\/`)]),
    Buffer.from(secret).toString("hex"),
    Buffer.from(secret).toString("hex").toUpperCase(),
  ];
}

/** As a page shows it. */
function inMarkup(text: string, apostrophe: string, quote: string): string {
  const plain = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return plain.replaceAll("'", apostrophe).replaceAll('"', quote);
}

/** What base64 makes of it wherever it begins among other bytes: the letters that depend on nothing but the secret. */
function base64Forms(secret: string): string[] {
  const forms: string[] = [];
  for (let before = 0; before < 3; before++) {
    const bits = (before + Buffer.byteLength(secret)) * 8;
    const whole = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]).toString("base64");
    const form = whole.slice(Math.ceil((before * 8) / 6), Math.floor(bits / 6));
    forms.push(form, form.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return forms;
}
