/** What a JSON text may be at most before anybody parses it. */
export const JSON_LIMITS = {
  /** UTF-16 units. */
  chars: 1024 * 1024,
  /** Lists and objects within each other; fewer than a value that crosses to a script may have. */
  depth: 128,
  /** Values of all kinds, those inside of others included. */
  values: 100_000,
};

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

/**
 * Follows a JSON text as it comes, in time that is linear in its length, and keeps nothing of it: how long, how deep and
 * how large it is, and whether its first value has ended. It does not check that the text is JSON.
 */
export class JsonProgress {
  #chars = 0;
  #depth = 0;
  #deepest = 0;
  #values = 0;
  #inString = false;
  #isEscaped = false;
  #hasBegun = false;

  /** A whole list or object has come. */
  get isComplete(): boolean {
    return this.#hasBegun && this.#depth === 0 && !this.#inString;
  }

  get isTooLong(): boolean {
    return this.#chars > JSON_LIMITS.chars;
  }

  /** Why nobody should parse the text; undefined where it keeps to the limits. */
  get excess(): string | undefined {
    const { chars, depth, values } = JSON_LIMITS;
    if (this.#chars > chars) return `longer than ${chars} characters`;
    if (this.#deepest > depth) return `nested deeper than ${depth} levels`;
    if (this.#values > values) return `made of more than ${values} values`;
    return undefined;
  }

  push(text: string): void {
    this.#chars += text.length;
    if (this.#chars > JSON_LIMITS.chars) return;
    for (let i = 0; i < text.length; i++) this.#step(text.charCodeAt(i));
  }

  #step(code: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (this.#inString) {
      if (code === BACKSLASH) this.#isEscaped = true;
      else if (code === QUOTE) this.#inString = false;
    } else if (code === QUOTE) this.#inString = true;
    else if (code === COMMA) this.#values++;
    // [ and {
    else if (code === 0x5b || code === 0x7b) {
      this.#hasBegun = true;
      this.#values++;
      this.#depth++;
      if (this.#depth > this.#deepest) this.#deepest = this.#depth;
    }
    // ] and }
    else if (code === 0x5d || code === 0x7d) this.#depth--;
  }
}

/** Why nobody should parse this text; undefined where it keeps to {@link JSON_LIMITS}. */
export function jsonExcess(text: string): string | undefined {
  const progress = new JsonProgress();
  progress.push(text);
  return progress.excess;
}
