import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RuntimeEngine, setupDefaults } from "../../src/index.ts";
import { RunLog } from "../../src/recordings/index.ts";
import { mayHoldSecrets, redactSecrets } from "../../src/recordings/redact-secrets.ts";
import { JournalRecorder, readJournal, type Journal } from "../../src/replay.ts";
import { Output } from "../engine/engine-harness.ts";
import { play } from "../journal/journal-fixture.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "geppetto-sources-"));
  file = join(folder, "runs.sqlite");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const KEY = "sk-test-0123456789abcdef";
/** Long enough to be kept apart, and with something that is not to be kept. */
const LONG = `const key = "${KEY}";\n${Array.from({ length: 400 }, (_, i) => `function unused${i}() { return ${i}; }`).join("\n")}`;
const CODE = `${LONG}\nconsole.log(key.length > 0, Date.now(), Math.random());`;

/** Runs a script as the command line does, and says what it printed. */
async function runLogged(log: RunLog, id: string, code = CODE): Promise<string> {
  const run = log.begin({ script: "long.js", source: code, id });
  const recorder = new JournalRecorder({
    write: (chunk) => run.keepChunk(chunk),
    keepText: (text) => run.keepText(text),
    redact: (text) => redactSecrets(text, ""),
    mayRedact: mayHoldSecrets,
    onFailed: (reason) => run.dropJournal(reason),
  });
  const output = new Output();
  await using engine = new RuntimeEngine({
    isolation: "thread",
    console: output,
    setup: [setupDefaults({ chat: { provider: "embedded" } })],
    journal: recorder,
  });
  await engine.start();
  const outcome = await engine.runScript({ code, name: "long.js" });
  await recorder.close({ exitCode: 0 });
  await run.end(outcome);
  return output.out;
}

function readOf(log: RunLog, id: string): Promise<Journal> {
  const logged = log.journal(id)!;
  return readJournal(logged.chunks, logged);
}

function query(sql: string, ...values: (string | Uint8Array)[]): unknown[] {
  using database = new DatabaseSync(file);
  return database.prepare(sql).all(...values);
}

const countSources = (): unknown => (query("SELECT count(*) AS count FROM sources")[0] as { count: number }).count;

describe("A long source", () => {
  it("is kept once for all runs that have it, without secrets, and goes with the last of them", async () => {
    using log = RunLog.open(file, { maxRuns: 2 });
    const printed = [await runLogged(log, "a"), await runLogged(log, "b")];
    expect(countSources()).toBe(1);
    const [{ bytes }] = query("SELECT max(length(chunk)) AS bytes FROM journals") as [{ bytes: number }];
    expect(bytes).toBeLessThan(4_000);
    for (const [i, id] of ["a", "b"].entries()) {
      expect((await play(await readOf(log, id))).out).toBe(printed[i]);
      expect(log.show(id)!.source).toBe(CODE.replace(KEY, "[redacted]"));
    }
    await runLogged(log, "c", `${CODE}\n// another one`);
    log.prune();
    expect([log.show("a"), countSources()]).toEqual([undefined, 2]);
    await runLogged(log, "d", "console.log('short')");
    log.prune();
    expect([log.show("b"), countSources()]).toEqual([undefined, 1]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("that another log has is not that of a run: it is missing there, and the run says so", async () => {
    using log = RunLog.open(file);
    await runLogged(log, "a");
    const other = log.begin({ script: "other.js", id: "b" });
    for (const chunk of log.journal("a")!.chunks) other.keepChunk(chunk);
    await expect(readOf(log, "b")).rejects.toThrow(/^the source with the SHA-256 [0-9a-f]{12}… is missing$/);
  });

  it.each([
    ["is another one", () => zstdCompressSync("console.log('evil')"), "is not the one that was kept: its hash differs"],
    ["is broken", () => zstdCompressSync(LONG).subarray(0, 400), "is damaged"],
    ["is too large", () => zstdCompressSync(Buffer.alloc(65_000_000)), "is too large"],
  ])("that %s is refused, with a reason", async (_, change, reason) => {
    using log = RunLog.open(file);
    await runLogged(log, "a");
    query("UPDATE sources SET text = ?", change());
    await expect(readOf(log, "a")).rejects.toThrow(reason);
    expect(log.show("a")).toMatchObject({ isDamaged: true });
    expect(log.show("a")!.source).toBeUndefined();
  });

  it("that cannot be kept makes the run one that cannot be replayed", async () => {
    const failures: string[] = [];
    const recorder = new JournalRecorder({
      write: () => {},
      redact: (text) => text,
      keepText: () => {
        throw new Error("its source could not be written");
      },
      onFailed: (reason) => void failures.push(reason),
    });
    recorder.run({ code: LONG, filename: "file:///long.js", kind: "classic", lineOffset: 0, token: 1 });
    expect(failures).toEqual(["its source could not be written"]);
  });
});
