import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigFolder } from "../config-folder.ts";
import { CANARY_KEY } from "../run-cli.ts";

let folder: ConfigFolder;
beforeEach(() => {
  folder = new ConfigFolder();
});
afterEach(() => folder.remove());

describe("keys", () => {
  it("set reads a key from stdin into a file that only its owner can read, list names it, remove forgets it", async () => {
    expect(await folder.cli(["keys", "list"])).toMatchObject({ code: 0, stdout: "", stderr: "no keys are stored\n" });
    const set = await folder.cli(["keys", "set", "work"], { input: `  ${CANARY_KEY}\n` });
    expect(set).toMatchObject({ code: 0, stdout: "", stderr: "stored; profiles refer to it as key:work\n" });
    expect(JSON.parse(readFileSync(folder.keysFile, "utf8"))).toEqual({ work: CANARY_KEY });
    expect(folder.modeOf(folder.keysFile)).toBe(0o600);
    expect(folder.modeOf(dirname(folder.keysFile))).toBe(0o700);
    await folder.cli(["keys", "set", "home"], { input: "another" });
    expect((await folder.cli(["keys", "list"])).stdout).toBe("home\nwork\n");
    expect(JSON.parse((await folder.cli(["keys", "list", "--json"])).stdout)).toEqual(["home", "work"]);
    expect(await folder.cli(["keys", "remove", "home"])).toMatchObject({ code: 0, stderr: "removed\n" });
    expect((await folder.cli(["keys", "list"])).stdout).toBe("work\n");
  });

  it("set refuses a key as an argument, and does not repeat it", async () => {
    const { code, stdout, stderr } = await folder.cli(["keys", "set", "work", CANARY_KEY]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error \[ERR_USAGE\]: Cannot store the key "work" from an argument: others can see those/);
    expect(existsSync(folder.keysFile)).toBe(false);
  });

  it("set does not tell of a second argument in its help", async () => {
    const { stdout } = await folder.cli(["keys", "set", "--help"]);
    expect(stdout).toMatch(/^Usage: geppetto-js keys set \[options\] <name>\n/);
    expect(stdout).not.toMatch(/^ +key/m);
  });

  it.each([
    ["an empty key", "work", "\n", 78, /a key is one word, and not empty/],
    ["several words", "work", "a b\n", 78, /a key is one word/],
    ["far too much", "work", "x".repeat(100_000), 2, /too long for one/],
    ["a name that is none", "../work", "k", 78, /a name has 1 to 64 letters/],
    ["the name __proto__", "__proto__", "k", 78, /a name has 1 to 64 letters/],
  ])("set refuses %s and stores nothing", async (_, name, input, exitCode, text) => {
    const { code, stderr } = await folder.cli(["keys", "set", name], { input });
    expect(code).toBe(exitCode);
    expect(stderr).toMatch(text);
    expect(existsSync(folder.keysFile)).toBe(false);
  });

  it.each([["set"], ["remove"]])("%s says why where the keys file cannot be written", async (command) => {
    mkdirSync(dirname(dirname(folder.keysFile)), { recursive: true });
    writeFileSync(dirname(folder.keysFile), "");
    expect(await folder.cli(["keys", command, "work"], { input: "k" })).toMatchObject({
      code: 78,
      stderr: expect.stringMatching(/^error \[ERR_KEYS\]: Cannot write the keys file: /) as string,
    });
  });

  it("remove says which names there are where the one given is not stored", async () => {
    await folder.cli(["keys", "set", "work"], { input: "k" });
    const { code, stderr } = await folder.cli(["keys", "remove", "wrok"]);
    expect(code).toBe(78);
    expect(stderr).toBe(
      'error [ERR_CONFIG]: Cannot remove the key "wrok": it is not stored; the stored keys are work\n',
    );
  });

  it("say that a damaged file is one, and leave it as it is", async () => {
    mkdirSync(dirname(folder.keysFile), { recursive: true });
    writeFileSync(folder.keysFile, `{"work": "${CANARY_KEY}"`);
    for (const args of [["list"], ["remove", "work"], ["set", "work"]]) {
      const { code, stderr } = await folder.cli(["keys", ...args], { input: "k" });
      expect(code).toBe(78);
      expect(stderr).toMatch(/ERR_KEYS\]: Cannot read the keys file: it is not as it was written/);
    }
    expect(readFileSync(folder.keysFile, "utf8")).toContain(CANARY_KEY);
  });

  it("work where geppetto.yaml is broken", async () => {
    folder.project("chat: {");
    expect((await folder.cli(["keys", "set", "work"], { input: "k" })).code).toBe(0);
    expect((await folder.cli(["keys", "list"])).stdout).toBe("work\n");
  });
});

/** A program of util-linux that gives another one a terminal. */
const SCRIPT = "script";
const hasScript = process.platform === "linux" && spawnSync(SCRIPT, ["--version"]).status === 0;
if (!hasScript) console.warn("SKIPPED: the command script (util-linux) is needed to try a real terminal");
const main = fileURLToPath(new URL("../../../dist/cli/main.cjs", import.meta.url));

describe.skipIf(!hasScript)("keys set on a terminal", () => {
  /** Types when it is asked; shows what the terminal shows. */
  async function typing(text: string): Promise<{ code: number | null; screen: string }> {
    const { PATH } = process.env;
    const child = spawn(SCRIPT, ["-qec", `'${process.execPath}' '${main}' keys set work`, "/dev/null"], {
      env: { PATH, TERM: "xterm", XDG_CONFIG_HOME: folder.configHome },
    });
    let screen = "";
    child.stdout.setEncoding("utf8").on("data", (shown: string) => {
      if (!screen.includes("(not shown): ") && (screen + shown).includes("(not shown): ")) child.stdin.write(text);
      screen += shown;
    });
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    return { code, screen: screen.replaceAll("\r\n", "\n") };
  }

  it("asks for the key and shows nothing of it, typing errors mended", async () => {
    const { code, screen } = await typing(`${CANARY_KEY}xy\x7f\x7f\r`);
    expect(code).toBe(0);
    expect(screen).not.toContain("canary");
    expect(screen).toMatch(/^key work \(not shown\): \n/);
    expect(JSON.parse(readFileSync(folder.keysFile, "utf8"))).toEqual({ work: CANARY_KEY });
  });

  it.each([
    ["Ctrl-C", "abc\x03"],
    ["the end of the input", "\x04"],
  ])("stores nothing after %s", async (_, text) => {
    const { code, screen } = await typing(text);
    expect(code).toBe(130);
    expect(screen).toContain("Nothing is stored");
    expect(existsSync(folder.keysFile)).toBe(false);
  });
});
