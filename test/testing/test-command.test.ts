import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startScriptedServer, type ScriptedServer } from "../chat/scripted-server.ts";
import { startCli } from "../cli/run-cli.ts";
import { TestFolder } from "./test-folder.ts";

const folders: TestFolder[] = [];
let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
  server.play({ text: "half", hangs: true });
});
afterAll(async () => {
  for (const folder of folders) folder.remove();
  await server.close();
});

function folderOf(texts: Record<string, string>): TestFolder {
  const folder = new TestFolder().files(texts);
  folders.push(folder);
  return folder;
}

const TIMES = `console.log(Date.now(), performance.now(), Math.random(), crypto.randomUUID());
const started = Date.now();
await Promise.race([chat("slow: 100ms\\necho: one two three"), new Promise((resolve) => setTimeout(resolve, 250))]);
console.log(Date.now() - started, new Date().getTimezoneOffset(), (1234.5).toLocaleString());
await new Promise((resolve) => setTimeout(resolve, 24 * 3_600_000));
console.log(new Date().toISOString());`;

it.skipIf(process.getuid?.() === 0)(
  "geppetto-js test leaves out, and names, a folder below that it cannot read",
  async () => {
    const folder = new TestFolder().files({ "a.js": "console.log(1)", "a.golden": "1\n" });
    mkdirSync(join(folder.path, "locked"), { mode: 0 });
    expect(await folder.test()).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("1 passed") as string,
      stderr: `Cannot test ${join(folder.path, "locked")}: it cannot be read: access is denied\n`,
    });
    expect((await folder.test(["locked"])).code).toBe(66);
    folder.remove();
  },
);

describe.concurrent("geppetto-js test", () => {
  it("freezes clock, seed and ids, and lets no time pass, in both kinds of isolation", async () => {
    const folder = folderOf({ "a.js": TIMES });
    expect((await folder.test()).stdout).toContain("a.golden written");
    const lines = folder.read("a.golden").split("\n");
    expect(lines[0]).toMatch(/^1767225600000 0\.\d+ 0\.\d+ [0-9a-f-]{36}$/);
    expect(lines.slice(1)).toEqual(["250 0 1,234.5", "2026-01-02T00:00:00.250Z", ""]);
    for (const isolation of ["process", "thread"])
      expect(
        await folder.test(["--isolation", isolation], { env: { CI: "1", TZ: "Asia/Tokyo", LANG: "de_DE" } }),
      ).toMatchObject({ code: 0 });
    const other = await folder.test(["--seed", "2", "--now", "2030-05-05T00:00:00Z"]);
    expect(other).toMatchObject({ code: 1 });
    expect(other.stdout).toMatch(/^ +\+1904169600000 0\.\d+ 0\.\d+ /m);
  });

  it("takes the flags of run for settings, limits and permissions, and the options of the script", async () => {
    const folder = folderOf({
      "a.js": `export const options = { limits: { maxCalls: 1 } };\nawait chat("echo: 1");\nawait chat("echo: 2");`,
      "b.js": `console.log(process.env.SHOWN);`,
      "c.js": `for (;;);`,
    });
    const { stdout } = await folder.test(["--allow-env=SHOWN", "a.js", "b.js"], { env: { SHOWN: "seen" } });
    expect(stdout).toContain("ERR_LIMIT_CALLS");
    expect(stdout).toContain("1 passed, 1 failed, 1 written");
    const late = await folder.test(["--timeout", "500ms", "c.js"]);
    expect(late).toMatchObject({ code: 1 });
    expect(late.stdout).toContain("exit code 124, expected 0");
    expect(folder.read("b.golden")).toBe("seen\n");
    expect((await folder.test(["--untrusted", "b.js"], { env: { SHOWN: "seen" } })).stdout).toContain("+undefined");
  });

  it("imports what lies beside a script, in TypeScript too", async () => {
    const folder = folderOf({
      "a.ts": `import { twice } from "./part.ts"; console.log(twice(21) satisfies number);`,
      "part.ts": `export const twice = (n: number): number => n * 2;`,
      "a.golden": "42\n",
    });
    const { code, stdout } = await folder.test();
    expect(stdout).toContain("1 passed, 0 failed");
    expect(code).toBe(0);
  });

  it("keeps secrets out of goldens, cassettes and reports", async () => {
    const secret = "a-quiet-little-secret";
    const folder = folderOf({
      "a.js": `console.log(process.env.API_TOKEN, await chat("echo: " + process.env.API_TOKEN)); export default "Bearer abcdefghijkl";`,
      "b.js": `throw new Error(process.env.API_TOKEN);`,
    });
    const { stdout, stderr } = await folder.test(["--allow-env=API_TOKEN"], { env: { API_TOKEN: secret } });
    expect(folder.read("a.golden")).toBe("[redacted] [redacted]\n[redacted]\n");
    for (const name of readdirSync(folder.path))
      expect(readFileSync(join(folder.path, name), "utf8")).not.toContain(secret);
    expect(stdout + stderr).not.toContain(secret);
    expect(stdout).toContain("Error: [redacted]");
    expect(await folder.test(["--allow-env=API_TOKEN", "a.js"], { env: { API_TOKEN: secret } })).toMatchObject({
      code: 0,
    });
  });

  it("leaves a script that hangs when Ctrl-C comes, says what has not been run, and writes nothing: exit code 130", async ({
    expect,
  }) => {
    const folder = folderOf({
      "a.js": `console.log("quick");`,
      "b.js": `console.log(await chat("hang"));`,
      "c.js": `console.log("late");`,
    });
    const cli = startCli(["test", "--concurrency", "1", "-m", "openai:m"], {
      cwd: folder.path,
      env: { OPENAI_BASE_URL: server.settings.baseURL! },
    });
    await expect.poll(() => server.bodies.length).toBeGreaterThan(0);
    cli.child.kill("SIGINT");
    const { code, stdout } = await cli.result;
    expect(code).toBe(130);
    expect(stdout).toContain("1 passed, 0 failed, 2 not run, 1 written");
    expect(Object.keys(folder.state())).toEqual(["a.golden", "a.js", "b.js", "c.js"]);
  });

  it.each([
    [["nowhere.js"], 66, "Cannot test nowhere.js: there is no such file or folder"],
    [["--now", "yesterday"], 2, "--now"],
    [["--concurrency", "0"], 2, "Expected a number from 1 to 9999"],
    [["--record", "x"], 2, "unknown option '--record'"],
    [["-p", "none"], 78, 'there is no profile "none"'],
    [["--set", "chat.modle=x"], 78, 'did you mean "chat.model"'],
  ])("refuses %j with exit code %s", async (args, exit, text) => {
    const folder = folderOf({ "a.js": "", "a.golden": "" });
    const { code, stdout, stderr } = await folder.test(args);
    expect(stderr).toContain(text);
    expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
  });

  it("refuses tool calls where somebody would be asked", async () => {
    const folder = folderOf({
      "a.js": `const tools = [{ name: "t", input: { type: "object" }, run: () => "ran" }];
        console.log(String((await new ChatStepFactory().newStep({ tools }).startAsync("call: t {}"))[0]));`,
    });
    expect(await folder.test(["--approve", "ask"])).toMatchObject({ code: 0 });
    expect(folder.read("a.golden")).not.toContain("ran");
  });
});
