import { fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  MemoryStateStore,
  SqliteStateStore,
  type PipelineMessage,
  type StateStore,
} from "../../../src/pipeline/index.ts";

const message = (text: string): PipelineMessage => ({ role: "user", text });
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "state-store-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.each([
  ["MemoryStateStore", (): StateStore => new MemoryStateStore()],
  ["SqliteStateStore", (): StateStore => new SqliteStateStore(join(folder, "deep", "store.db"))],
])("%s", (_, open) => {
  let store: StateStore;

  beforeEach(() => {
    store = open();
  });

  afterEach(() => store.close());

  it("gives messages back as they were, in order, each conversation its own", async () => {
    const rich = { role: "assistant", text: 'ü "\u2028', metadata: { usage: { inputTokens: 3 }, list: [1, null] } };
    await store.append("a", [message("1"), rich]);
    await store.append("b", [message("other")]);
    await store.append("a", [message("3")]);
    expect(await store.load("a")).toEqual([message("1"), rich, message("3")]);
    expect(await store.load("b")).toEqual([message("other")]);
    expect(await store.load("c")).toEqual([]);
  });

  it("gives the last ones, when told how many", async () => {
    await store.save("a", ["1", "2", "3"].map(message));
    expect(await store.load("a", { limit: 2 })).toEqual([message("2"), message("3")]);
    expect(await store.load("a", { limit: 9 })).toHaveLength(3);
    expect(await store.load("a", { limit: 0 })).toEqual([]);
  });

  it("replaces a conversation with save(), and forgets it with delete()", async () => {
    await store.append("a", ["1", "2", "3"].map(message));
    await store.save("a", [message("new")]);
    await store.append("a", [message("more")]);
    expect(await store.load("a")).toEqual([message("new"), message("more")]);
    expect([await store.delete("a"), await store.delete("a")]).toEqual([true, false]);
    expect(await store.load("a")).toEqual([]);
  });

  it("keeps a copy: what becomes of a message later is not its concern", async () => {
    const given = { role: "user", text: "before" };
    await store.append("a", [given]);
    given.text = "after";
    const [loaded] = (await store.load("a")) as { text: string }[];
    loaded!.text = "changed";
    expect(await store.load("a")).toEqual([message("before")]);
  });

  it("adds whole turns, however many are added at once", async () => {
    const turns = Array.from({ length: 20 }, (_, i) => [message(`${i}?`), message(`${i}!`)]);
    await Promise.all(turns.map((turn) => store.append("a", turn)));
    const texts = (await store.load("a")).map((each) => (each as { text: string }).text);
    expect(texts).toHaveLength(40);
    for (let i = 0; i < 40; i += 2) expect(texts[i + 1]).toBe(texts[i]!.replace("?", "!"));
  });

  it("takes any id and any text, those of SQL too", async () => {
    const id = "'; DROP TABLE messages; --";
    await store.append(id, [message("'); --")]);
    expect(await store.load(id)).toEqual([message("'); --")]);
  });

  it("refuses to work when it has been closed, which can be done twice", async () => {
    await store.append("a", [message("1")]);
    await store.close();
    await store.close();
    await expect(store.load("a")).rejects.toThrow("it has been closed");
    await expect(store.append("a", [])).rejects.toThrow("it has been closed");
  });
});

describe("MemoryStateStore", () => {
  it("forgets the conversation that was not used for longest", async () => {
    const store = new MemoryStateStore({ maxConversations: 2 });
    await store.append("a", [message("a")]);
    await store.append("b", [message("b")]);
    await store.load("a");
    await store.append("c", [message("c")]);
    expect(await Promise.all(["a", "b", "c"].map(async (id) => (await store.load(id)).length))).toEqual([1, 0, 1]);
  });
});

describe("SqliteStateStore", () => {
  const open = (name: string): { store: SqliteStateStore; file: string } => {
    const file = join(folder, name);
    return { store: new SqliteStateStore(file), file };
  };

  it("makes its file with the first use, for its owner alone, and finds it again", async () => {
    const { store, file } = open("store.db");
    expect(() => statSync(file)).toThrow("ENOENT");
    await store.append("a", [message("kept")]);
    for (const part of ["", "-wal", "-shm"]) expect(statSync(file + part).mode & 0o777).toBe(0o600);
    await store.close();
    await using again = new SqliteStateStore(file);
    expect(await again.load("a")).toEqual([message("kept")]);
  });

  it("names a file that is damaged, and leaves it as it is", async () => {
    const { store, file } = open("damaged.db");
    writeFileSync(file, "SQLite format 3\0 and then nothing of the kind".repeat(50));
    const before = readFileSync(file);
    await expect(store.append("a", [message("1")])).rejects.toThrow(
      'Cannot add to a conversation in "damaged.db": file is not a database',
    );
    await expect(store.load("a")).rejects.toMatchObject({ name: "StageError", code: "ERR_STATE_STORE" });
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it("names a file that is no database, and leaves it as it is", async () => {
    const { store, file } = open("notes.txt");
    writeFileSync(file, "buy milk");
    await expect(store.load("a")).rejects.toThrow('Cannot load a conversation from "notes.txt": ');
    expect(readFileSync(file, "utf8")).toBe("buy milk");
  });

  it("names another program's database, and leaves it as it is", async () => {
    const { store, file } = open("foreign.db");
    const foreign = new DatabaseSync(file);
    foreign.exec("CREATE TABLE messages (theirs TEXT); INSERT INTO messages VALUES ('precious')");
    foreign.close();
    const before = readFileSync(file);
    await expect(store.save("a", [])).rejects.toThrow('"foreign.db": it is another program\'s database');
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it("names a file that a newer version has made", async () => {
    const { store, file } = open("newer.db");
    await store.append("a", [message("1")]);
    await store.close();
    const database = new DatabaseSync(file);
    database.exec("PRAGMA user_version = 99");
    database.close();
    await expect(new SqliteStateStore(file).load("a")).rejects.toThrow(
      '"newer.db": a newer version of geppetto-js made it',
    );
  });

  it("keeps every turn whole when several processes begin a file together and write to it", async () => {
    const { store, file } = open("shared.db");
    const child = fileURLToPath(new URL("appending-child.ts", import.meta.url));
    const children = ["x", "y", "z"].map((name) => fork(child, [file, name, "30"], { stdio: "inherit" }));
    const codes = await Promise.all(children.map((each) => new Promise((resolve) => each.once("exit", resolve))));
    expect(codes).toEqual([0, 0, 0]);
    const texts = (await store.load("a")).map((each) => (each as { text: string }).text);
    expect(texts).toHaveLength(180);
    for (let i = 0; i < texts.length; i += 2) expect(texts[i + 1]).toBe(texts[i]!.replace("?", "!"));
    for (const name of ["x", "y", "z"]) {
      const own = texts.filter((text) => text.startsWith(name) && text.endsWith("?"));
      expect(own).toEqual(Array.from({ length: 30 }, (_, i) => `${name} ${i}?`));
    }
    await store.close();
  });
});
