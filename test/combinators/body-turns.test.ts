import { describe, expect, it } from "vitest";
import { ISOLATIONS } from "../engine/engine-harness.ts";
import { valueOf } from "./script-value.ts";

const STEP = `const called = [];
const step = steps.createLambdaStep((n) => { called.push(n); return n });`;

describe.each(ISOLATIONS)("the body of a step, in a %s", (isolation) => {
  it("begins in the turn that starts its run, of one run for each turn", async () => {
    const code = `${STEP}
      const all = Promise.all([1, 2, 3].map((n) => step.startAsync(n)));
      for (let i = 0; i < 50; i++) await undefined;
      const inThisTurn = [...called];
      export default { inThisTurn, results: (await all).flat(), called }`;
    expect(await valueOf(code, isolation)).toEqual({ inThisTurn: [1], results: [1, 2, 3], called: [1, 2, 3] });
  });

  it("does not begin where the turn that starts its run cancels it too", async () => {
    const code = `${STEP}
      const controller = new AbortController();
      const gone = step.startAsync(1, { signal: controller.signal });
      controller.abort();
      await caught(() => gone);
      await step.startAsync(2);
      export default called`;
    expect(await valueOf(code, isolation)).toEqual([2]);
  });

  it("begins after the start event where somebody sees that", async () => {
    const code = `${STEP}
      await new Promise((resolve) => step.runWithEvents(1, ({ type }) => {
        called.push(type);
        if (type === "final") resolve();
      }));
      export default called`;
    expect(await valueOf(code, isolation)).toEqual(["start", 1, "final"]);
  });
});
