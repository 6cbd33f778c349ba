/** Bytes that come in pieces, however small, in time and room that are linear in their number. */
export class ByteBuffer {
  #bytes = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(length, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = length;
  }

  clear(): void {
    this.#length = 0;
  }

  /** All bytes as text. */
  text(): string {
    return this.#bytes.toString("utf8", 0, this.#length);
  }

  /** All bytes as text; they are forgotten. */
  takeText(): string {
    const text = this.text();
    this.clear();
    return text;
  }

  /** A copy of all bytes, which are forgotten. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#length));
    this.clear();
    return taken;
  }
}
