import { createRandom, type Seed } from "../../shared/random.ts";

/** Random numbers, bytes and ids that follow from a seed. Not for secrets. */
export class SeededRandom {
  readonly #next: () => number;

  constructor(seed: Seed) {
    this.#next = createRandom(seed);
  }

  /** From 0 to 1, as `Math.random()`. */
  number(): number {
    return this.#next();
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count);
    for (let i = 0; i < count; i++) bytes[i] = Math.floor(this.#next() * 256);
    return bytes;
  }

  /** A version 4 UUID. */
  uuid(): string {
    const bytes = this.bytes(16);
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }
}
