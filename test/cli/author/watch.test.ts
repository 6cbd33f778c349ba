import { spawn, spawnSync } from "node:child_process";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { ConfigFolder } from "../config-folder.ts";
import { LOG_FILE, startCli, type CliProcess } from "../run-cli.ts";

const folders: ConfigFolder[] = [];
afterAll(() => folders.forEach((folder) => folder.remove()));
function newFolder(files: Readonly<Record<string, string>>): ConfigFolder {
  const folder = new ConfigFolder();
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) folder.file(name, text);
  return folder;
}

const watch = (folder: ConfigFolder, ...args: string[]): CliProcess =>
  startCli(args, { cwd: folder.path, env: { XDG_CONFIG_HOME: folder.configHome } });

/** As many editors write: beside it, and then in its place. */
function replace(folder: ConfigFolder, name: string, text: string): void {
  writeFileSync(join(folder.path, `${name}.new`), text);
  renameSync(join(folder.path, `${name}.new`), join(folder.path, name));
}

async function end(cli: CliProcess): Promise<{ stdout: string; stderr: string }> {
  cli.child.kill("SIGINT");
  const { code, stdout, stderr } = await cli.result;
  expect(code).toBe(130);
  return { stdout, stderr };
}

const timesIn = (text: string, part: string): number => text.split(part).length - 1;

describe.concurrent("geppetto-js run --watch", () => {
  it("runs again when the script, an import of an import, or settings change, and says what has changed", async () => {
    const folder = newFolder({
      "main.js": `import { one } from "./one.js";\nconsole.log("first", one);`,
      "one.js": `export { two as one } from "./two.js";`,
      "two.js": `export const two = 2;`,
    });
    const cli = watch(folder, "run", "--watch", "main.js");
    await cli.seen("exit code 0; watching 3 files, Ctrl-C ends");
    replace(folder, "two.js", "export const two = 22;");
    await cli.seen("two.js has changed: running again");
    await cli.seen("first 22");
    folder.file("main.js", `console.log("second");`);
    await cli.seen("main.js has changed: running again");
    await cli.seen("second");
    folder.file("geppetto.yaml", "profiles: { a: { chat: { provider: embedded } } }");
    await cli.seen("geppetto.yaml has changed: running again");
    const { stdout } = await end(cli);
    expect(stdout).toMatch(/^first 2\nfirst 22\nsecond\n/);
  });

  it("goes on after errors, and waits for a script that is gone", async () => {
    const folder = newFolder({ "main.js": "let a = ;" });
    const cli = watch(folder, "run", "--watch", "main.js");
    await cli.seen("exit code 65; watching 1 file");
    folder.file("main.js", `throw new Error("on purpose");`);
    await cli.seen("exit code 1; watching");
    rmSync(join(folder.path, "main.js"));
    await cli.seen("main.js is gone: waiting for it");
    folder.file("main.js", `console.log("here again");`);
    await cli.seen("main.js is back: running again");
    await cli.seen("here again");
    await end(cli);
  });

  it("runs once for what is written in several steps", async () => {
    const folder = newFolder({ "main.js": `console.log("first");` });
    const cli = watch(folder, "run", "--watch", "main.js");
    await cli.seen("watching 1 file");
    for (const text of ["", "console.", `console.log("whole");`]) folder.file("main.js", text);
    await cli.seen("whole");
    const { stdout, stderr } = await end(cli);
    expect({ stdout, again: timesIn(stderr, "running again") }).toEqual({ stdout: "first\nwhole\n", again: 1 });
  });

  it("cancels in order what still runs", async () => {
    const folder = newFolder({
      "main.js": `new ChatStepFactory().newStep().runWithEvents("slow: 600s\\necho: x", ({ type }) => console.log(type));`,
    });
    const cli = watch(folder, "run", "--watch", "main.js");
    await cli.seen("start");
    replace(folder, "main.js", `console.log("next");`);
    await cli.seen("next");
    const { stdout } = await end(cli);
    expect(stdout).toBe("start\ninterrupt\nnext\n");
  });

  it("ends what does not end in order", async () => {
    const folder = newFolder({
      "main.js": `const step = new ChatStepFactory().newStep();
        const again = () => step.runWithEvents("slow: 600s\\necho: x", ({ type }) => { console.log(type); if (type === "interrupt") again(); });
        again();`,
    });
    const cli = watch(folder, "run", "--watch", "main.js");
    await cli.seen("start");
    replace(folder, "main.js", `console.log("next");`);
    await cli.seen("next");
    await end(cli);
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("ends at once with %s, also while a script computes", async (signal, expected) => {
    const folder = newFolder({ "main.js": `console.log("computing"); for (;;);` });
    const cli = watch(folder, "run", "--watch", "main.js");
    await cli.seen("computing");
    cli.child.kill(signal);
    expect((await cli.result).code).toBe(expected);
  });

  it("hands on the options and arguments of the run", async () => {
    const folder = newFolder({ "main.js": "console.log(process.argv.slice(2), process.env.A);" });
    const cli = watch(folder, "run", "-e", "A=--watch", "--watch", "main.js", "--watch", "-x");
    await cli.seen("watching 1 file");
    expect((await end(cli)).stdout).toBe("[ '--watch', '-x' ] --watch\n");
  });

  it("watches recorded answers and the input", async () => {
    const folder = newFolder({ "main.js": "console.log(input());", "in.txt": "one", "c.json": "" });
    const cli = watch(folder, "run", "--watch", "--input", "in.txt", "--replay", "c.json", "main.js");
    await cli.seen("watching");
    folder.file("in.txt", "two");
    await cli.seen("in.txt has changed: running again");
    folder.file("c.json", '{"format":"geppetto-cassette/2"}\n');
    await cli.seen("c.json has changed: running again");
    await end(cli);
  });

  it.each([
    ["a script that is not there", ["nowhere.js"], 66, "Cannot run nowhere.js"],
    ["a folder", ["."], 66, "it is a folder"],
    ["a script on stdin", ["-"], 2, "Cannot watch a script on stdin"],
    ["input on stdin", ["--input", "-", "main.js"], 2, "Cannot watch the input on stdin"],
  ])("refuses %s", async (_, args, expected, text) => {
    const folder = newFolder({ "main.js": "" });
    const { code, stdout, stderr } = await watch(folder, "run", "--watch", ...args).result;
    expect({ code, stdout }).toEqual({ code: expected, stdout: "" });
    expect(stderr).toContain(text);
  });
});

describe.concurrent("geppetto-js test --watch", () => {
  it("tests again when a script, a golden or the list of tests changes, and not for what it writes itself", async () => {
    const folder = newFolder({ "one.js": `console.log(await chat("echo: one"));` });
    const cli = watch(folder, "test", "--watch");
    await cli.seen("1 answer added to one.cassette.json");
    await cli.seen("exit code 0; watching");
    folder.file("two.js", "console.log(2);");
    folder.file("two.golden", "3\n");
    await cli.seen("stdout differs from two.golden");
    await cli.seen("exit code 1; watching");
    replace(folder, "two.golden", "2\n");
    await cli.seen("two.golden has changed: running again");
    await cli.seen("2 passed, 0 failed, 0 written");
    const { stderr } = await end(cli);
    expect(stderr).not.toMatch(/one\.\w+(?:\.json)? (?:has changed|is gone)/);
  });

  it("refuses what is no test", async () => {
    const folder = newFolder({});
    expect(await watch(folder, "test", "--watch", "nowhere").result).toMatchObject({ code: 66, stdout: "" });
  });
});

/** A program of util-linux that gives another one a terminal. */
const SCRIPT = "script";
const hasTerminal = process.platform === "linux" && spawnSync(SCRIPT, ["--version"]).status === 0;
if (!hasTerminal) console.warn("SKIPPED: the command script (util-linux) is needed to try --watch on a real terminal");

it.skipIf(!hasTerminal)("geppetto-js run --watch on a terminal clears nothing, and ends with Ctrl-C", async () => {
  const main = fileURLToPath(new URL("../../../dist/cli/main.cjs", import.meta.url));
  const folder = newFolder({ "main.js": `console.log("first");` });
  const { PATH } = process.env;
  const env = { PATH, TERM: "xterm", GEPPETTO_LOG: LOG_FILE, XDG_CONFIG_HOME: folder.configHome };
  const line = `'${process.execPath}' '${main}' run --watch main.js`;
  const child = spawn(SCRIPT, ["-qec", line, "/dev/null"], { cwd: folder.path, env });
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (shown += text));
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  const see = async (text: string): Promise<void> => {
    await expect.poll(() => shown).toContain(text);
  };
  await see("watching 1 file, Ctrl-C ends");
  folder.file("main.js", `console.log("second"); new ChatStepFactory().newStep().startAsync("slow: 600s\\necho: x");`);
  await see("second");
  child.stdin.write("\x03");
  expect(await code).toBe(130);
  expect(shown).toContain("first\r\n");
  // eslint-disable-next-line no-control-regex -- these would clear the screen
  expect(shown).not.toMatch(/\x1b\[[23]?J|\x1bc/);
});
