import { execFileSync, spawnSync, type SpawnSyncReturns } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { png } from "../images/sample-images.ts";
import { runCli, startCli, type CliOptions, type CliResult } from "./run-cli.ts";

const MAKE_PIPE = "mkfifo";
let home: string;
/** Adds each image and prints what came of it, then a variable. */
const LOOK = `for (const source of process.argv.slice(2)) {
  try { new Conversation().addMessageWithImage("user", "x", source); console.log("granted"); }
  catch (error) { console.log(error.name); }
}
console.log(process.env.PERMITTED, process.env.FORBIDDEN, process.env.OPENAI_API_KEY);`;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "geppetto-permissions-"));
  for (const name of ["scripts", "photos"]) mkdirSync(join(home, name));
  writeFileSync(join(home, "scripts/in.png"), png());
  writeFileSync(join(home, "photos/cat.png"), png());
  writeFileSync(join(home, "photos/dog.png"), png());
  writeFileSync(join(home, "scripts/look.js"), LOOK);
  writeFileSync(
    join(home, "scripts/one.js"),
    `new Conversation().addMessageWithImage("user", "x", process.argv[2] ?? "../photos/cat.png");`,
  );
});
afterAll(() => rmSync(home, { recursive: true }));

const ENV = { PERMITTED: "one", FORBIDDEN: "two" };

function run(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return runCli(["run", "--no-log", ...args], { cwd: home, ...options, env: { ...ENV, ...options.env } });
}

const SOURCES = ["in.png", "../photos/cat.png", "../photos/dog.png", "http://example.com/x.png", "https://printer/"];

/** What came of each source, one letter for each, and of the variables. */
async function look(flags: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { stdout, stderr } = await run([...flags, "scripts/look.js", ...SOURCES], { env });
  expect(stderr).toBe("");
  const lines = stdout.split("\n");
  const letters = lines
    .slice(0, SOURCES.length)
    .map((line) => (line === "granted" ? "g" : line === "PermissionError" ? "-" : "?"));
  return `${letters.join("")} ${lines[SOURCES.length]}`;
}

describe.concurrent("a script on the command line", () => {
  it.each([
    [[], "g---- undefined undefined undefined"],
    [["--allow-read=photos/cat.png"], "gg--- undefined undefined undefined"],
    [["--allow-read=photos/dog.png,photos/cat.png"], "ggg-- undefined undefined undefined"],
    [["--allow-read=photos/dog.png", "--allow-read=photos/cat.png"], "ggg-- undefined undefined undefined"],
    [["--allow-read=photos"], "ggg-- undefined undefined undefined"],
    [["--allow-read"], "ggg-- undefined undefined undefined"],
    [["--allow-net=example.com"], "g--g- undefined undefined undefined"],
    [["--allow-net=printer,example.com"], "g--gg undefined undefined undefined"],
    [["--allow-net"], "g--g- undefined undefined undefined"],
    [["--allow-env=PERMITTED"], "g---- one undefined undefined"],
    [["--allow-env", "PERMITTED,UNSET,toString"], "g---- one undefined undefined"],
    [["--allow-env=PERMITTED", "-e", "PERMITTED=own"], "g---- own undefined undefined"],
    [["--untrusted"], "----- undefined undefined undefined"],
  ] as const)("with %j may use what that says", async (flags, expected) => {
    expect(await look(flags)).toBe(expected);
  });

  it("may use what variables of the environment say", async () => {
    const env = { GEPPETTO_ALLOW_READ: "photos", GEPPETTO_ALLOW_NET: "true", GEPPETTO_ALLOW_ENV: "PERMITTED" };
    expect(await look([], env)).toBe("gggg- one undefined undefined");
  });

  it("that is not trusted cannot be allowed anything", async () => {
    for (const flag of ["--allow-read", "--allow-net=a.b", "--allow-env=PERMITTED"]) {
      const { code, stderr } = await run(["--untrusted", flag, "scripts/look.js"]);
      expect(code).toBe(2);
      expect(stderr).toMatch(/cannot be used with option '--untrusted'/);
    }
    const { code } = await run(["--untrusted", "scripts/one.js"], { env: { GEPPETTO_ALLOW_READ: "/" } });
    expect(code).toBe(77);
  });

  it("that is denied a file ends with exit code 77 and names one flag, the one that helps from here", async () => {
    const { code, stderr } = await run(["scripts/one.js"]);
    expect(code).toBe(77);
    expect(stderr).toMatch(
      /^PermissionError \[ERR_PERMISSION\]: file access denied: \.\.\/photos\/cat\.png: .*; allow it with --allow-read=photos\/cat\.png\n/,
    );
    expect(stderr.match(/--allow/g)).toHaveLength(1);
    expect((await run(["--allow-read=photos/cat.png", "scripts/one.js"])).code).toBe(0);
    const there = await run(["one.js"], { cwd: join(home, "scripts") });
    expect(there.stderr).toMatch(/allow it with --allow-read=\.\.\/photos\/cat\.png\n/);
    const { stdout } = await run(["--json", "scripts/one.js"]);
    const { error } = JSON.parse(stdout) as { error: { message: string } };
    expect(error.message).toMatch(/; allow it with --allow-read=photos\/cat\.png$/);
    writeFileSync(
      join(home, "scripts/wraps.js"),
      `try { new Conversation().addMessageWithImage("user", "x", "../photos/cat.png"); } catch (cause) { throw new Error("no", { cause }); }`,
    );
    expect((await run(["scripts/wraps.js"])).stderr).toMatch(
      /caused by .*; allow it with --allow-read=photos\/cat\.png\n/,
    );
  });

  it("that is not trusted and denied is told that no option helps", async () => {
    const { code, stderr } = await run(["--untrusted", "scripts/one.js", "in.png"]);
    expect(code).toBe(77);
    expect(stderr).toMatch(/hint: --untrusted allows nothing, and no option changes that\n$/);
    expect(stderr).not.toContain("--allow");
  });

  it("is refused a host that is none before it runs", async () => {
    const { code, stderr, stdout } = await run(["--allow-net=https://example.com/x", "scripts/look.js"]);
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toMatch(/Cannot allow the host "https:\/\/example\.com\/x": expected one such as example\.com/);
  });

  it.each(["--allow-read=", "--allow-read=a,,b", "--allow-env="])("is refused %s as wrong use", async (flag) => {
    const { code, stderr } = await run([flag, "scripts/look.js"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/Expected names with commas between them/);
  });

  it("cannot pretend to have been denied", async () => {
    const { code } = await runCli(["eval", `throw Object.assign(new Error("x"), { name: "PermissionError" })`]);
    expect(code).toBe(1);
  });
});

describe.concurrent("imports on the command line", () => {
  const put = (name: string, text: string): void => {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), text);
  };
  beforeAll(() => {
    put(
      "app/lib/fill.ts",
      "interface Cup { size: number }\n\nexport const fill = (cup: Cup): void => {\n  if (cup.size > 1) throw new RangeError(`too large: ${cup.size}`);\n};\n",
    );
    put(
      "app/main.ts",
      'import { fill } from "./lib/fill.ts";\nconst size: number = Number(process.argv[2]);\nfill({ size });\nconsole.log("filled", import.meta.url);\n',
    );
    put("app/outer.js", 'import { shared } from "../shared/shared.js";\nconsole.log(shared);\n');
    put("shared/shared.js", 'export const shared = "shared";\n');
    put("node_modules/above/index.js", 'module.exports = "above";\n');
    put("app/uses.js", 'import above from "above";\nconsole.log(above);\n');
  });

  it("work for TypeScript and files below the script's folder", async () => {
    const { code, stdout, stderr } = await run(["app/main.ts", "1"]);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "filled file:///main.ts\n", stderr: "" });
  });

  it("show an error in the text of the module that it comes from", async () => {
    const { code, stderr } = await run(["app/main.ts", "2"]);
    expect(code).toBe(1);
    expect(stderr).toBe(
      "RangeError: too large: 2\n\n" +
        "  2 |\n  3 | export const fill = (cup: Cup): void => {\n> 4 |   if (cup.size > 1) throw new RangeError(`too large: ${cup.size}`);\n    |                           ^\n  5 | };\n\n" +
        "    at fill (app/lib/fill.ts:4:27)\n    at app/main.ts:3:1\n",
    );
  });

  it("of anything else need the flag that the error names", async () => {
    const { code, stderr } = await run(["app/outer.js"]);
    expect(code).toBe(77);
    expect(stderr).toMatch(/import denied: \.\.\/shared\/shared\.js: .* --allow-import=\.\/shared\/shared\.js\n/);
    expect(stderr.match(/--allow/g)).toHaveLength(1);
    expect((await run(["--allow-import=./shared/shared.js", "app/outer.js"])).stdout).toBe("shared\n");
    expect((await run(["--allow-import=./shared", "app/outer.js"])).stdout).toBe("shared\n");
    expect((await run(["app/uses.js"])).stderr).toMatch(/--allow-import=above\n/);
    expect((await run(["--allow-import=above", "app/uses.js"])).stdout).toBe("above\n");
    expect((await run(["--allow-import", "app/uses.js"])).stdout).toBe("above\n");
  });

  it("of a script that is not trusted are denied", async () => {
    const { code, stderr } = await run(["--untrusted", "app/outer.js"]);
    expect(code).toBe(77);
    expect(stderr).toMatch(/nothing may be imported[^]*hint: --untrusted allows nothing/);
    const typed = await run(["--untrusted", "app/main.ts", "1"]);
    expect(typed.code).toBe(65);
    expect(typed.stderr).toMatch(/hint: --untrusted runs JavaScript; TypeScript has to be compiled first/);
  });

  it("are read again when a run is replayed", async () => {
    const env = { ...ENV, GEPPETTO_LOG: join(home, "replay.db") };
    await runCli(["run", "app/main.ts", "1"], { cwd: home, env });
    const { code, stdout } = await runCli(["runs", "replay", "last"], { env });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "filled file:///main.ts\n" });
  });

  it("are not for eval, which says what is", async () => {
    const evaluated = ["eval", "--no-log", 'await import("./app/lib/fill.ts")'];
    const { code, stderr } = await runCli(evaluated, { cwd: home });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error: Not supported\n[^]*\nhint: import\(\) takes the name of a module as a text/);
  });

  it("are for classic scripts, too, which are CommonJS then", async () => {
    put("app/classic.cjs", 'import("./lib/fill.ts").then((it) => console.log(typeof it.fill));\n');
    expect((await run(["app/classic.cjs"])).stdout).toBe("function\n");
  });

  it("that end the bundler say one line about it", async () => {
    put("app/deep.js", `import "./lib/fill.ts";\nexport default ${"[".repeat(3_900_000)}${"]".repeat(3_900_000)};\n`);
    const { code, stdout, stderr } = await run(["app/deep.js"]);
    expect({ code, stdout }).toEqual({ code: 65, stdout: "" });
    expect(stderr).toMatch(/^Error \[ERR_SCRIPT_LOAD\]: Cannot load deep\.js: the bundler crashed;.*\n$/);
  });

  it("of what does not exist are no matter of permissions: exit code 65", async () => {
    put("app/missing.js", 'import "./lib/none.js";\n');
    const { code, stderr } = await run(["app/missing.js"]);
    expect(code).toBe(65);
    expect(stderr).toMatch(/Cannot import "\.\/lib\/none\.js": there is no such file\n[^]*> 1 \|/);
  });
});

interface AuditLine {
  time: string;
  runId: string;
  script: string;
  kind: string;
  asked: string;
  file?: string;
  decision: string;
  rule: string;
}

function auditOf(file: string): AuditLine[] {
  const lines = readFileSync(file, "utf8").split("\n");
  expect(lines.pop()).toBe("");
  return lines.map((line) => JSON.parse(line) as AuditLine);
}

describe.concurrent("GEPPETTO_AUDIT", () => {
  it("names a file that gets every use of a permission, and no secret", async () => {
    const file = join(home, "audit.jsonl");
    writeFileSync(file, "");
    chmodSync(file, 0o644);
    const secrets = { PERMITTED: "the-value", GEPPETTO_AUDIT: file };
    const sources = ["in.png", "../photos/cat.png", "https://example.com/x?token=hush"];
    await run(["--allow-env=PERMITTED", "scripts/look.js", ...sources], { env: secrets });
    await runCli(["eval", "--json", "--no-log", "1"], { env: secrets });
    const [first, ...rest] = auditOf(file);
    expect(first).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      runId: expect.stringMatching(/^[\da-f-]{36}$/),
      script: "look.js",
      kind: "env",
      asked: "PERMITTED",
      decision: "granted",
      rule: "PERMITTED",
    });
    expect(rest.map(({ kind, asked, decision, rule }) => [kind, asked, decision, rule])).toEqual([
      ["read", "in.png", "granted", join(home, "scripts")],
      ["read", "../photos/cat.png", "denied", "no rule"],
      ["net", "https://example.com", "granted", "public https"],
    ]);
    expect(new Set(rest.map(({ runId }) => runId))).toEqual(new Set([first!.runId]));
    expect(rest[0]!.file).toBe(join(home, "scripts/in.png"));
    expect(readFileSync(file, "utf8")).not.toMatch(/the-value|hush|sk-canary/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("loses no line when the process is killed", async () => {
    const file = join(home, "killed.jsonl");
    const script = join(home, "scripts/killed.js");
    writeFileSync(script, `${LOOK} console.log("ready"); await new Promise((end) => setTimeout(end, 60_000));`);
    const started = startCli(["run", "--no-log", script, "in.png", "../x.png"], { env: { GEPPETTO_AUDIT: file } });
    await started.seen("ready");
    started.child.kill("SIGKILL");
    await started.result;
    expect(auditOf(file).map(({ decision }) => decision)).toEqual(["granted", "denied"]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("keeps the lines of runs at the same time whole", async () => {
    const file = join(home, "together.jsonl");
    const code = `for (let i = 0; i < 200; i++) try { new Conversation().addMessageWithImage("user", "x", "a".repeat(900) + i); } catch {}`;
    const runs = [1, 2, 3].map(() => runCli(["eval", "--no-log", code], { env: { GEPPETTO_AUDIT: file } }));
    await Promise.all(runs);
    const lines = auditOf(file);
    expect(lines).toHaveLength(600);
    expect(new Set(lines.map(({ runId }) => runId)).size).toBe(3);
  });

  it("that cannot be written stops the script before it runs, with exit code 78", async () => {
    const pipe = join(home, "audit-pipe");
    execFileSync(MAKE_PIPE, [pipe]);
    for (const file of [join(home, "missing/audit.jsonl"), home, pipe, "/dev/null"]) {
      const { code, stdout, stderr } = await runCli(["eval", "--no-log", "console.log('ran')"], {
        env: { GEPPETTO_AUDIT: file },
      });
      expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
      expect(stderr).toMatch(/^error \[ERR_AUDIT\]: Cannot write the audit to /);
    }
  });

  describe.skipIf(!existsSync("/bin/sh"))("on a disk that fills up", () => {
    /** Runs code that may write a kilobyte to a file and no more. */
    function runOnFull(code: string, file: string, flags: readonly string[] = []): SpawnSyncReturns<string> {
      const command = `trap '' XFSZ; ulimit -f 1; exec "$0" "$@"`;
      const main = fileURLToPath(new URL("../../dist/cli/main.cjs", import.meta.url));
      const args = ["-c", command, process.execPath, main, "eval", "--no-log", ...flags, code];
      const env = { PATH: process.env["PATH"], PERMITTED: "one", GEPPETTO_AUDIT: file };
      return spawnSync("/bin/sh", args, { env, encoding: "utf8" });
    }
    const ADD = (i: string): string =>
      `new Conversation().addMessageWithImage("user", "x", "https://example.com/" + ${i});`;

    it("refuses what it should hold, and says so", () => {
      const code = `const told = []; for (let i = 0; i < 12; i++) { try { ${ADD("i")} told.push("granted"); } catch (error) { told.push(error.code); } } console.log(told[0], told.at(-1));`;
      const { stdout, stderr } = runOnFull(code, join(home, "full.jsonl"));
      expect(stdout).toBe("granted ERR_AUDIT\n");
      expect(stderr).toMatch(/^Cannot write the audit: the file would be too large; what it should hold is refused\n/);
    });

    it("ends a script that does not catch that with exit code 78", () => {
      expect(runOnFull(`for (let i = 0; ; i++) ${ADD("i")}`, join(home, "full-uncaught.jsonl")).status).toBe(78);
    });

    it("does not let a script begin whose variables cannot be noted", () => {
      const file = join(home, "full-before.jsonl");
      writeFileSync(file, "x".repeat(2_000));
      const { status, stdout, stderr } = runOnFull("console.log('ran')", file, ["--allow-env=PERMITTED"]);
      expect({ status, stdout }).toEqual({ status: 78, stdout: "" });
      expect(stderr).toMatch(/error \[ERR_AUDIT\]: Cannot use PERMITTED: the use cannot be noted\n$/);
    });
  });
});
