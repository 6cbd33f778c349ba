import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasAll, isSame, missingEvent, toPlain, toText } from "../../src/testing/compare/compare-values.ts";
import { firstDifferentLine, unifiedDiff } from "../../src/testing/compare/unified-diff.ts";

const names = { expected: "a", actual: "b" };

describe("unifiedDiff()", () => {
  it("shows what was expected with -, what came with +, and what is around it", async () => {
    expect(await unifiedDiff("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\nfive\n6\n", names)).toEqual([
      "--- a",
      "+++ b",
      "@@ -2,5 +2,5 @@",
      " 2",
      " 3",
      " 4",
      "-5",
      "+five",
      " 6",
    ]);
  });

  it("says where the end of the last line is missing", async () => {
    expect(await unifiedDiff("one\n", "one", names)).toContain("\\ No newline at end of file");
  });

  it("is short for long texts that have nothing in common", async () => {
    const text = (seed: number): string =>
      Array.from({ length: 60_000 }, (_, i) => `${(i * seed) % 999_983}`).join("\n");
    const lines = await unifiedDiff(text(7919), text(104_729), names);
    expect(lines.length).toBeLessThan(500);
  });

  it("cuts long lines", async () => {
    const lines = await unifiedDiff("x".repeat(100_000), "y".repeat(100_000), names);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(2_100);
  });
});

describe("firstDifferentLine()", () => {
  it("counts from 1, and says which text has ended", () => {
    expect(firstDifferentLine("a\nb", "a\nc")).toEqual({ line: 2, a: "b", b: "c" });
    expect(firstDifferentLine("a", "a\nc")).toEqual({ line: 2, a: undefined, b: "c" });
  });
});

describe("values", () => {
  const plain = fc.jsonValue();

  it("are the same as themselves, whatever the order of their keys, and have all that they have", () => {
    fc.assert(
      fc.property(plain, (value) => {
        const other = JSON.parse(toText(value)) as unknown;
        expect(isSame(toPlain(value), other)).toBe(true);
        expect(hasAll(other, toPlain(value))).toBe(true);
      }),
    );
  });

  it("with one field more have all that they had, and are not the same", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), plain), (given) => {
        const value = toPlain(given) as object;
        const more = { ...value, "one field more": 1 };
        expect([hasAll(value, more), hasAll(more, value), isSame(value, more)]).toEqual([true, false, false]);
      }),
    );
  });

  it("that JSON lacks become the nearest thing", () => {
    const value = { big: 7n, map: new Map([["a", 1]]), vector: new Float32Array([1, 2]), error: new TypeError("x") };
    expect(toPlain(value)).toEqual({
      big: "7",
      map: [["a", 1]],
      vector: [1, 2],
      error: { name: "TypeError", message: "x" },
    });
    expect(toPlain(undefined)).toBeNull();
  });
});

describe("missingEvent()", () => {
  const events = [
    { type: "start" },
    { type: "partial", delta: "a" },
    { type: "partial", delta: "b" },
    { type: "final", text: "ab" },
  ];

  it.each([
    [["start", "final"], undefined],
    [["start", "partial", "partial", "final"], undefined],
    [["partial", { delta: "b" }, { type: "final", text: "ab" }], undefined],
    [[], undefined],
    [["start", "partial", "partial", "partial"], 3],
    [["final", "start"], 1],
    [[{ type: "final", text: "a" }], 0],
    [["error"], 0],
  ] as const)("finds in %j the first that does not come: %s", (expected, missing) => {
    expect(missingEvent(expected, events)).toBe(missing);
  });
});
