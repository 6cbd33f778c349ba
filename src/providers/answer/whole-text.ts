/**
 * Joins deltas so that none ends in half a surrogate pair: some servers cut between the halves. What is held back
 * comes with the next delta, or from `flush()`.
 */
export class WholeText {
  #held = "";

  /** The text that can go out now; "" when nothing can. */
  push(delta: string): string {
    const text = this.#held + delta;
    const last = text.charCodeAt(text.length - 1);
    const isHalf = last >= 0xd800 && last <= 0xdbff;
    this.#held = isHalf ? text.slice(-1) : "";
    return (isHalf ? text.slice(0, -1) : text).toWellFormed();
  }

  flush(): string {
    const rest = this.#held.toWellFormed();
    this.#held = "";
    return rest;
  }
}
