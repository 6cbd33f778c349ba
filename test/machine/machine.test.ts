import { describe, expect, it } from "vitest";
import { timed } from "./machine-watch.ts";
import { patience } from "./patience.ts";

describe("patience()", () => {
  it("is whole milliseconds, and never less than was asked for", () => {
    for (const ms of [0, 0.5, 1, 1000]) {
      expect(Number.isInteger(patience(ms))).toBe(true);
      expect(patience(ms)).toBeGreaterThanOrEqual(ms);
    }
  });
});

describe("timed()", () => {
  it("gives the result of the work, the time that it took, and no less than what was promised", async () => {
    const { result, ms, allow } = await timed(async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return "done";
    });
    expect(result).toBe("done");
    expect(ms).toBeGreaterThan(45);
    expect(allow(250)).toBeGreaterThanOrEqual(250);
  });

  it("throws what the work throws", async () => {
    await expect(timed(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  });
});
