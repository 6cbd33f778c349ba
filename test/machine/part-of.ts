/** Is everything done, and not the part that is enough for each day? */
export const isWholeRun = process.env["GEPPETTO_TEST_WHOLE"] === "1";

/** Does a usual run have the `i`-th of many, of which it takes one in `every`, the first at `first`? A whole run has all. */
export function isTaken(i: number, every: number, first = 0): boolean {
  return isWholeRun || i % every === first;
}

/** How often a thing is done that should go well every time: a tenth of `all`; with `GEPPETTO_TEST_WHOLE=1` all. */
export function partOf(all: number): number {
  return isWholeRun ? all : Math.ceil(all / 10);
}
