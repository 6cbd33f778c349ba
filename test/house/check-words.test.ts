import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const SCRIPT = fileURLToPath(new URL("../../scripts/check-words.mjs", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "words-"));

/** The lines that the script prints for a repository that holds just this file. */
function check(file: string, text: string): string[] {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
  const { stdout, stderr, status } = spawnSync(process.execPath, [SCRIPT, root], { encoding: "utf8" });
  rmSync(join(root, file));
  expect(stderr).toBe("");
  const lines = stdout.split("\n").filter((line) => line !== "");
  expect(status).toBe(lines.length > 0 ? 1 : 0);
  return lines;
}

beforeAll(() => {
  execFileSync("git", ["init", "--quiet", root]);
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

describe("check-words", () => {
  test("this repository passes", () => {
    const { stdout, status } = spawnSync(process.execPath, [SCRIPT], { encoding: "utf8" });
    expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
  });

  // Put together here, so that this file passes too.
  const path = (...parts: string[]): string => ["", ...parts].join("/");
  test.each([
    ["src/a.ts", `const file = "${path("home", "me", "project")}";`, "path of one machine"],
    ["README.md", `Look into ${path("root", "project")}.`, "path of one machine"],
    ["docs/a.md", `Write to ${path("tmp", "out.json")}`, "temporary file"],
    ["package-lock.json", `"resolved": "https://${["registry", "example", "org"].join(".")}/x"`, "package registry"],
    ["docs/a.md", "The limit is no number.", "is not a"],
    ["docs/a.md", "Handles are no\n> numbers.", "is not a"],
    ["src/a.ts", 'throw new Error("Cannot use the URL: it is no URL");', "is not a"],
    ["src/a.ts", "/** False for a value that is\n * no error. */", "is not a"],
    ["runtime-setup/a.ts", "// Refuses a base URL that is none.", "must be"],
    ["README.md", "A model that there is not is an error.", "unknown"],
    ["src/a.ts", "`Cannot call the op: there is none of that name`", "named"],
    ["CHANGELOG.md", "A message that goes astray comes again.", "riddles"],
    ["src/a.ts", '"say whose it is, as openai:gpt-5"', "riddles"],
    ["CONTRIBUTING.md", "Any Node from 24 on will do to start with.", "is enough"],
  ])("%s with a forbidden text is found", (file, text, advice) => {
    expect(check(file, `first line\n${text}\n`)).toEqual([expect.stringMatching(`^${file}:2 .*${advice}`)]);
  });

  test.each([
    ["src/a.ts", 'const url = "https://example.com/home/page";'],
    ["src/a.ts", 'const file = "./work/file.ts";'],
    ["src/a.ts", 'const file = "/path/to/image.jpg";'],
    ["src/a.ts", "the registry of steps. It holds"],
    ["docs/a.md", "A function is not a stage, and it is no longer one."],
    ["docs/a.md", "There is no reason to wait where there\nis no server."],
    ["docs/a.md", "The file is no larger than 1 MB, or there is none."],
    ["src/a.ts", "/** What the script will do; it will do nothing else. */"],
    ["test/a.test.ts", "it is no stage"],
  ])("%s with a harmless text passes: %s", (file, text) => {
    expect(check(file, text)).toEqual([]);
  });
});
