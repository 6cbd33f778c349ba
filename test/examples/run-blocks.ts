/** The blocks of code in a document, and what they print. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { runCli, type CliResult } from "../cli/run-cli.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface Block {
  title: string;
  language: string;
  code: string;
  /** What the next block of plain text says that it prints, where that comes before any other code that is run. */
  output: string | undefined;
}

export function parseBlocks(text: string): Block[] {
  const fences = [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language = "", code = ""], i) => ({
    title: `block ${i + 1} (${language})`,
    language,
    code,
  }));
  return fences
    .map((fence, i) => {
      const next = fences.slice(i + 1).find(({ language }) => language === "text" || isRun(language));
      return { ...fence, output: next?.language === "text" ? next.code : undefined };
    })
    .filter(({ language }) => isRun(language));
}

function isRun(language: string): boolean {
  return language === "js" || language === "ts";
}

/** Runs a script as the command line does, and host code as Node does, in the project's folder. */
export function runBlock({ language, code }: Block): Promise<CliResult> {
  if (language === "js") return runCli(["run", "-q", "-"], { input: code, cwd: root });
  return runCli([], { nodeArgs: ["--input-type=module-typescript", "-e", code], main: "--", cwd: root });
}
