/** How often a thing is done that should go well every time: a fifth of `all`; with `GEPPETTO_TEST_WHOLE=1` all. */
export function partOf(all: number): number {
  return process.env["GEPPETTO_TEST_WHOLE"] === "1" ? all : Math.ceil(all / 5);
}
