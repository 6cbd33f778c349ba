import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { hostTime } from "../../src/base/time/host-time.ts";

/** Computes for so long, for a tenant, in a piece of its own. */
async function compute(tenant: string, ms: number): Promise<void> {
  await nextTurn();
  hostTime.charge(tenant);
  for (const end = performance.now() + ms; performance.now() < end;);
  await nextTurn();
}

describe("the time of this process", () => {
  const leave: (() => void)[] = [];
  const enter = (tenant: string): void => void leave.push(hostTime.enter(tenant));
  afterEach(async () => {
    for (const end of leave.splice(0)) end();
    await expect.poll(() => hostTime.isShared).toBe(false);
  });

  it("is anybody's who is alone", async () => {
    enter("anna");
    await compute("anna", 80);
    expect(hostTime.isShared).toBe(false);
    expect(hostTime.holdMs("anna")).toBe(0);
  });

  it("is charged with the promises that follow from a piece of work", async () => {
    enter("anna");
    enter("ben");
    await nextTurn();
    hostTime.charge("anna");
    await Promise.resolve();
    for (const end = performance.now() + 80; performance.now() < end;);
    await nextTurn();
    await compute("ben", 0);
    expect(hostTime.holdMs("anna")).toBeGreaterThan(0);
  });

  it("makes who has taken more than a share wait, and never who has taken least", async () => {
    enter("anna");
    enter("ben");
    await compute("ben", 30);
    await compute("anna", 90);
    await compute("ben", 0);
    expect(hostTime.holdMs("anna")).toBeGreaterThan(0);
    expect(hostTime.holdMs("ben")).toBe(0);
  });

  it("is anybody's again when the others want none", async () => {
    enter("anna");
    enter("ben");
    await compute("ben", 0);
    await compute("anna", 90);
    await expect.poll(() => hostTime.holdMs("anna")).toBe(0);
  });

  it("lets one of the loops that wait for a tenant go on in each turn of the event loop", async () => {
    enter("anna");
    // Beyond what promises alone may take.
    for (const end = performance.now() + 20; performance.now() < end;);
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns++;
      if (!isOver) setImmediate(count);
    };
    const waits = [1, 2, 3].map(async () => {
      await hostTime.turn("anna");
      return turns;
    });
    setImmediate(count);
    const seen = await Promise.all(waits);
    isOver = true;
    expect(new Set(seen).size).toBe(3);
  });

  it("knows nobody who has never run a script", () => {
    expect(hostTime.holdMs("carla")).toBe(0);
    hostTime.charge("carla");
  });
});
