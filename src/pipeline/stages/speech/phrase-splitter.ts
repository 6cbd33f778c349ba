export interface PhraseSplitterOptions {
  /** Shorter pieces wait for the next one. */
  minChars: number;
  /** Longer ones are cut, between words where there are some. */
  maxChars: number;
  /** BCP 47, for the rules by which sentences end. */
  locale: string | undefined;
}

/** After this a sentence is over, whatever follows. */
const ENDED = /(?:[.!?…][\p{Pe}\p{Pf}"']*\s|[。！？]|\n)\s*$/u;
/** "Mr.", "Dr.", an initial: what follows may belong to it. Short names do so too, and wait for the next sentence. */
const ABBREVIATED = /(?:^|\s)\p{Lu}\p{Ll}{0,2}\.\s*$/u;
/** Only with one of these can a sentence have ended. */
const MAY_END = /[.!?…。！？\n]/;

/** Cuts a text that comes in pieces into phrases that can be spoken one by one: sentences, where they are not too long. */
export class PhraseSplitter {
  readonly #options: PhraseSplitterOptions;
  readonly #segmenter: Intl.Segmenter;
  #text = "";

  constructor(options: PhraseSplitterOptions) {
    this.#options = options;
    this.#segmenter = new Intl.Segmenter(options.locale, { granularity: "sentence" });
  }

  /** The phrases that are complete with this piece. */
  push(delta: string): string[] {
    this.#text += delta;
    const isLong = this.#text.length > this.#options.maxChars;
    if (!isLong && !MAY_END.test(delta) && !/\s/.test(delta)) return [];
    const sentences = Array.from(this.#segmenter.segment(this.#text), ({ segment }) => segment);
    const last = sentences.at(-1) ?? "";
    if (ENDED.test(last)) this.#text = "";
    else {
      this.#text = last;
      sentences.pop();
    }
    return this.#join(sentences);
  }

  /** What is left, at the end of the text. */
  end(): string[] {
    const left = this.#text;
    this.#text = "";
    return this.#cut(left).filter(isSpoken);
  }

  /** Forgets what is left. */
  clear(): void {
    this.#text = "";
  }

  #join(sentences: readonly string[]): string[] {
    const { minChars, maxChars } = this.#options;
    const phrases: string[] = [];
    let held = "";
    for (const sentence of sentences) {
      held += sentence;
      if (held.trim().length < minChars || ABBREVIATED.test(held)) continue;
      phrases.push(...this.#cut(held));
      held = "";
    }
    this.#text = held + this.#text;
    // No sentence has ended, and it is too long all the same.
    if (this.#text.length > maxChars) {
      const pieces = this.#cut(this.#text);
      this.#text = pieces.pop()!;
      phrases.push(...pieces);
    }
    return phrases.filter(isSpoken);
  }

  #cut(text: string): string[] {
    const { maxChars } = this.#options;
    const pieces: string[] = [];
    let rest = text;
    while (rest.length > maxChars) {
      const head = rest.slice(0, maxChars);
      const place = Math.max(head.lastIndexOf(", "), head.lastIndexOf("; ")) + 1 || head.lastIndexOf(" ");
      let length = place > maxChars / 4 ? place + 1 : maxChars;
      // Not between the two halves of one character.
      if (/[\uD800-\uDBFF]/.test(rest[length - 1]!) && length > 1) length--;
      pieces.push(rest.slice(0, length));
      rest = rest.slice(length);
    }
    pieces.push(rest);
    return pieces;
  }
}

function isSpoken(phrase: string): boolean {
  return phrase.trim() !== "";
}
