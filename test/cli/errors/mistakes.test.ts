import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { patience } from "../../machine/patience.ts";
import { root } from "../../examples/document-blocks.ts";
import { runCli, ScriptFolder } from "../run-cli.ts";

const folder = new ScriptFolder();
afterAll(() => folder.remove());

/** What docs/mistakes.md shows: a script, what the command line prints of it, and its exit code. */
function readMistakes(): { title: string; name: string; code: string; printed: string; exitCode: number }[] {
  const text = readFileSync(join(root, "docs/mistakes.md"), "utf8");
  const sections = text.matchAll(
    /^## (.+)\n\n```javascript title="([^"]+)"\n([^]*?)^```\n\nExit code (\d+):\n\n```text\n([^]*?)^```$/gm,
  );
  return [...sections].map(([, title = "", name = "", code = "", exitCode, printed = ""]) => ({
    title,
    name,
    code,
    printed,
    exitCode: Number(exitCode),
  }));
}

const mistakes = readMistakes();

describe("docs/mistakes.md", () => {
  it("shows twenty mistakes", () => {
    expect(mistakes).toHaveLength(20);
  });

  it.each(mistakes)("shows what is printed: $title", async ({ name, code, printed, exitCode }) => {
    folder.file(name, code);
    // As long as it takes here to load a script, and three seconds.
    const limitMs = patience(3000);
    const args = ["run", "-q", "--no-log", "--timeout", `${limitMs}ms`, name];
    const result = await runCli(args, { cwd: folder.path });
    const shown = result.stderr.replace(`time limit of ${limitMs} ms`, "time limit of 3000 ms");
    expect({ exitCode: result.code, printed: shown }).toEqual({ exitCode, printed });
  });
});
