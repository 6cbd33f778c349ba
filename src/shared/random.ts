/** Random numbers that follow from a seed, the same on both sides of the wall. Not for secrets. */
import { MathImul } from "./primordials.ts";

/** Four unsigned 32-bit integers. */
export type Seed = readonly [number, number, number, number];

/** Numbers from 0 to 1 with 53 bits each, by the generator "sfc32" of PractRand. */
export function createRandom(seed: Seed): () => number {
  let a = seed[0] | 0;
  let b = seed[1] | 0;
  let c = seed[2] | 0;
  let counter = seed[3] | 0;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  // The first numbers tell much of a seed with few bits.
  for (let i = 0; i < 15; i++) next();
  return () => ((next() >>> 5) * 67_108_864 + (next() >>> 6)) / 9_007_199_254_740_992;
}

/** What the seed of a script is used for: each use has numbers of its own. */
export const SEED_USE = { guest: 0, host: 1, bytes: 2 } as const;

/** A seed for one of several uses, from any whole number. */
export function toSeed(number: number, use: number): Seed {
  let state = (number ^ MathImul(use + 1, 0x9e37_79b9)) | 0;
  let high = ((number / 4_294_967_296) | 0) ^ use;
  const next = (): number => {
    state = (state + 0x9e37_79b9) | 0;
    let mixed = state ^ high;
    mixed = MathImul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
    mixed = MathImul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
    high = (high + mixed) | 0;
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
  return [next(), next(), next(), next()];
}
