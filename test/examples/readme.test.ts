import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseBlocks, runBlock } from "./run-blocks.ts";

const blocksOf = (document: string) =>
  parseBlocks(readFileSync(fileURLToPath(new URL(`../../${document}`, import.meta.url)), "utf8"));

describe("the README", () => {
  it("shows scripts and host code", () => {
    expect(new Set(blocksOf("README.md").map(({ language }) => language))).toEqual(new Set(["js", "ts"]));
  });
});

describe.each(["README.md", "docs/pipelines.md"])("%s", (document) => {
  it.concurrent.each(blocksOf(document))("prints in $title what it says", async (block) => {
    const { code, stdout, stderr } = await runBlock(block);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.split("\n").map((line) => line.trimEnd());
    expect(lines.join("\n")).toBe(block.output);
  });
});
