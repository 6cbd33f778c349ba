import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runCli } from "../cli/run-cli.ts";
import { root } from "./document-blocks.ts";

const text = readFileSync(join(root, "docs/cli.md"), "utf8");

const COMMANDS: readonly string[][] = [
  ["run"],
  ["eval"],
  ["repl"],
  ["test"],
  ["check"],
  ["init"],
  ["runs", "list"],
  ["runs", "show"],
  ["runs", "trace"],
  ["runs", "serve"],
  ["runs", "replay"],
  ["runs", "export"],
  ["runs", "resume"],
  ["runs", "send"],
  ["runs", "approve"],
  ["runs", "resolve"],
  ["runs", "cancel"],
  ["profiles", "list"],
  ["profiles", "show"],
  ["profiles", "import"],
  ["keys", "set"],
  ["keys", "list"],
  ["keys", "remove"],
  ["trust"],
  ["worker"],
  ["submit"],
  ["mcp"],
  ["types"],
  ["explain"],
  ["completion"],
  ["doctor"],
];

const flagsIn = (given: string): string[] => [...new Set(given.match(/(?<![\w-])--[a-z][a-z-]*/g) ?? [])].sort();

it("docs/cli.md names every option that the help of a command names, and no other", async () => {
  const helps = await Promise.all([[], ...COMMANDS].map((command) => runCli([...command, "--help"])));
  for (const { code } of helps) expect(code).toBe(0);
  const known = flagsIn(helps.map(({ stdout }) => stdout).join("\n"));
  expect(flagsIn(text)).toEqual(known);
});

it("docs/cli.md names every command that the help names", async () => {
  const { stdout } = await runCli(["--help"]);
  const [, listed = ""] = stdout.split("Commands:\n");
  const commands = [...listed.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!);
  expect([...new Set(commands)].sort()).toEqual([...new Set(COMMANDS.map(([name]) => name!)), "help"].sort());
  for (const command of commands) expect(text).toContain(`geppetto-js ${command}`);
});
