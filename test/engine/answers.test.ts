import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { defineStep, type SetupFunction } from "../../src/index.ts";
import { unheardDuring } from "../base/settle.ts";
import { ISOLATIONS, withEngine } from "./engine-harness.ts";

const SCRIPT = readFileSync(new URL("scripts/answers.mjs", import.meta.url), "utf8");

const cyclic: { self?: object } = {};
cyclic.self = cyclic;

/** What hosts give and throw when they do not think of the wall. */
const setup: SetupFunction = async (vm) => {
  for (const mode of ["sync", "async", "blocking"] as const) {
    const refuse = (order: string): never => {
      throw new Error(`Cannot find the order ${order}${"!".repeat(200)}`);
    };
    await vm.op(`refuse_${mode}`, refuse, { mode });
    await vm.op(`give_${mode}`, () => ({ order: 1, ship() {} }), { mode });
  }
  const giving = defineStep({
    name: "giving",
    async *run() {
      yield { order: 1, ship() {} };
    },
  });
  const noting = defineStep({
    name: "noting",
    async *run(_, { metadata }) {
      metadata["response"] = cyclic;
      yield 1;
    },
  });
  await vm.registerStep("giving", giving);
  await vm.registerStep("noting", noting);
};

describe.each(ISOLATIONS)("what a host gives a script in a %s", (isolation) => {
  it("comes without its functions, and its errors cut, whichever way it goes", async () => {
    let value: unknown;
    const rejections = await unheardDuring(() =>
      withEngine({ isolation, setup: [setup], limits: { memoryMB: 256 } }, async ({ run }) => {
        ({ value } = await run(SCRIPT));
      }),
    );
    const cut = { kind: "Error", chars: 8193, showsHost: false };
    const refused = { kind: "ValidationError", chars: expect.any(Number), showsHost: false };
    expect(value).toEqual({
      "sync refuses": cut,
      "async refuses": cut,
      "blocking refuses": cut,
      "sync gives": { order: 1 },
      "async gives": { order: 1 },
      "blocking gives": { order: 1 },
      "step in time": { order: 1 },
      "step blocks": { order: 1 },
      "step notes": refused,
      "step notes, blocks": refused,
    });
    expect(rejections).toEqual([]);
  });
});
