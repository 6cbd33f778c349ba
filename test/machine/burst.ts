/** How long {@link burst} takes on the quiet machine on which the tests' deadlines were chosen, in ms. */
export const QUIET_BURST_MS = 3.5;

/** A piece of work that is the same on every machine: the time that it takes tells how slow one is, and how busy. */
export function burst(): number {
  let x = 1;
  for (let i = 0; i < 2_000_000; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
  }
  return x;
}
