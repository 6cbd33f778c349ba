import { describe, expect, it } from "vitest";
import { weighFrame } from "../../../src/engine/frame-weight.ts";
import { READING_COST } from "../../../src/shared/frames.ts";

/** The same, told character by character. */
function weighPlainly(text: string): number {
  let weight = text.length;
  let fields = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === '"') {
      const start = at + 1;
      for (at = start; at < text.length && text[at] !== '"'; at++) if (text[at] === "\\") at++;
      const isTag = at === start + 1 && "$v".includes(text[start]!);
      if (isTag && text[at + 1] === ":") at++;
    } else if (char === ",") weight += READING_COST.item - 1;
    else if (char === "[" || char === "{") weight += READING_COST.object;
    else if (char === ":" && ++fields > READING_COST.freeFields) weight += READING_COST.field;
  }
  return weight;
}

/** The frame's text is looked at in pieces of so many characters. */
const CHUNK_CHARS = 16_384;
const ENDS = ['"$":1', '"v":[{', '"a":{', '\\"$":', '"\\\\":,', "é€😀,[", '"$', '"'];

describe("weighFrame()", () => {
  it.each(ENDS)("weighs what is cut anywhere in %s as what is not cut", (end) => {
    const fields = ":".repeat(READING_COST.freeFields);
    for (let before = 0; before <= 8; before++) {
      for (const filler of [" ", '"']) {
        const length = 2 * CHUNK_CHARS - fields.length - before;
        const text = `${fields}${filler}${"x".repeat(length - 2)}${filler}${end}${end}`;
        expect(weighFrame(text, Infinity)).toBe(weighPlainly(text));
      }
    }
  });

  it("takes no half of a surrogate pair, and no character of two bytes, for one that has a meaning", () => {
    for (const text of ["\ud83d", "\ude00[", "\u5b7b\u2c3a,", `${"x".repeat(CHUNK_CHARS - 1)}😀[`])
      expect(weighFrame(text, Infinity)).toBe(weighPlainly(text));
  });

  it("stops soon after it has come to more than the most", () => {
    const text = "[".repeat(10 * CHUNK_CHARS);
    expect(weighFrame(text, text.length)).toBeLessThan(text.length + 2 * CHUNK_CHARS * READING_COST.object);
  });
});
