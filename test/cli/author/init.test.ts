import { mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigFolder } from "../config-folder.ts";
import type { CliResult } from "../run-cli.ts";
import { COMPILERS, TypeProject } from "../../types/type-project.ts";
import { patience } from "../../machine/patience.ts";

const FILES = [".gitignore", "geppetto.d.ts", "geppetto.yaml", "hello.cassette.json", "hello.golden", "hello.js"];

const folders: ConfigFolder[] = [];
afterAll(() => folders.forEach((folder) => folder.remove()));
const newFolder = (): ConfigFolder => {
  const folder = new ConfigFolder();
  folders.push(folder);
  return folder;
};

describe("geppetto-js init", () => {
  const folder = newFolder();
  const project = join(folder.path, "new project");
  const inProject = (...args: string[]): Promise<CliResult> => folder.cli(args, { cwd: project, env: { CI: "true" } });
  let made: CliResult;
  beforeAll(async () => {
    made = await folder.cli(["init", "new project"]);
  });

  it("makes a folder with all that a script's author needs, and says what", () => {
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(readdirSync(project).sort()).toEqual([...FILES, "tsconfig.json"]);
    for (const file of FILES) expect(made.stdout).toMatch(new RegExp(`^${file.replaceAll(".", "\\.")} +made`, "m"));
    expect(made.stdout).toContain("\nNext:\n  cd 'new project'\n  geppetto-js run hello.js\n");
  });

  it("makes a script that runs", async () => {
    const { code, stdout } = await inProject("run", "hello.js", "Anna");
    expect({ code, stdout }).toEqual({ code: 0, stdout: "Hello, Anna!\n[demo] Anna likes green tea.\n" });
  });

  it("makes a project in which check finds nothing", async () => {
    const { code, stdout, stderr } = await inProject("check", "--json", "hello.js");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ problems: [], types: [{ checked: true, config: "tsconfig.json" }] });
  });

  it("makes a test that passes, and that test itself would write so", async () => {
    expect(await inProject("test")).toMatchObject({ code: 0 });
    const before = FILES.map((name) => readFileSync(join(project, name), "utf8"));
    const updated = await folder.cli(["test", "-u"], { cwd: project });
    expect(updated).toMatchObject({ code: 0, stdout: expect.stringContaining("0 written, 0 updated, 0 obsolete") });
    expect(FILES.map((name) => readFileSync(join(project, name), "utf8"))).toEqual(before);
  });

  it("makes settings that hold what their comments say", async () => {
    const { code, stdout } = await inProject("profiles", "list");
    expect(code).toBe(0);
    for (const name of ["local", "base", "gpt", "claude"]) expect(stdout).toContain(name);
  });

  it.skipIf(process.getuid?.() === 0)("says so where the folder may not be entered", async () => {
    mkdirSync(join(folder.path, "locked"), { mode: 0 });
    expect(await folder.cli(["init", "locked"])).toMatchObject({
      code: 74,
      stderr: "error [ERR_OUTPUT]: Cannot write locked/hello.js: access is denied\n",
    });
  });

  it("changes nothing where it is called again, and says so", async () => {
    const before = FILES.map((name) => readFileSync(join(project, name), "utf8"));
    const { code, stdout } = await inProject("init");
    expect(code).toBe(0);
    for (const file of FILES) expect(stdout).toMatch(new RegExp(`^${file.replaceAll(".", "\\.")} +kept`, "m"));
    expect(FILES.map((name) => readFileSync(join(project, name), "utf8"))).toEqual(before);
  });

  it("leaves a script of the user's alone, and makes no test of its own script for it", async () => {
    const own = newFolder();
    own.file("hello.js", "console.log(1);");
    own.file(".gitignore", "dist\n");
    const { code, stdout } = await own.cli(["init"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^hello\.golden +not made +it belongs to hello\.js$/m);
    expect(readdirSync(own.path)).not.toContain("hello.golden");
    expect(readFileSync(join(own.path, "hello.js"), "utf8")).toBe("console.log(1);");
    expect(readFileSync(join(own.path, ".gitignore"), "utf8")).toBe("dist\n");
  });

  it("writes through no link that somebody has put there", async () => {
    const own = newFolder();
    symlinkSync(join(own.path, "elsewhere"), join(own.path, "geppetto.yaml"));
    expect(await own.cli(["init"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^geppetto\.yaml +kept/m) });
    expect(readdirSync(own.path)).not.toContain("elsewhere");
  });

  it.each([
    ["a file", "file", "it is not a folder"],
    ["a path through a file", "file/below", "it is not a folder"],
  ])("refuses %s", async (_, dir, reason) => {
    const own = newFolder();
    own.file("file", "");
    const { code, stdout, stderr } = await own.cli(["init", dir]);
    expect({ code, stdout }).toEqual({ code: 74, stdout: "" });
    expect(stderr).toContain("Cannot make a project in");
    expect(stderr).toContain(reason);
  });

  it.skipIf(process.platform !== "linux")("says that it may not write", async () => {
    const { code, stdout, stderr } = await newFolder().cli(["init", "/proc/project"]);
    expect({ code, stdout }).toEqual({ code: 74, stdout: "" });
    expect(stderr).toContain("error [ERR_OUTPUT]: Cannot make a project in /proc/project: ");
  });

  it("takes one folder", async () => {
    expect(await newFolder().cli(["init", "a", "b"])).toMatchObject({ code: 2, stdout: "" });
  });
});

it.each(COMPILERS)(
  "geppetto-js init writes settings that %s takes",
  { timeout: patience(60_000) },
  async (compiler) => {
    const folder = newFolder();
    await folder.cli(["init"]);
    const read = (name: string): string => readFileSync(join(folder.path, name), "utf8");
    const files = { "hello.js": read("hello.js"), "geppetto.d.ts": read("geppetto.d.ts") };
    using project = new TypeProject(files);
    const { compilerOptions } = JSON.parse(read("tsconfig.json")) as { compilerOptions: object };
    expect(await project.check(compiler, compilerOptions)).toBe("");
    using wrong = new TypeProject({ ...files, "hello.js": "chat(5);" });
    expect(await wrong.check(compiler, compilerOptions)).toContain("hello.js(1,6): error TS2345");
  },
);
