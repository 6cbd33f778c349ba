/** What a journal in a file promises beyond what all journals do. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Journal } from "../../../src/journal/executions/journal.ts";
import { SqliteJournal } from "../../../src/journal/executions/sqlite/sqlite-journal.ts";
import { timed } from "../../machine/machine-watch.ts";
import { heldMB, MAX_ADDED_MB } from "../../machine/parent-load.ts";
import { patience } from "../../machine/patience.ts";
import { all, code, record, suspend, texts } from "./journal-fixture.ts";

let folder = "";
let file = "";
const open: Journal[] = [];
const children: ChildProcess[] = [];

async function journalOf(options?: Parameters<typeof SqliteJournal.open>[1]): Promise<SqliteJournal> {
  const journal = await SqliteJournal.open(file, options);
  open.push(journal);
  return journal;
}

/** Does something to the file behind the journal's back. */
function tamper(...statements: string[]): void {
  using database = new DatabaseSync(file);
  for (const sql of statements) database.exec(sql);
}

/** Where the first page of something lies in the file. */
function pageOf(name: string): number {
  using database = new DatabaseSync(file);
  const root = database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").get(name)!;
  return (Number(root["rootpage"]) - 1) * Number(database.prepare("PRAGMA page_size").get()!["page_size"]);
}

/** Another process that begins an execution, and says what becomes of what it writes. */
async function startWriter(id: string, limits = ""): Promise<{ child: ChildProcess; next(): Promise<string> }> {
  const writer = fileURLToPath(new URL("writing-child.ts", import.meta.url));
  const args = ["-c", `${limits} exec "$0" "$@"`, process.execPath, writer, file, id];
  const child = spawn("sh", args, { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => String((await lines.next()).value);
  expect(await next()).toBe("begun");
  return { child, next };
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "journal-"));
  file = join(folder, "data", "executions.db");
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((journal) => journal.close()));
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await chmod(folder, 0o700);
  await rm(folder, { recursive: true, force: true });
});

describe("the file of a journal", () => {
  it("can be read by its owner alone, as all that lies beside it", async () => {
    const journal = await journalOf();
    await journal.begin("one", { script: "a.js" });
    const names = await readdir(join(folder, "data"));
    expect(names).toContain("executions.db-wal");
    for (const name of names) expect((await stat(join(folder, "data", name))).mode & 0o777, name).toBe(0o600);
    expect((await stat(join(folder, "data"))).mode & 0o777).toBe(0o700);
  });

  it("that a newer version made is refused, and stays as it is", async () => {
    await (await journalOf()).close();
    tamper("PRAGMA user_version = 99");
    await expect(journalOf()).rejects.toEqual(code("ERR_JOURNAL_VERSION"));
    tamper("PRAGMA user_version = 1");
    await journalOf();
  });

  it("that is something else, or somewhere else, is refused", async () => {
    await mkdir(join(folder, "data"));
    await writeFile(file, "this is not a database, and it is not empty either".repeat(100));
    await expect(journalOf()).rejects.toThrow("its file is not a journal of executions");
    await rm(file);
    await mkdir(file);
    await expect(journalOf()).rejects.toThrow("it is a folder");
    await rm(file, { recursive: true });
    await writeFile(join(folder, "other"), "");
    await symlink(join(folder, "other"), file);
    await expect(journalOf()).rejects.toThrow("it is a link");
    await rm(file);
    await link(join(folder, "other"), file);
    await expect(journalOf()).rejects.toThrow("hard link");
  });

  it("keeps no process alive by itself", async () => {
    const { child } = await startWriter("one");
    child.stdin!.end();
    expect(await once(child, "exit")).toEqual([0, null]);
  });
});

describe("a damaged journal", () => {
  it("names the record that is damaged or missing", async () => {
    const journal = await journalOf();
    const lease = await journal.begin("one", { script: "a.js" });
    await lease.append(Array.from({ length: 600 }, (_, i) => record(`r${i}`)));
    tamper("UPDATE records SET text = 'forged' WHERE seq = 3");
    await expect(all(journal.records("one"))).rejects.toThrow("record 3 of the execution one is damaged or missing");
    expect((await all(journal.records("one", 4))).length).toBe(597);
    tamper("DELETE FROM records WHERE seq = 400");
    await expect(all(journal.records("one", 4))).rejects.toThrow("record 400 of");
    tamper("DELETE FROM records WHERE seq > 550");
    await expect(all(journal.records("one", 401))).rejects.toThrow("record 551 of");
  });

  it("still lists what can be read, and refuses to go on with what cannot", async () => {
    const journal = await journalOf();
    for (const id of ["one", "two", "three", "four"])
      await suspend(journal, id, [{ kind: "receive", number: 1, name: "a" }]);
    tamper(
      "UPDATE executions SET waits_for = '[{\"kind\":' WHERE id = 'one'",
      "UPDATE executions SET waits_for = '[null]', state = 'lost' WHERE id = 'two'",
      "UPDATE details SET text = '' WHERE execution = (SELECT key FROM executions WHERE id = 'three')",
    );
    const listed = await all(journal.list());
    expect(listed.map(({ id, isDamaged }) => [id, isDamaged])).toEqual([
      ["four", undefined],
      ["three", undefined],
      ["two", true],
      ["one", true],
    ]);
    expect((await journal.get("three"))!.isDamaged).toBe(true);
    for (const id of ["one", "two"]) await expect(journal.resume(id)).rejects.toEqual(code("ERR_JOURNAL"));
    await expect(journal.approve("one", { approved: true, by: "me" })).rejects.toEqual(code("ERR_JOURNAL"));
    await journal.send("four", "a", 1);
    tamper("UPDATE messages SET text = '{'");
    const lease = await journal.resume("four");
    await expect(lease.waitingMessages()).rejects.toThrow(/message \d+ to the execution four is damaged/);
  });
});

describe("a journal whose index has rotted", () => {
  it("finds all executions by their ids again, and begins none anew", async () => {
    const ids = ["order-17", "order-18"];
    for (const id of ids) await suspend(await journalOf(), id, [{ kind: "receive", number: 1, name: "a" }]);
    await Promise.all(open.splice(0).map((journal) => journal.close()));
    const bytes = await readFile(file);
    const page = pageOf("sqlite_autoindex_executions_1");
    const at = bytes.indexOf("order-17", page);
    expect(at).toBeGreaterThan(page);
    bytes[at + 2]! ^= 1;
    await writeFile(file, bytes);
    const journal = await journalOf();
    for (const id of ids) {
      expect(await journal.get(id)).toMatchObject({ id, state: "suspended" });
      await expect(journal.begin(id, { script: "a.js" })).rejects.toEqual(code("ERR_EXECUTION_EXISTS"));
    }
  });
});

describe("an integer in a journal that no number holds", () => {
  it.each(["attempt", "created_at", "updated_at", "last_seq", "exit_code", "due_at", "told"])(
    "of %s hides no other execution",
    async (column) => {
      const journal = await journalOf();
      for (const id of ["one", "two"]) await suspend(journal, id, [{ kind: "receive", number: 1, name: "a" }]);
      for (const value of ["9223372036854775807", "-9223372036854775808"]) {
        tamper(`UPDATE executions SET ${column} = ${value} WHERE id = 'one'`);
        const listed = await all(journal.list());
        expect(listed.map(({ id }) => id)).toEqual(["two", "one"]);
        for (const { createdAt } of listed) expect(new Date(createdAt).toISOString()).toMatch(/-/);
        expect(await journal.get("one")).toMatchObject({ id: "one", script: "order.js" });
        await journal.send("two", "a", 1);
      }
      await (await journal.resume("two")).release();
    },
  );
});

describe("a holder", () => {
  it("that was killed is taken over at once, and what it has written is there", async () => {
    const { child, next } = await startWriter("one");
    child.stdin!.write("append a\n");
    expect(await next()).toBe("kept a");
    const journal = await journalOf();
    await expect(journal.resume("one")).rejects.toThrow(`process ${child.pid}`);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await journal.get("one")).not.toHaveProperty("holder");
    const lease = await journal.resume("one");
    await lease.append([record("b")]);
    expect(await texts(lease.records())).toEqual(["a", "b"]);
  });

  it("that was stopped for too long is taken over, and can write no more when it goes on", async () => {
    const { child, next } = await startWriter("one");
    const journal = await journalOf({ silenceMs: 2000 });
    await expect(journal.resume("one")).rejects.toEqual(code("ERR_EXECUTION_RUNNING"));
    child.kill("SIGSTOP");
    await expect.poll(() => journal.resume("one"), { timeout: patience(10_000) }).toMatchObject({ attempt: 2 });
    child.kill("SIGCONT");
    child.stdin!.write("append a\n");
    // Which one it hears first depends on its heartbeat.
    expect([await next(), await next()].sort()).toEqual(["ERR_EXECUTION_FENCED", "lost ERR_EXECUTION_FENCED"]);
    expect(await texts(journal.records("one"))).toEqual([]);
    expect(await journal.get("one")).toMatchObject({ attempt: 2, holder: { pid: process.pid } });
  });

  it("on another machine has lost it after some silence, by whatever clock", async () => {
    const journal = await journalOf();
    await journal.begin("one", { script: "a.js" });
    const elsewhere = JSON.stringify({ pid: 1, start: "1", place: "elsewhere 1", host: "elsewhere" });
    const seen = (ms: number): void =>
      tamper(`UPDATE executions SET holder = '${elsewhere}', seen_at = ${Date.now() + ms}, seen_uptime = 0`);
    seen(-1000);
    await expect(journal.resume("one")).rejects.toThrow("it is running on elsewhere, process 1");
    seen(-31_000);
    expect(await journal.get("one")).not.toHaveProperty("holder");
    // Its clock, or ours, was set: it is not held for a year.
    seen(365 * 86_400_000);
    expect((await journal.resume("one")).attempt).toBe(2);
  });
});

describe("a slow disk", () => {
  it("does not hold up the process", async () => {
    const journal = await journalOf();
    const lease = await journal.begin("one", { script: "a.js" });
    using other = new DatabaseSync(file);
    other.exec("BEGIN IMMEDIATE");
    let appended = false;
    const appending = Promise.all(
      Array.from({ length: 1000 }, (_, i) => lease.append([record(String(i).repeat(1000))])),
    ).then(() => (appended = true));
    const { result: longest, allow } = await timed(async () => {
      let longest = 0;
      for (let i = 0; i < 40; i++) {
        const before = performance.now();
        await new Promise((resolve) => setTimeout(resolve, 10));
        longest = Math.max(longest, performance.now() - before - 10);
      }
      expect(appended).toBe(false);
      return longest;
    });
    other.exec("ROLLBACK");
    await appending;
    expect(longest).toBeLessThan(allow(100));
    expect((await all(lease.records())).length).toBe(1000);
  });
});

describe("a full disk", () => {
  it("fails a write, and keeps what there is", async () => {
    // A quota on the size of files; in blocks of 512 or 1,024 bytes.
    const { child, next } = await startWriter("one", "trap '' XFSZ; ulimit -f 1500;");
    const answers: string[] = [];
    do {
      child.stdin!.write("appendSync 100000\n");
      answers.push(await next());
    } while (answers.at(-1) === "kept 100000" && answers.length < 100);
    expect(answers.at(-1)).toBe("ERR_JOURNAL");
    child.stdin!.write("append small\n");
    answers.push(await next());
    const kept = answers.filter((answer) => answer.startsWith("kept")).length;
    child.stdin!.end();
    await once(child, "exit");
    const journal = await journalOf();
    expect((await all(journal.records("one"))).length).toBe(kept);
    const lease = await journal.resume("one");
    await lease.append([record("there is room again")]);
  });
});

describe("a journal of 100,000 suspended executions", () => {
  it("finds those that are due at once, and holds none of the others", async () => {
    const journal = await journalOf();
    await suspend(journal, "answered", [{ kind: "receive", number: 1, name: "a" }]);
    await journal.send("answered", "a", 1);
    const waits = JSON.stringify([{ kind: "approve", number: 1, question: "Pay?", data: "x".repeat(200), dueAt: 5 }]);
    tamper(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
       INSERT INTO executions (id, state, script, attempt, created_at, updated_at, waits_for, due_at)
       SELECT 'e' || i, 'suspended', 'order.js', 1, i, i, '${waits}', i * 1000 FROM n`,
    );
    const before = heldMB();
    const { result, ms, allow } = await timed(() => all(journal.list({ due: 10_000 })));
    expect(result.map(({ id }) => id)).toEqual(["answered", ...Array.from({ length: 10 }, (_, i) => `e${i + 1}`)]);
    expect(ms).toBeLessThan(allow(100));
    let count = 0;
    for await (const { state } of journal.list({ due: 10 ** 12 })) if (state === "suspended") count++;
    expect(count).toBe(100_001);
    expect(heldMB() - before).toBeLessThan(MAX_ADDED_MB);
    expect((await all(journal.list({ limit: 20 }))).length).toBe(20);
  });
});
