import { afterEach, describe, expect, it, vi } from "vitest";
import { ISOLATIONS, withEngine } from "../engine/engine-harness.ts";

afterEach(() => void vi.useRealTimers());

describe.each(ISOLATIONS)("performance.timeOrigin in a %s", (isolation) => {
  it("is when the realm began, for each of its scripts, whatever has become of the clock since", async () => {
    const began = Date.UTC(2001, 1, 3);
    vi.useFakeTimers({ toFake: ["Date"], now: began });
    await withEngine({ isolation }, async ({ run }) => {
      vi.setSystemTime(Date.UTC(2030, 1, 3));
      const script = "export default [performance.timeOrigin, performance.now() > 0]";
      for (const _ of [1, 2]) expect(await run(script)).toMatchObject({ value: [began, true] });
    });
  });
});
