import { describe, expect, it } from "vitest";
import { completionTarget } from "../../../src/cli/repl/completion-target.ts";

describe("completionTarget()", () => {
  it.each([
    ["", { path: [], prefix: "" }],
    ["con", { path: [], prefix: "con" }],
    ["const x = cha", { path: [], prefix: "cha" }],
    ["console.", { path: ["console"], prefix: "" }],
    ["console.lo", { path: ["console"], prefix: "lo" }],
    ["await a.b?.c.d", { path: ["a", "b", "c"], prefix: "d" }],
    ["f(a.b", { path: ["a"], prefix: "b" }],
    ["[a, ...b.c", { path: ["b"], prefix: "c" }],
    ["$x._y.z1", { path: ["$x", "_y"], prefix: "z1" }],
    ["x = { y: z.", { path: ["z"], prefix: "" }],
    ["this.x", { path: ["this"], prefix: "x" }],
    ["f().x", undefined],
    ["a[0].b", undefined],
    ['"text".len', undefined],
    ["1.to", undefined],
    [`${"a.".repeat(100_000)}b`, undefined],
  ])("finds what is to be completed in %j", (line, wanted) => {
    expect(completionTarget(line)).toEqual(wanted);
  });
});
