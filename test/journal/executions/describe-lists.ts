import { describe, expect, it } from "vitest";
import type { Journal } from "../../../src/journal/executions/journal.ts";
import { all, code, record, suspend, texts, type CreateJournal } from "./journal-fixture.ts";

/** What every journal promises of lists, of following, and of its stores. */
export function describeLists(name: string, create: CreateJournal): void {
  describe(`${name}: list()`, () => {
    it("gives the latest first, by state, and so many", async () => {
      const journal = await create();
      for (const id of ["a", "b", "c"]) await suspend(journal, id, []);
      await (await journal.resume("b")).release({ state: "completed" });
      const ids = async (options?: Parameters<Journal["list"]>[0]): Promise<string[]> =>
        (await all(journal.list(options))).map(({ id }) => id);
      expect(await ids()).toEqual(["c", "b", "a"]);
      expect(await ids({ state: "suspended" })).toEqual(["c", "a"]);
      expect(await ids({ limit: 2 })).toEqual(["c", "b"]);
      expect(await ids({ limit: 0 })).toEqual([]);
    });

    it("refuses what is no state, tenant, time or number", async () => {
      const journal = await create();
      const bad = [{ due: new Date() }, { due: NaN }, { limit: "x" }, { state: "foo" }, { tenant: () => {} }];
      for (const options of bad)
        await expect(all(journal.list(options as object)), JSON.stringify(options)).rejects.toEqual(
          code("ERR_VALIDATION"),
        );
    });

    it("finds those that are due, and those that were answered", async () => {
      const journal = await create();
      await suspend(journal, "later", [{ kind: "sleep", number: 1, dueAt: 3000 }]);
      await suspend(journal, "second", [{ kind: "sleep", number: 1, dueAt: 2000 }]);
      await suspend(journal, "first", [
        { kind: "sleep", number: 1, dueAt: 9000 },
        { kind: "approve", number: 2, question: "?", dueAt: 1000 },
      ]);
      await suspend(journal, "asked", [{ kind: "receive", number: 1, name: "a" }]);
      await suspend(journal, "answered", [{ kind: "receive", number: 1, name: "a" }]);
      await journal.send("answered", "a", 1);
      const due = async (): Promise<string[]> => (await all(journal.list({ due: 2000 }))).map(({ id }) => id);
      expect(await due()).toEqual(["answered", "first", "second"]);
      await journal.resume("first");
      expect(await due()).toEqual(["answered", "second"]);
    });

    it("leaves nothing out of many", async () => {
      const journal = await create();
      for (let i = 0; i < 600; i++) {
        const lease = await journal.begin(`e${i}`, { script: "a.js" });
        await lease.release({ state: "suspended", waitsFor: [{ kind: "sleep", number: 1, dueAt: i % 7 }] });
      }
      expect(new Set((await all(journal.list())).map(({ id }) => id)).size).toBe(600);
      const due = await all(journal.list({ due: 10 }));
      expect(new Set(due.map(({ id }) => id)).size).toBe(600);
      const times = due.map(({ dueAt }) => dueAt!);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    });
  });

  describe(`${name}: follow()`, () => {
    it("gives what is kept, then what comes, and ends with the execution", async () => {
      const journal = await create();
      const lease = await journal.begin("one", { script: "a.js", records: [record("a"), record("b")] });
      const reading = texts(journal.follow("one", { from: 2 }));
      await lease.append([record("c")]);
      await lease.release({ state: "suspended" });
      const next = await journal.resume("one");
      await next.append([record("d")], { state: "completed" });
      expect(await reading).toEqual(["b", "c", "d"]);
      expect(await texts(journal.follow("one", { from: 4 }))).toEqual(["d"]);
    });

    it("stops when its signal aborts", async () => {
      const journal = await create();
      await journal.begin("one", { script: "a.js" });
      const stop = new AbortController();
      const reading = texts(journal.follow("one", { signal: stop.signal }));
      stop.abort(new Error("enough"));
      await expect(reading).rejects.toThrow("enough");
      await expect(texts(journal.follow("one", { signal: stop.signal }))).rejects.toThrow("enough");
    });
  });

  describe(`${name}: store()`, () => {
    it("keeps values by name and key", async () => {
      const journal = await create();
      const store = journal.store("a.js local");
      expect(await store.get("k")).toBeUndefined();
      await store.set("k", { at: new Date(7), list: [1, undefined] });
      await store.set("k%", 1);
      await store.set("other", null);
      expect(await store.get("k")).toEqual({ at: new Date(7), list: [1, undefined] });
      expect(await store.list()).toEqual(["k", "k%", "other"]);
      expect(await store.list("k%")).toEqual(["k%"]);
      expect(await journal.store("b.js local").list()).toEqual([]);
      expect([await store.delete("k"), await store.delete("k")]).toEqual([true, false]);
      expect(await store.get("k")).toBeUndefined();
    });

    it("has a name and keys that are texts", async () => {
      const journal = await create();
      const invalid = code("ERR_VALIDATION");
      for (const odd of [undefined, null, 7, {}, () => {}, Symbol("no")] as string[]) {
        expect(() => journal.store(odd)).toThrow(invalid);
        const store = journal.store("a");
        await expect(store.get(odd)).rejects.toEqual(invalid);
        await expect(store.set(odd, 1)).rejects.toEqual(invalid);
        await expect(store.delete(odd)).rejects.toEqual(invalid);
        if (odd !== undefined) await expect(store.list(odd)).rejects.toEqual(invalid);
      }
      expect(await journal.store("a").list()).toEqual([]);
    });

    it("has limits, and refuses what cannot cross", async () => {
      const journal = await create();
      const store = journal.store("a");
      const over = code("ERR_STORE_LIMIT");
      await expect(store.set("k".repeat(513), 1)).rejects.toEqual(over);
      await expect(store.set("k", "x".repeat(1_000_000))).rejects.toEqual(over);
      for (let i = 0; i < 16; i++) await store.set(`k${i}`, "x".repeat(990_000));
      await expect(store.set("k", "x".repeat(990_000))).rejects.toEqual(over);
      await expect(store.set("k", () => {})).rejects.toEqual(code("ERR_VALIDATION"));
      await store.set("k1", "short");
    });
  });
}
