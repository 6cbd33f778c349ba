import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ThinkSplitter } from "../../../src/providers/answer/think-splitter.ts";
import { timed } from "../../machine/machine-watch.ts";

interface Split {
  text: string;
  reasoning: string;
}

function split(pieces: readonly string[]): Split {
  const splitter = new ThinkSplitter();
  const all = [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.flush()];
  const join = (type: "text" | "reasoning"): string =>
    all.map((piece) => (piece.type === type ? piece.delta : "")).join("");
  return { text: join("text"), reasoning: join("reasoning") };
}

const CASES: [string, Split][] = [
  ["<think>secret</think>Hi", { text: "Hi", reasoning: "secret" }],
  ["<think>\nsecret\n</think>\n\nHi\n", { text: "Hi\n", reasoning: "\nsecret\n" }],
  ["\n <think>secret</think> Hi", { text: "Hi", reasoning: "secret" }],
  ["<think></think>Hi", { text: "Hi", reasoning: "" }],
  ["<think>one</think><think>two</think>Hi", { text: "Hi", reasoning: "onetwo" }],
  ["<think>cut off", { text: "", reasoning: "cut off" }],
  ["<think>cut off</thi", { text: "", reasoning: "cut off</thi" }],
  ["Hi <think>secret</think> there", { text: "Hi  there", reasoning: "secret" }],
  ["Hi <think>never closed", { text: "Hi <think>never closed", reasoning: "" }],
  ["Use `<think>x</think>` for that", { text: "Use `<think>x</think>` for that", reasoning: "" }],
  [
    "```xml\n<think>x</think>\n```\nDone <think>y</think>.",
    { text: "```xml\n<think>x</think>\n```\nDone .", reasoning: "y" },
  ],
  ["a < b, a <thin b> and <thinking> too", { text: "a < b, a <thin b> and <thinking> too", reasoning: "" }],
  ["a stray </think> stays", { text: "a stray </think> stays", reasoning: "" }],
  ["  \n  Hi", { text: "  \n  Hi", reasoning: "" }],
  ["   ", { text: "   ", reasoning: "" }],
  ["<", { text: "<", reasoning: "" }],
  ["<think>x</think>\n<", { text: "<", reasoning: "x" }],
  ["<think>x</think>\n\n", { text: "", reasoning: "x" }],
];

describe("ThinkSplitter", () => {
  it.each(CASES)("splits %j the same, cut at each place and at every one", (content, expected) => {
    expect(split([content])).toEqual(expected);
    expect(split(content.split(""))).toEqual(expected);
    for (let at = 1; at < content.length; at++)
      expect(split([content.slice(0, at), content.slice(at)])).toEqual(expected);
  });

  it("tells a block at the beginning as it comes", () => {
    const splitter = new ThinkSplitter();
    expect(splitter.push("<think>one")).toEqual([{ type: "reasoning", delta: "one" }]);
    expect(splitter.push(" two")).toEqual([{ type: "reasoning", delta: " two" }]);
  });

  it("loses nothing of a text without blocks, and gives the same however a text is cut", () => {
    const words = fc.array(
      fc.constantFrom("<think>", "</think>", "`", "```", "<", "<th", "ink>", " ", "\n", "word", "é"),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(words, fc.array(fc.nat({ max: 60 }), { maxLength: 6 }), (parts, cuts) => {
        const content = parts.join("");
        const places = [0, ...cuts.filter((at) => at < content.length).sort((a, b) => a - b), content.length];
        const pieces = places.slice(1).map((at, index) => content.slice(places[index], at));
        expect(split(pieces)).toEqual(split([content]));
        if (!content.includes("<think>")) expect(split([content])).toEqual({ text: content, reasoning: "" });
      }),
      { numRuns: 2000 },
    );
  });

  it("is linear in the length of a block that waits for its end", async () => {
    const splitter = new ThinkSplitter();
    splitter.push("Hi <think>");
    const { result, ms, allow } = await timed(() => {
      for (let i = 0; i < 200_000; i++) splitter.push("abcd ");
      return splitter.flush();
    });
    expect(result).toHaveLength(1);
    expect(ms).toBeLessThan(allow(5000));
  });
});
