import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli, ScriptFolder } from "../run-cli.ts";

const folder = new ScriptFolder();
afterAll(() => folder.remove());

const has = (shell: string): boolean => spawnSync(shell, ["--version"]).status === 0;

describe("geppetto-js completion bash", () => {
  const file = join(folder.path, "completion.bash");
  beforeAll(async () => writeFileSync(file, (await runCli(["completion", "bash"])).stdout));

  /** What bash offers for the last of these words. */
  function offers(...words: string[]): string[] {
    const line = `compopt() { :; }; . "${file}"; COMP_WORDS=(geppetto-js "$@"); COMP_CWORD=$#; _geppetto_js; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync("bash", ["-c", line, "bash", ...words], { encoding: "utf8" });
    expect(stderr).toBe("");
    return stdout.split("\n").filter((word) => word !== "");
  }

  it.skipIf(!has("bash"))("offers commands, their own commands, flags and values", () => {
    expect(offers("ru")).toEqual(["run", "runs"]);
    expect(offers("runs", "")).toEqual(expect.arrayContaining(["list", "show", "replay", "export"]));
    expect(offers("run", "--det")).toEqual(["--deterministic"]);
    expect(offers("test", "--up")).toEqual(["--update"]);
    expect(offers("run", "--isolation", "")).toEqual(["process", "thread"]);
    expect(offers("run", "-q", "--isolation", "t")).toEqual(["thread"]);
    expect(offers("explain", "ERR_LIMIT_W")).toContain("ERR_LIMIT_WALL");
    expect(offers("run", "--wat")).toEqual(["--watch"]);
    expect(offers("test", "--wat")).toEqual(["--watch"]);
    expect(offers("check", "--js")).toEqual(["--json"]);
    expect(offers("in")).toEqual(["init"]);
    expect(offers("completion", "f")).toEqual(["fish"]);
    expect(offers("keys", "--")).toEqual(["--help"]);
  });
});

it.each([
  ["zsh", ["-n"]],
  ["fish", ["--no-execute"]],
] as const)("geppetto-js completion %s prints what that shell reads", async (shell, check) => {
  const { code, stdout } = await runCli(["completion", shell]);
  expect(code).toBe(0);
  for (const word of ["runs", "deterministic", "ERR_LIMIT_WALL", "update"]) expect(stdout).toContain(word);
  if (!has(shell)) return;
  const file = folder.file(`completion.${shell}`, stdout);
  const { status, stderr } = spawnSync(shell, [...check, file], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

it("geppetto-js completion refuses a shell that it does not know", async () => {
  const { code, stderr } = await runCli(["completion", "cmd"]);
  expect(code).toBe(2);
  expect(stderr).toContain("Allowed choices are bash, zsh, fish");
});
