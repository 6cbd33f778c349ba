import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SourcePlaces } from "../../src/shared/source-positions.ts";

const FILE = "file:///script.js";
const SOURCES = ["file:///a.ts", "file:///b.ts"];
/** Line 1 is line 1 of a; line 3, from column 5 on, is line 2 of b, from column 3 on. */
const PLACES = new SourcePlaces({ file: FILE, sources: SOURCES, mappings: "AAAA;;ICCE" });

describe("SourcePlaces", () => {
  it.each([
    [`at f (${FILE}:1:7)`, "at f (file:///a.ts:1:1)"],
    [`${FILE}:3:5`, "file:///b.ts:2:3"],
    [`Unexpected token [${FILE}:3:9]`, "Unexpected token [file:///b.ts:2:3]"],
    [`eval at g (${FILE}:1:1), <anonymous>:1:1`, "eval at g (file:///a.ts:1:1), <anonymous>:1:1"],
  ])("put %s back to where it comes from", (text, place) => {
    expect(PLACES.translate(text)).toBe(place);
  });

  it.each([
    "",
    "at f (native)",
    `${FILE}:2:1`,
    `${FILE}:3:4`,
    `${FILE}:99:1`,
    `${FILE}:0:0`,
    `${FILE}:-1:-1`,
    `${FILE}:x:y`,
    `${FILE}:1`,
    "file:///other.js:1:1",
  ])("leave %j as it is, for nothing is known of it", (text) => {
    expect(PLACES.translate(text)).toBe(text);
  });

  it("never throw, whatever the mappings and the text are", () => {
    const text = fc.oneof(
      fc.string(),
      fc.tuple(fc.nat(9), fc.nat(99)).map(([line, column]) => `${FILE}:${line}:${column}`),
    );
    const mappings = fc.oneof(fc.string(), fc.stringMatching(/^[A-Za-z0-9+/,;]{0,80}$/));
    fc.assert(
      fc.property(mappings, text, (given, shown) => {
        const translated = new SourcePlaces({ file: FILE, sources: SOURCES, mappings: given }).translate(shown);
        expect(typeof translated).toBe("string");
      }),
    );
  });
});
