import { describe, expect, it } from "vitest";
import { parseYaml } from "../../src/config/yaml/yaml-file.ts";

/** As much of a text as a file may hold. */
const full = (text: string, size = 64_000): string => text.repeat(Math.floor(size / text.length));
const keys = (count: number): string => Array.from({ length: count }, (_, i) => `k${i}:\n`).join("");

describe("parseYaml()", () => {
  it.each([
    ["one byte more than it may have", `a: ${"x".repeat(63_998)}`, "it is larger than 64 kB"],
    ["brackets in brackets", full("["), "it is nested more than 32 deep"],
    ["sections in sections", full("{a: "), "it is nested more than 32 deep"],
    ["lists in lists in one line", full("- "), "it is nested more than 32 deep"],
    ["keys that are sections", full("? "), "it is nested more than 32 deep"],
    ["values that are sections", full("a: "), "it is nested more than 32 deep"],
    [
      "a stair",
      Array.from({ length: 340 }, (_, i) => `${" ".repeat(i)}a:\n`).join(""),
      "it is indented by more than 256",
    ],
    ["aliases", `a: &a 1\nb: [${full("*a,", 60_000)}]`, "it has more than 100 aliases"],
    ["anchors", `a: [${Array.from({ length: 5000 }, (_, i) => `&a${i} 1`).join(",")}]`, "it has more than 100 anchors"],
    ["keys", keys(9_000), "it has more than 10000 parts"],
    ["comments", full("#\n"), "it has more than 10000 parts"],
    ["documents", full("---\n"), "it has more than 10000 parts"],
    ["quotes", full('"'), "it has more than 10000 parts"],
    ["commas", `[${full(",", 60_000)}]`, "it has more than 10000 parts"],
  ])("refuses %s, sooner than it would parse them", (_, text, problem) => {
    const before = process.threadCpuUsage();
    expect(() => parseYaml(text, "a.yaml")).toThrow(`Cannot use a.yaml: ${problem}`);
    expect(process.threadCpuUsage(before).user).toBeLessThan(1e6);
  });

  it.each([
    ["a text", `a: ${"x".repeat(63_997)}`],
    ["a block of many lines", `a: |\n${full(" x\n", 63_000)}`],
    ["keys", keys(2400)],
    ["keys in brackets", `{${keys(1300).replaceAll("\n", " 1,")}}`],
    ["the deepest brackets", `a: ${"[".repeat(32)}${"]".repeat(32)}`],
    ["the deepest lists", `${"- ".repeat(32)}x`],
    ["text that looks nested", `a: |\n${full(" [[[[ - - - ? :\n", 60_000)}b: "${full("{ [ ", 3_000)}"`],
    [
      "one line of sections in brackets",
      `a: { ${"b: { c: 1, d: [1] }, ".repeat(1)}${"e: 1, f: 2, g: 3, h: 4, ".slice(0, 22)} }`,
    ],
  ])("reads the most that it may of %s", (_, text) => {
    const before = process.threadCpuUsage();
    expect(parseYaml(text, "a.yaml").value).toBeTypeOf("object");
    expect(process.threadCpuUsage(before).user).toBeLessThan(2e6);
  });

  it("names the place of a key that is there twice", () => {
    expect(() => parseYaml("a: 1\nb: { c: 1, d: 2, c: 3 }", "a.yaml")).toThrow(
      "Cannot use a.yaml:2:18: map keys must be unique",
    );
  });

  it("follows aliases as far as they do not explode", () => {
    expect(parseYaml("a: &a [1]\nb: [*a, *a]", "a.yaml").value).toEqual({ a: [1], b: [[1], [1]] });
    const bomb = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"];
    for (let at = 1; at < 9; at++) bomb.push(`a${at}: &a${at} [${`*a${at - 1},`.repeat(9)}]`);
    expect(() => parseYaml(bomb.join("\n"), "a.yaml")).toThrow(/^Cannot use a\.yaml: excessive alias count/);
  });
});
