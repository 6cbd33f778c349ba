/** A text that is kept up to a length: its beginning and its end. */
export class BoundedText {
  readonly #maxChars: number;
  #head = "";
  #tail = "";
  #left = 0;

  constructor(maxChars: number) {
    this.#maxChars = maxChars;
  }

  add(text: string): void {
    const half = Math.ceil(this.#maxChars / 2);
    const room = Math.max(0, half - this.#head.length);
    this.#head += text.slice(0, room);
    const rest = text.slice(room);
    if (rest === "") return;
    const tail = this.#tail + rest;
    const kept = tail.slice(-half);
    this.#left += tail.length - kept.length;
    this.#tail = kept;
  }

  toString(): string {
    if (this.#left === 0) return this.#head + this.#tail;
    const cut = `\n… ${this.#left} characters are left out …\n`;
    return this.#head.toWellFormed() + cut + this.#tail.toWellFormed();
  }
}
