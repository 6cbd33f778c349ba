import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { findError } from "../../../src/errors/error-catalogue.ts";
import { JournalFolder } from "../executions/journal-folder.ts";
import { type CliOptions, runCli, ScriptFolder } from "../run-cli.ts";

const folder = new ScriptFolder();
const journals = new JournalFolder();
afterAll(() => {
  folder.remove();
  journals.remove();
});

interface Refused {
  ok: boolean;
  error: { message: string; code: string };
  exitCode: number;
  runId: string;
}

const script = folder.file("script.js", "console.log(1);");

describe.concurrent("what is wrong with a command line", () => {
  it.each<[what: string, code: string, args: readonly string[], more?: CliOptions]>([
    ["an unknown option", "ERR_USAGE", ["run", "--tiemout", "3s", script]],
    ["a value of the wrong kind", "ERR_USAGE", ["run", "--timeout", "soon", script]],
    ["a missing script", "ERR_USAGE", ["run"]],
    ["options that exclude each other", "ERR_USAGE", ["run", "--input", "-", "-"]],
    ["an id for a run that does not last", "ERR_USAGE", ["run", "--id", "o1", script]],
    ["a script that is not there", "ERR_NO_FILE", ["run", "nowhere.js"]],
    ["a script that is a folder", "ERR_NO_FILE", ["run", folder.path]],
    ["an input that is not there", "ERR_NO_FILE", ["run", "--input", "nowhere.txt", script]],
    ["a recording that is not there", "ERR_NO_FILE", ["run", "--replay", "nowhere.json", script]],
    ["events that cannot be written", "ERR_OUTPUT", ["run", `--events=${folder.path}`, script]],
    ["a recording that cannot be written", "ERR_OUTPUT", ["run", "--record", folder.path, script]],
    ["a page that cannot be written", "ERR_OUTPUT", ["run", "--trace", folder.path, script]],
    ["a profile that is not there", "ERR_CONFIG_PROFILE", ["run", "-p", "nowhere", script]],
    ["a run that is not there", "ERR_RUN_UNKNOWN", ["runs", "replay", "nowhere"]],
    ["an execution that is not there", "ERR_EXECUTION_UNKNOWN", ["runs", "resume", "nowhere"]],
    [
      "a bug",
      "ERR_BUG",
      ["eval", "for (;;);"],
      { nodeArgs: ["--require", folder.file("bug.cjs", "setTimeout(() => { throw new TypeError('ours'); }, 50);")] },
    ],
  ])("%s is %s, in the text and in the document", async (_, code, [command, ...args], more) => {
    const nouns = command === "runs" ? [command, args.shift()!] : [command!];
    const { code: exit, stdout, stderr } = await runCli([...nouns, "--json", ...args], more);
    const { ok, error, exitCode } = JSON.parse(stdout) as Refused;
    expect({ ok, code: error.code, exitCode, exit }).toEqual({
      ok: false,
      code,
      exitCode: exit,
      exit: findError(code)?.exit,
    });
    expect(stderr).toContain(`error [${code}]: `);
  });
});

describe.concurrent("what is wrong is said in words", () => {
  const loop = join(folder.path, "loop");
  symlinkSync(loop, loop);
  const binary = join(folder.path, "binary.js");
  writeFileSync(binary, Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0xff, 0xfe, 0x80]));

  it.each([
    ["links that lead in a circle", 66, ["run", loop], "its links lead in a circle"],
    ["a program in place of a script", 65, ["run", binary], "it is not a text in UTF-8"],
    [
      "an imported program",
      65,
      ["run", folder.file("imports.js", 'import "./binary.js";')],
      "it is not a text in UTF-8",
    ],
    ["help of an unknown command", 2, ["help", "rnu"], "unknown command 'rnu'\n(Did you mean run?)"],
    ["an empty name", 66, ["run", ""], 'Cannot run "": there is no such file'],
    ["a folder of tools", 66, ["mcp", "--tools", folder.path], "it is a folder"],
    ["a broken address", 2, ["submit", "--nats", "nats://%zz@host:4222", script], "is written %25"],
    ["a name of two words", 2, ["submit", "--nats", "host", "--tenant", "a b", script], "Expected 1 to 64 letters"],
  ])("%s: exit code %i", async (_, exit, args, text) => {
    const { code, stdout, stderr } = await runCli(args);
    expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
    expect(stderr).toContain(text);
  });

  it("a program that is checked: exit code 65", async () => {
    const { code, stdout } = await runCli(["check", binary]);
    expect(code).toBe(65);
    expect(stdout).toMatch(/error \[ERR_SCRIPT_LOAD\]: Cannot check .*binary\.js: it is not a text in UTF-8\n/);
  });

  it("runs list takes where the executions are, and what there is", async () => {
    const { code, stderr } = await runCli(["runs", "list", "--nats", "", "--nats-prefix", "mine"]);
    expect([code, stderr]).toEqual([0, expect.not.stringContaining("Cannot")]);
  });
});

describe("the document of an execution that is refused", () => {
  it.each([
    ["run", 66, ["run", "--durable", "--id", "r1", "--json", "nowhere.js"], "r1"],
    ["run with a wrong option", 2, ["run", "--durable", "--id=r1", "--json", "--no-such", "nowhere.js"], "r1"],
    ["resume of one that has ended", 2, ["runs", "resume", "ended", "--json"], "ended-1"],
    ["replay of one that has not ended", 79, ["runs", "replay", "waits", "--json"], "waits-1"],
    [
      "run under its id with another script",
      79,
      ["run", "--durable", "--id", "waits-1", "--json", "ends.js"],
      "waits-1",
    ],
  ])("names it: %s, exit %i", async (_, exit, args, id) => {
    journals.file("ends.js", "1;");
    journals.file("waits.js", `await execution.receive("go");`);
    await journals.cli(["run", "-q", "--durable", "--id", "ended-1", "ends.js"]);
    await journals.cli(["run", "-q", "--durable", "--id", "waits-1", "waits.js"]);
    const { code, stdout } = await journals.cli(args);
    expect({ code, runId: (JSON.parse(stdout) as Refused).runId }).toEqual({ code: exit, runId: id });
  });
});
