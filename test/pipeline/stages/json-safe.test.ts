import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toJsonSafe } from "../../../src/pipeline/stages/state/json-safe.ts";

describe("toJsonSafe()", () => {
  it("gives of any value what JSON gives back as it is", () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withNullPrototype: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        const safe = toJsonSafe(value) ?? null;
        // JSON has one zero.
        const normal = (given: unknown): unknown => JSON.parse(JSON.stringify(given));
        expect(JSON.stringify(normal(safe))).toBe(JSON.stringify(safe));
        expect(toJsonSafe(safe)).toEqual(safe);
      }),
      { numRuns: 1_000 },
    );
  });

  it("leaves out circles and what is nested too deep, and keeps what is there twice", () => {
    const circle: Record<string, unknown> = { list: [] };
    (circle["list"] as unknown[]).push(circle, 1);
    const twice = { n: 1 };
    expect(toJsonSafe({ circle, a: twice, b: twice })).toEqual({ circle: { list: [null, 1] }, a: twice, b: twice });
    let deep: unknown = "bottom";
    for (let i = 0; i < 100_000; i++) deep = { deep };
    expect(JSON.stringify(toJsonSafe(deep))).not.toContain("bottom");
  });

  it("gives plain JSON as it is, as a copy", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        if (!text.includes("__proto__")) expect(JSON.stringify(toJsonSafe(value))).toBe(text);
      }),
    );
  });
});
