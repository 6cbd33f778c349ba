import { describe, expect, it } from "vitest";
import { MemoryJournal } from "../../../src/index.ts";
import { SeededRandom } from "../../../src/base/time/seeded-random.ts";
import { toSeed } from "../../../src/shared/random.ts";
import type { Crash } from "./crashing-journal.ts";
import { patience } from "../../machine/patience.ts";
import { attempt, Effects, type Attempt } from "./lasting-fixture.ts";
import { LASTING_SCRIPTS } from "./scripts.ts";

/** All places, and not a twentieth of them. */
const isWhole = process.env["GEPPETTO_SWEEP"] === "whole";
const seed = Number(process.env["GEPPETTO_SWEEP_SEED"] ?? 1);
const random = new SeededRandom(toSeed(seed, 0));
const only = process.env["GEPPETTO_SWEEP_ONLY"];

function crashesOf(writes: number): Crash[] {
  const all: Crash[] = [];
  for (let at = 1; at <= writes; at++) all.push({ at, when: "before" }, { at, when: "after" });
  return isWhole ? all : all.filter(() => random.number() < 1 / 20);
}

/** Goes on until the execution has ended, and gives what it has printed in all. */
async function goOn(
  journal: MemoryJournal,
  code: string,
  options: { effects: Effects; isolation: "process" | "thread" },
): Promise<Attempt> {
  const { effects } = options;
  for (let i = 0; i < 5; i++) {
    const last = await attempt(journal, code, { ...options, printsAgain: true });
    if (last.outcome?.end !== "suspended") return last;
    const { waitsFor } = (await journal.get("execution"))!;
    for (const { kind, number, data } of waitsFor) {
      if (kind !== "ambiguous") continue;
      const [given, tool, args] = data as [string, string?, { text: string }?];
      const text = args?.text ?? given;
      // Somebody has looked whether it was made.
      const how = effects.once.has(text) ? { value: `${tool ?? "sent"} ${text}` } : { retry: true as const };
      await journal.resolve("execution", how, number);
    }
  }
  throw new Error("the execution does not end");
}

describe.each(Object.entries(LASTING_SCRIPTS))("%s", (name, code) => {
  const run = only === undefined || name.includes(only) ? it : it.skip;
  run(
    "has the same outcome wherever it is killed, and each effect once",
    async () => {
      await using whole = new MemoryJournal();
      const expectedEffects = new Effects();
      const expected = await attempt(whole, code, { effects: expectedEffects });
      const { stats: _, ...outcome } = expected.outcome!;
      expect(["suspended", "crashed"]).not.toContain(outcome.end);
      for (const [i, crash] of crashesOf(expected.writes).entries()) {
        // An engine in a thread is there sooner, and keeps the same.
        const isolation = i % 3 === 0 ? "process" : "thread";
        const where = `killed ${crash.when} write ${crash.at} of ${expected.writes} (seed ${seed})`;
        await using journal = new MemoryJournal();
        const effects = new Effects();
        const options = { effects, isolation } as const;
        await attempt(journal, code, { ...options, crash });
        // The one that goes on is killed as well, somewhere.
        const at = 1 + Math.floor(random.number() * expected.writes);
        const second = await attempt(journal, code, { ...options, crash: { at, when: "after" }, printsAgain: true });
        let last: Attempt;
        try {
          last = second.hasCrashed || second.outcome?.end === "suspended" ? await goOn(journal, code, options) : second;
        } catch (error) {
          throw new Error(where, { cause: error });
        }
        expect({ ...last.outcome, stats: undefined }, where).toEqual({ ...outcome, stats: undefined });
        expect(last.output.out, where).toBe(expected.output.out);
        expect(new Set(effects.keyed.values()), where).toEqual(new Set(expectedEffects.keyed.values()));
        expect(effects.keyed.size, where).toBe(expectedEffects.keyed.size);
        expect(effects.once, where).toEqual(expectedEffects.once);
      }
    },
    patience(isWhole ? 600_000 : 120_000),
  );
});
