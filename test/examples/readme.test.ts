import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runCli, type CliResult } from "../cli/run-cli.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const documents = ["README.md", "docs/pipelines.md"];

interface Block {
  title: string;
  language: string;
  code: string;
  /** What the next block of plain text says that it prints, where that comes before any other code that is run. */
  output: string | undefined;
}

function parseBlocks(text: string): Block[] {
  const fences = [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language = "", code = ""], i) => ({
    title: `block ${i + 1} (${language})`,
    language,
    code,
  }));
  return fences.map((fence, i) => {
    const next = fences.slice(i + 1).find(({ language }) => language === "text" || isRun(language));
    return { ...fence, output: next?.language === "text" ? next.code : undefined };
  });
}

function isRun(language: string): boolean {
  return language === "js" || language === "ts";
}

function runBlock({ language, code }: Block): Promise<CliResult> {
  const cwd = root;
  if (language === "js") return runCli(["run", "-q", "-"], { input: code, cwd });
  return runCli([], { nodeArgs: ["--input-type=module-typescript", "-e", code], main: "--", cwd });
}

describe.each(documents)("%s", (document) => {
  const all = parseBlocks(readFileSync(`${root}${document}`, "utf8"));
  const blocks = all.filter(({ language }) => isRun(language));

  it("shows scripts and host code", () => {
    expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(["js", "ts"]));
  });

  it.concurrent.each(blocks)("prints in $title what it says", async (block) => {
    const { code, stdout, stderr } = await runBlock(block);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.split("\n").map((line) => line.trimEnd());
    expect(lines.join("\n")).toBe(block.output);
  });
});
