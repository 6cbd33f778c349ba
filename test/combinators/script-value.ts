import { expect } from "vitest";
import { withEngine } from "../engine/engine-harness.ts";

/** Helpers that every script here begins with. */
export const PRELUDE = `
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const until = async (isSo) => { while (!isSo()) await pause(1) };
const caught = async (f) => { try { return await f() } catch (e) { return e } };
const events = (step, input) => new Promise((resolve) => {
  const all = [];
  step.runWithEvents(input, (event) => { all.push(event); if (/final|error|interrupt/.test(event.type)) resolve(all); });
});
// Reading an error event's error is what keeps the script from being a failed one.
const types = async (step, input) => (await events(step, input)).map((event) => (void event.error, event.type)).join(" ");
`;

/** The default export of a script that must not fail. */
export async function valueOf(code: string, isolation: "thread" | "process" = "thread"): Promise<unknown> {
  let value: unknown;
  await withEngine({ isolation }, async ({ run }) => {
    const outcome = await run(PRELUDE + code);
    expect(outcome.error).toBeUndefined();
    ({ value } = outcome);
  });
  return value;
}
