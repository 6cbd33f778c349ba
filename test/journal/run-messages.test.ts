/** What crosses for runs of steps that scripts make: it is written without an encoder, and is what that would write. */
import { describe, expect, it } from "vitest";
import type { JournalRecord } from "../../src/journal/journal-record.ts";
import { encodeValue } from "../../src/shared/codec.ts";
import { decodeValue } from "../../src/shared/decode.ts";
import { record } from "./journal-fixture.ts";

const SCRIPT = `
const plus = steps.createLambdaStep((n) => n + 1);
const odd = ["a \\"quoted\\" text", "\\ud800", "é ", true, null, undefined, -0, NaN, 12n, { a: [1] }, new Date(0), "x".repeat(2000)];
await steps.createMapStep((value) => value).startAsync(odd);
await steps.compose([plus, steps.withTimeout(plus, 5000), (values) => values]).startAsync(1);
await steps.createParallelStep({ step: steps.createLambdaStep(String), maxConcurrency: 2 }).startAsync([1, 2, 3]);
await steps.createLambdaStep((n) => { plus.startAsync(n); return plus.startAsync(n); }).startAsync(1);
await steps.withCache(plus).startAsync(1);
await steps.createLambdaStep(async () => { throw new Error("boom") }).startAsync(1).catch(() => {});
for await (const _ of plus.events(1));
plus.startBlocking(1);
`;

const WRITTEN = /^\[1,"(run_start|run_yield|run_answer)",/;

/** All that crossed while it ran: what the guest told, and the ends of its runs. */
async function crossedIn(isolation: "thread" | "process"): Promise<{ told: string[]; ends: string[] }> {
  const { journal, outcome } = await record(SCRIPT, { isolation });
  expect(outcome.error).toBeUndefined();
  const told = ({ kind, ...rest }: JournalRecord): string[] =>
    (kind === "call" || kind === "note") && "text" in rest ? [rest.text] : [];
  const ends = (one: JournalRecord): string[] => (one.kind === "entry" ? [one.frame.text] : []);
  return {
    told: journal.records.flatMap(told).filter((text) => WRITTEN.test(text)),
    ends: journal.records.flatMap(ends).filter((text) => text.includes('"event_deliver"') && text.includes('"final"')),
  };
}

describe.each(["thread", "process"] as const)("what crosses for a run, in a %s", (isolation) => {
  it("is what the encoder writes", async () => {
    const { told, ends } = await crossedIn(isolation);
    for (const text of [...told, ...ends]) expect(encodeValue(decodeValue(text))).toBe(text);
    for (const part of ["parent", "forwards", "part", "timeoutMs", "interception", "hasBegun", "value", "endsPart"])
      expect(
        told.some((text) => text.includes(`"${part}":`)),
        part,
      ).toBe(true);
    expect(ends.length).toBeGreaterThan(10);
  });
});
