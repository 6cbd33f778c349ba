import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { ISOLATIONS } from "../../engine/engine-harness.ts";
import { isTaken, partOf } from "../../machine/part-of.ts";
import { patience } from "../../machine/patience.ts";
import { runCli, ScriptFolder, startCli, type CliOptions, type CliResult } from "../run-cli.ts";

const folder = new ScriptFolder();
afterAll(() => folder.remove());

const CHANGING = folder.file(
  "changing.js",
  `console.log(Date.now(), performance.now(), Math.random(), crypto.randomUUID(), new Date().getTimezoneOffset());
  console.log(new Intl.DateTimeFormat("en", { dateStyle: "full", timeStyle: "full" }).format(), new Date(), Temporal.Now.instant());
  console.log(new ChatStepFactory().newStep().runWithEvents("slow: 1ms echo: an id", (event) => console.log(event.type, event.time)));
  const conversation = new Conversation();
  conversation.updateMetadata(conversation.addMessage("user", "x"), { y: 1 });
  console.log(JSON.stringify(await new ChatStepFactory().newStep().startAsync(conversation)), JSON.stringify(conversation.getMessages()));
  const order = [];
  await Promise.all(Array.from({ length: 10 }, (_, i) => chat("slow: " + (i % 3) + "ms echo: " + i).then((text) => order.push(text))));
  console.log(order.join(" "));
  console.error("to stderr", Date.now(), process.argv.slice(2));
  console.log(Promise.resolve(1));
  export default { random: Math.random() };`,
);

let count = 0;

/** The command line with a log of its own. */
function withLog(): { file: string; cli: (args: readonly string[], options?: CliOptions) => Promise<CliResult> } {
  const file = join(folder.path, `log-${count++}`, "runs.db");
  return { file, cli: (args, options) => runCli(args, { ...options, env: { GEPPETTO_LOG: file, ...options?.env } }) };
}

function told({ code, stdout, stderr }: CliResult): object {
  return { code, stdout, stderr };
}

/** Does something to a log between a run and its replay. */
function inLog(file: string, work: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(file);
  work(database);
  database.close();
}

const TIMES = partOf(20);

describe.concurrent.each(ISOLATIONS)("runs replay, of a run in a %s", (isolation) => {
  /** Every other one, and in the other kind of isolation the rest: what is replayed knows of no isolation. */
  const inTurn = <T>(all: T[]): T[] =>
    all.filter((_, i) => isTaken(i, ISOLATIONS.length, ISOLATIONS.indexOf(isolation)));

  it(`gives the same bytes, ${TIMES} times of ${TIMES}`, async () => {
    const { cli } = withLog();
    const first = await cli(["run", "--isolation", isolation, CHANGING, "a", "b"]);
    expect(first).toMatchObject({ code: 0, stderr: expect.stringContaining("to stderr") as string });
    for (let i = 0; i < TIMES; i++) expect(told(await cli(["runs", "replay", "last"]))).toEqual(told(first));
  });

  it.each(inTurn(["--json", "--events", "--events --json", "-q", "-v", "--stats -q"]))(
    "gives the same bytes with %s",
    async (flags) => {
      const { cli } = withLog();
      const given = flags.split(" ");
      const first = await cli(["run", ...given, "--isolation", isolation, CHANGING]);
      expect(told(await cli(["runs", "replay", "last", ...given]))).toEqual(told(first));
    },
  );

  it("has the local time of then, whatever that of the process is", async () => {
    const { cli } = withLog();
    const code = `const date = new Date(2026, 5, 1, 12);
      console.log(String(date), date.getTimezoneOffset(), date.toLocaleString(), new Intl.NumberFormat().format(1234.5));`;
    const script = folder.file(`local-${isolation}.js`, code);
    for (const [then, now] of [
      ["UTC", "Asia/Tokyo"],
      ["America/New_York", "UTC"],
    ] as const) {
      const first = await cli(["run", "--isolation", isolation, script], { env: { TZ: then, LC_ALL: "en_US.UTF-8" } });
      expect(first.code).toBe(0);
      const again = await cli(["runs", "replay", "last"], { env: { TZ: now, LC_ALL: "de_DE.UTF-8" } });
      expect(told(again)).toEqual(told(first));
    }
  });

  it("gives the same events in a file", async () => {
    const { cli } = withLog();
    const [then, now] = [join(folder.path, `then-${isolation}`), join(folder.path, `now-${isolation}`)];
    await cli(["run", `--events=${then}`, "--isolation", isolation, CHANGING]);
    expect((await cli(["runs", "replay", "last", `--events=${now}`])).code).toBe(0);
    expect(readFileSync(now, "utf8")).toBe(readFileSync(then, "utf8"));
    expect(readFileSync(now, "utf8").split("\n").length).toBeGreaterThan(40);
  });

  it.each(
    inTurn<[string, string, number]>([
      ["exit", "process.exit(7)", 7],
      ["code", "process.exitCode = 9", 9],
      ["error", "const error = new TypeError('no'); error.status = 3; throw error", 1],
      ["unlooked", "await new ChatStepFactory().newStep().runWithEvents('error: 401', () => {})", 78],
      ["stalled", "await new Promise(() => {})", 1],
      ["load", "let let", 65],
      ["denied", "import 'nothing'", 65],
    ]),
  )("ends as the run did: %s", async (name, code, expected) => {
    const { cli } = withLog();
    const script = folder.file(`${name}-${isolation}.js`, `console.log(Date.now());\n${code};\n`);
    const first = await cli(["run", "--isolation", isolation, script]);
    expect(first.code).toBe(expected);
    expect(told(await cli(["runs", "replay", "last"]))).toEqual(told(first));
  });

  it("ends as the run did: by its time limit", async () => {
    const { cli } = withLog();
    const script = folder.file(`loop-${isolation}.js`, "console.log(Math.random()); for (;;) Date.now();");
    const first = await cli(["run", "--timeout", `${patience(1000)}ms`, "--isolation", isolation, script]);
    expect(first.code).toBe(124);
    expect(told(await cli(["runs", "replay", "last"]))).toEqual(told(first));
  });
});

describe.concurrent("runs replay", () => {
  it("has the imports of then, whatever became of them", async () => {
    const { cli } = withLog();
    mkdirSync(join(folder.path, "imports"));
    const library = folder.file(
      "imports/library.ts",
      "export const twice = (n: number): number => { if (n > 5) throw new RangeError('large'); return n * 2; };\n",
    );
    const script = folder.file(
      "imports/main.ts",
      `import { twice } from "./library.ts";\nconsole.log(twice(4), Date.now());\ntwice(6);\n`,
    );
    const first = await cli(["run", script]);
    expect(first).toMatchObject({ code: 1, stderr: expect.stringContaining("RangeError: large") as string });
    writeFileSync(library, "export const twice = 'something else';\n");
    writeFileSync(script, "something else\n");
    expect(told(await cli(["runs", "replay", "last"]))).toEqual(told(first));
  });

  it("replays a run that its user interrupted", async () => {
    const { file, cli } = withLog();
    const script = folder.file(
      "interrupted.js",
      "console.log('begun', Date.now()); await new Promise((end) => setTimeout(end, 600_000));",
    );
    const { child, result, seen } = startCli(["run", script], { env: { GEPPETTO_LOG: file } });
    await seen("begun");
    child.kill("SIGTERM");
    const first = await result;
    expect(first.code).toBe(143);
    expect(told(await cli(["runs", "replay", "last"]))).toEqual(told(first));
  });

  it("leaves out the colours of a terminal where there is none", async () => {
    const { cli } = withLog();
    const script = folder.file("colours.js", "console.log({ a: 1, b: 'text' }); console.error(true);");
    const first = await cli(["run", script], { env: { FORCE_COLOR: "1" } });
    expect(first.stdout).toContain("\u001b[3");
    expect(told(await cli(["runs", "replay", "last"], { env: { FORCE_COLOR: "1" } }))).toEqual(told(first));
    expect(told(await cli(["runs", "replay", "last"]))).toEqual({
      code: 0,
      stdout: "{ a: 1, b: 'text' }\n",
      stderr: "true\n",
    });
  });

  it("replays a run of --deterministic, of --untrusted, and of a line of code", async () => {
    for (const args of [
      ["run", "--deterministic", CHANGING],
      ["run", "--untrusted", CHANGING],
      ["eval", "const a = 6; await chat('echo: ' + a * Math.random())"],
    ]) {
      const { cli } = withLog();
      const first = await cli(args);
      expect(first.code).toBe(0);
      expect(told(await cli(["runs", "replay", "last"]))).toEqual(told(first));
    }
  });

  it("replays with what looks like a key in place of the key, which the log does not hold", async () => {
    const { file, cli } = withLog();
    const key = "sk-abcdefghij0123456789";
    const script = folder.file(
      "secret.js",
      "console.log(process.env.NAME, [process.env.NAME]); console.error(input());",
    );
    const first = await cli([
      "run",
      "-e",
      `NAME=${key}`,
      "--input",
      folder.file("secret.txt", `Bearer ${key}`),
      script,
    ]);
    expect(first.stdout).toBe(`${key} [ '${key}' ]\n`);
    const again = await cli(["runs", "replay", "last"]);
    expect(told(again)).toEqual({ code: 0, stdout: "[redacted] [ '[redacted]' ]\n", stderr: "[redacted]\n" });
    inLog(file, (database) => {
      const rows = database.prepare("SELECT chunk FROM journals").all();
      expect(rows.length).toBeGreaterThan(0);
      for (const { chunk } of rows) expect(Buffer.from(chunk as Uint8Array).includes("abcdefghij")).toBe(false);
    });
  });

  it("says what differs first where a script does something else than then", async () => {
    const { file, cli } = withLog();
    await cli(["run", folder.file("differs.js", "console.log('one');")]);
    inLog(file, (database) => {
      const { chunk } = database.prepare("SELECT chunk FROM journals").get() as { chunk: Uint8Array };
      const text = zstdDecompressSync(chunk).toString().replace("console.log('one')", "console.log('two')");
      database.prepare("UPDATE journals SET chunk = ?").run(zstdCompressSync(text));
    });
    const { code, stdout, stderr } = await cli(["runs", "replay", "last"]);
    expect({ code, stdout }).toEqual({ code: 79, stdout: "" });
    expect(stderr).toMatch(
      /^error \[ERR_REPLAY_DIFFERS\]: Cannot replay the run: message \d+ of the script is another one than then: "console_write" differs at "text": "two\\n" now, "one\\n" then\n$/,
    );
  });

  it.each([
    [
      "is damaged",
      (chunk: Uint8Array) => chunk.slice(0, chunk.length >> 1),
      /not replayable: its journal cannot be read: a part of it is damaged/,
    ],
    [
      "is no journal",
      () => zstdCompressSync("hello"),
      /not replayable: its journal cannot be read: it holds an unknown record/,
    ],
    ["is cut off", (chunk: Uint8Array) => chunk, /not replayable: its journal is not whole: it breaks off/],
  ])("refuses a journal that %s", async (_, change, expected) => {
    const { file, cli } = withLog();
    await cli([
      "run",
      "-q",
      folder.file("short.js", `for (let i = 0; i < 30; i++) console.log("${"x".repeat(100)}".repeat(100), i)`),
    ]);
    inLog(file, (database) => {
      const { chunk } = database.prepare("SELECT chunk FROM journals").get() as { chunk: Uint8Array };
      database.prepare("UPDATE journals SET chunk = ? WHERE place = 0").run(change(chunk));
      database.exec("DELETE FROM journals WHERE place > 0");
    });
    const { code, stdout, stderr } = await cli(["runs", "replay", "last"]);
    expect({ code, stdout }).toEqual({ code: 79, stdout: "" });
    expect(stderr).toMatch(expected);
  });

  it("refuses a run whose source is kept apart and is missing", async () => {
    const { file, cli } = withLog();
    folder.file("long.js", `export const text = ${JSON.stringify("long ".repeat(4_000))};`);
    const script = folder.file("importing.js", "import { text } from './long.js'; console.log(text.length);");
    expect(await cli(["run", script])).toMatchObject({ code: 0, stdout: "20000\n" });
    expect(await cli(["runs", "replay", "last"])).toMatchObject({ code: 0, stdout: "20000\n" });
    inLog(file, (database) => database.exec("DELETE FROM run_sources"));
    const { code, stdout, stderr } = await cli(["runs", "replay", "last"]);
    expect({ code, stdout }).toEqual({ code: 79, stdout: "" });
    expect(stderr).toMatch(
      /not replayable: its journal cannot be read: the source with the SHA-256 [0-9a-f]{12}… is missing$/m,
    );
  });

  it("refuses a journal, and a log, of a newer version", async () => {
    const { file, cli } = withLog();
    await cli(["run", folder.file("newer.js", "console.log(1)")]);
    const facts = JSON.stringify({ format: 99 });
    inLog(file, (database) => {
      database.prepare("UPDATE journals SET chunk = ?").run(zstdCompressSync(`B${facts.length}:${facts}`));
    });
    const newer = await cli(["runs", "replay", "last"]);
    expect(newer.code).toBe(79);
    expect(newer.stderr).toMatch(/its journal cannot be read: a newer version of geppetto-js made it/);
    inLog(file, (database) => database.exec("PRAGMA user_version = 99"));
    expect(await cli(["runs", "replay", "last"])).toMatchObject({ code: 66, stdout: "" });
  });

  it("goes by the recorded answers where a run has no journal, and says so", async () => {
    const { file, cli } = withLog();
    await cli(["run", "-q", folder.file("old.js", "console.log(await chat('echo: hi'))")]);
    inLog(file, (database) => database.exec("DELETE FROM journals"));
    const { code, stdout, stderr } = await cli(["runs", "replay", "last"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "hi\n" });
    expect(stderr).toMatch(/^this run was logged without a journal: replaying its script on the recorded answers\n/);
  });

  it("says that a run's journal grew too large, when that happens and later", async () => {
    const { cli } = withLog();
    const code = `const url = "http://example.com/" + "a".repeat(1_000_000);
      for (let i = 0; i < 40; i++) new URL(url);
      console.log("end");`;
    const first = await cli(["run", folder.file("large.js", code)]);
    expect(told(first)).toEqual({ code: 0, stdout: "end\n", stderr: "not replayable: journal larger than 64 MB\n" });
    const { code: exit, stdout, stderr } = await cli(["runs", "replay", "last"]);
    expect({ exit, stdout }).toEqual({ exit: 79, stdout: "" });
    expect(stderr).toMatch(
      /^error \[ERR_REPLAY\]: Cannot replay the run: not replayable: journal larger than 64 MB\n$/,
    );
    expect((await cli(["runs", "show", "last"])).stdout).toMatch(
      /^replay +not replayable: journal larger than 64 MB$/m,
    );
  });
});

describe.skipIf(!existsSync("/bin/sh"))("a disk that fills up while a run is recorded", () => {
  it("ends its journal, and not the run, which says so", async () => {
    const { file, cli } = withLog();
    await cli(["eval", "1"]);
    const main = fileURLToPath(new URL("../../../dist/cli/main.cjs", import.meta.url));
    const code = `for (let i = 0; i < 60; i++) crypto.getRandomValues(new Uint8Array(65_536));
      console.log("end", await new Promise((end) => setTimeout(end, 1, "of it")));`;
    const args = ["-c", `trap '' XFSZ; ulimit -f 1500; exec "$0" "$@"`, process.execPath, main, "run"];
    const { status, stdout, stderr } = spawnSync("/bin/sh", [...args, folder.file("fills.js", code)], {
      env: { PATH: process.env["PATH"], GEPPETTO_LOG: file, XDG_CONFIG_HOME: folder.path },
      encoding: "utf8",
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: "end of it\n" });
    expect(stderr).toMatch(/^not replayable: the journal could not be written$/m);
    const { code: exit } = await cli(["runs", "replay", "last"]);
    expect([2, 79]).toContain(exit);
  });
});

describe.concurrent("runs replay --script", () => {
  const asks = folder.file("asks.js", "console.log(await chat('echo: one'), await chat('echo: two'));");

  it("runs another script on the answers of then", async () => {
    const { cli } = withLog();
    await cli(["run", "-q", asks, "argument"]);
    const other = folder.file("other.js", "console.log('other', await chat('echo: two'), process.argv[2]);");
    const { code, stdout } = await cli(["runs", "replay", "last", "-q", "--script", other]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "other two argument\n" });
  });

  it.each([
    ["asks", "await chat('echo: three')"],
    ["asks and goes on without an answer", "await chat('echo: three').catch(() => {}); await chat('echo: one')"],
  ])("fails at the first question without an answer where it %s", async (_, code) => {
    const { cli } = withLog();
    await cli(["run", "-q", asks]);
    const other = folder.file(`missing-${count}.js`, code);
    const { code: exit, stderr } = await cli(["runs", "replay", "last", "-q", "--script", other]);
    expect(exit).toBe(79);
    expect(stderr).toMatch(/no recorded answer|No recorded answer|Cannot replay/);
  });

  it("says of a question without an answer that the run was not asked it, and not to record it", async () => {
    const { cli } = withLog();
    await cli(["run", "-q", asks]);
    const other = folder.file(`other-${count}.js`, "await chat('echo: three')");
    const { stderr } = await cli(["runs", "replay", "last", "-q", "--script", other]);
    expect(stderr).toContain(" in the run is recording 1, ");
    expect(stderr).toContain("hint: only what the run was answered can be asked again");
    expect(stderr).not.toContain("--record");
  });
});
