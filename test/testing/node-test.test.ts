import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { root } from "../examples/document-blocks.ts";

// Within the project, so that the package is found by its name.
const folder = mkdtempSync(join(root, "dist", "node-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

const TESTS = `
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { expectGolden, runScript, ScriptedChat } from "geppetto-js/testing";

test("a script", async () => {
  const chat = new ScriptedChat(["Good morning, Anna."]);
  const run = await runScript("console.log(await chat('Greet ' + process.argv[2]))", { chat, args: ["Anna"] });
  assert.equal(run.exitCode, 0);
  assert.equal(chat.requests[0].messages[0].content, "Greet Anna");
  await expectGolden(run, new URL("greet.golden", import.meta.url));
  assert.equal(readFileSync(new URL("greet.golden", import.meta.url), "utf8"), "Good morning, Anna.\\n");
});

test("a difference", async () => {
  await expectGolden("Good evening, Anna.\\n", new URL("greet.golden", import.meta.url));
});
`;

it("geppetto-js/testing works with node:test", async () => {
  writeFileSync(join(folder, "greet.test.mjs"), TESTS);
  const { CI: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
  const child = spawn(process.execPath, ["--test", "--test-reporter=tap", "greet.test.mjs"], { cwd: folder, env });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  const [code] = (await once(child, "close")) as [number];
  expect(stdout).toMatch(/^ok 1 - a script$/m);
  expect(stdout).toMatch(/^not ok 2 - a difference$/m);
  expect(stdout).toContain("-Good morning, Anna.");
  expect(stdout).toContain("+Good evening, Anna.");
  expect(code).toBe(1);
});
