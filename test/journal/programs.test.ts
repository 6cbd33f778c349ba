import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { patience } from "../machine/patience.ts";
import { ISOLATIONS } from "../engine/engine-harness.ts";
import { play, record } from "./journal-fixture.ts";
import { PROGRAM } from "./programs.ts";

/** How many programs are tried in each kind of isolation, and how often each is replayed. */
const PROGRAMS = Number(process.env["GEPPETTO_TEST_PROGRAMS"] ?? 4);
const REPLAYS = 5;
const SEED = Number(process.env["GEPPETTO_TEST_SEED"] ?? 16);

/** Computes for ever, so that nothing else is on time. */
const BURN = "for (;;) for (let i = 0; i < 1e7; i++) Math.sqrt(i)";

describe.each(ISOLATIONS)("programs that depend on time, in a %s", (isolation) => {
  let burners: Worker[] = [];
  beforeAll(() => void (burners = [1, 2].map(() => new Worker(BURN, { eval: true }))));
  afterAll(() => Promise.all(burners.map((burner) => burner.terminate())));

  it(
    `print and ask the same in each replay of what they did under load (${PROGRAMS})`,
    async () => {
      await fc.assert(
        fc.asyncProperty(PROGRAM, async (code) => {
          const { output, journal, outcome } = await record(code, { isolation });
          expect(["completed", "uncaught"]).toContain(outcome.end);
          for (let i = 0; i < REPLAYS; i++) {
            const again = await play(journal);
            expect([again.out, again.err]).toEqual([output.out, output.err]);
          }
        }),
        { numRuns: PROGRAMS, seed: SEED, endOnFailure: true },
      );
    },
    patience(120_000 + PROGRAMS * 10_000),
  );
});
