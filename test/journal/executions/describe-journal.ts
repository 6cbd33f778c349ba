/** What every implementation of {@link Journal} promises. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Journal } from "../../../src/journal/executions/journal.ts";
import { describeLists } from "./describe-lists.ts";
import { describeMessages } from "./describe-messages.ts";
import { all, code, first, record, suspend, texts, type JournalFixture } from "./journal-fixture.ts";

export function describeJournal(name: string, fixture: JournalFixture): void {
  const open: Journal[] = [];

  async function create(...args: Parameters<JournalFixture["create"]>): Promise<Journal> {
    const journal = await fixture.create(...args);
    open.push(journal);
    return journal;
  }

  afterEach(async () => {
    await Promise.all(open.splice(0).map((journal) => journal.close()));
    await fixture.clean?.();
  });

  describe(`${name}: an execution`, () => {
    it("begins with its first records, and knows what it was begun with", async () => {
      const journal = await create();
      const details = { args: ["a"], at: new Date(0) };
      const lease = await journal.begin("one", {
        script: "a.js",
        tenant: "t",
        details,
        records: [record("first", "begin")],
      });
      expect([lease.id, lease.attempt]).toEqual(["one", 1]);
      expect(await journal.get("one")).toMatchObject({
        id: "one",
        state: "running",
        script: "a.js",
        tenant: "t",
        attempt: 1,
        waitsFor: [],
        isAnswered: false,
        details,
        holder: { pid: process.pid },
      });
      expect(await all(journal.records("one"))).toEqual([{ seq: 1, kind: "begin", text: "first" }]);
    });

    it("is refused under an id that is taken, or that cannot be one", async () => {
      const journal = await create();
      await journal.begin("one", { script: "a.js" });
      await expect(journal.begin("one", { script: "b.js" })).rejects.toEqual(code("ERR_EXECUTION_EXISTS"));
      for (const id of ["", "a b", "../a", "-a", "a".repeat(129), "ä", "a\0", 7 as unknown as string]) {
        await expect(journal.begin(id, { script: "a.js" }), JSON.stringify(id)).rejects.toEqual(
          code("ERR_EXECUTION_ID"),
        );
      }
    });

    it("that there is none of is undefined, and an error to whoever wants to do something with it", async () => {
      const journal = await create();
      expect(await journal.get("none")).toBeUndefined();
      const unknown = code("ERR_EXECUTION_UNKNOWN");
      await expect(journal.resume("none")).rejects.toEqual(unknown);
      await expect(all(journal.records("none"))).rejects.toEqual(unknown);
      await expect(all(journal.follow("none"))).rejects.toEqual(unknown);
      await expect(journal.send("none", "x", 1)).rejects.toEqual(unknown);
      await expect(journal.approve("none", { approved: true, by: "me" })).rejects.toEqual(unknown);
      await expect(journal.resolve("none", { retry: true })).rejects.toEqual(unknown);
      await expect(journal.cancel("none")).rejects.toEqual(unknown);
    });

    it("of what cannot be an id is none, and the journal goes on", async () => {
      const journal = await create();
      const lease = await journal.begin("one", { script: "a.js" });
      const unknown = code("ERR_EXECUTION_UNKNOWN");
      const odd = [undefined, null, 7, 7n, {}, () => {}, Symbol("no"), "", "*", ">", "a b", "one.>"] as string[];
      for (const id of odd) {
        expect(await journal.get(id)).toBeUndefined();
        await expect(all(journal.records(id))).rejects.toEqual(unknown);
        await expect(all(journal.follow(id))).rejects.toEqual(unknown);
        await expect(journal.send(id, "x", 1)).rejects.toEqual(unknown);
        await expect(journal.approve(id, { approved: true, by: "me" })).rejects.toEqual(unknown);
        await expect(journal.resolve(id, { retry: true })).rejects.toEqual(unknown);
        await expect(journal.cancel(id)).rejects.toEqual(unknown);
        await expect(journal.resume(id)).rejects.toEqual(code("ERR_EXECUTION_ID"));
      }
      await lease.append([record("a")]);
      expect(await texts(journal.records("one"))).toEqual(["a"]);
    });

    it("is refused where what it is begun or resumed with cannot be", async () => {
      const journal = await create();
      const invalid = code("ERR_VALIDATION");
      const bad = [undefined, null, {}, { script: 5 }, { script: () => {} }, { script: "a.js", tenant: Symbol("no") }];
      for (const start of bad) await expect(journal.begin("one", start as { script: string })).rejects.toEqual(invalid);
      expect(await journal.get("one")).toBeUndefined();
      await suspend(journal, "one", []);
      await expect(journal.resume("one", { tenant: (() => {}) as never })).rejects.toEqual(invalid);
    });

    it("of another tenant looks like none", async () => {
      const journal = await create();
      const lease = await journal.begin("one", { script: "a.js", tenant: "a" });
      await lease.release({ state: "suspended" });
      await expect(journal.resume("one", { tenant: "b" })).rejects.toEqual(code("ERR_EXECUTION_UNKNOWN"));
      expect((await journal.resume("one", { tenant: "a" })).attempt).toBe(2);
      expect((await all(journal.list({ tenant: "b" }))).length).toBe(0);
    });
  });

  describe(`${name}: records`, () => {
    it("are kept in order, with their bytes, whatever they hold", async () => {
      const journal = await create();
      const lease = await journal.begin("one", { script: "a.js" });
      const odd = "\0 \ud83d\ude00 \u2028 \uffff ' \" $ ä";
      const buffers = [new Uint8Array([1, 2, 255]), new Uint8Array(0), new Uint8Array(70_000).fill(7)];
      void lease.append([record("a"), { kind: "frame", text: odd, buffers }]);
      lease.appendSync([record("b")]);
      await lease.append([record("c"), record("d")]);
      const kept = await all(lease.records());
      expect(kept.map(({ seq, text }) => [seq, text])).toEqual([
        [1, "a"],
        [2, odd],
        [3, "b"],
        [4, "c"],
        [5, "d"],
      ]);
      expect(kept[1]!.buffers!.map((bytes) => Buffer.from(bytes))).toEqual(buffers.map((bytes) => Buffer.from(bytes)));
      expect(await texts(lease.records(4))).toEqual(["c", "d"]);
      expect(await texts(journal.records("one", 5))).toEqual(["d"]);
      expect(await texts(journal.records("one", 6))).toEqual([]);
    });

    it("are read from a number on, and nothing else", async () => {
      const journal = await create();
      const lease = await journal.begin("one", { script: "a.js", records: [record("a")] });
      const invalid = code("ERR_VALIDATION");
      for (const from of [Number.NaN, 1.5, Infinity, "1", null] as number[]) {
        await expect(all(journal.records("one", from)), String(from)).rejects.toEqual(invalid);
        await expect(all(lease.records(from)), String(from)).rejects.toEqual(invalid);
        await expect(all(journal.follow("one", { from })), String(from)).rejects.toEqual(invalid);
      }
      expect(await texts(journal.records("one", 0))).toEqual(["a"]);
    });

    it("that cannot be kept keep back nothing that others write at the same time", async () => {
      const journal = await create();
      const lease = await journal.begin("one", { script: "a.js" });
      const other = await journal.begin("two", { script: "a.js" });
      const odd = { kind: "note", text: (() => {}) as never };
      const refused = expect(lease.append([odd])).rejects.toEqual(code("ERR_JOURNAL"));
      await Promise.all([refused, other.append([record("a")]), journal.get("two")]);
      expect(() => lease.appendSync([odd])).toThrow(code("ERR_JOURNAL"));
      await lease.append([record("b")]);
      expect([await texts(lease.records()), await texts(other.records())]).toEqual([["b"], ["a"]]);
    });

    it("are read in pages that leave nothing out", async () => {
      const journal = await create();
      const lease = await journal.begin("one", { script: "a.js" });
      const count = 1500;
      await lease.append(Array.from({ length: count }, (_, i) => record(String(i))));
      const large = "x".repeat(3_000_000);
      await lease.append([record(large), record(large), record(large)]);
      const kept = await all(journal.records("one"));
      expect(kept.length).toBe(count + 3);
      expect(kept.every(({ seq }, i) => seq === i + 1)).toBe(true);
      expect(kept.at(-1)!.text.length).toBe(large.length);
    });

    it("that are too large are refused, and change nothing", async () => {
      const journal = await create({ recordBytes: 1000, executionBytes: 5000 });
      const lease = await journal.begin("one", { script: "a.js" });
      const over = code("ERR_JOURNAL_LIMIT");
      const change = { state: "suspended" as const };
      await expect(lease.append([record("a"), record("x".repeat(1001))], change)).rejects.toEqual(over);
      const buffers = [new Uint8Array(1000)];
      await expect(lease.append([{ kind: "frame", text: "x", buffers }])).rejects.toEqual(over);
      expect(() => lease.appendSync([record("x".repeat(1001))])).toThrow(code("ERR_JOURNAL_LIMIT"));
      for (let i = 0; i < 5; i++) await lease.append([record("x".repeat(1000))]);
      await expect(lease.append([record("x")], change)).rejects.toThrow("execution.checkpoint");
      expect([(await all(lease.records())).length, (await journal.get("one"))!.state]).toEqual([5, "running"]);
      await lease.restart([record("anew")]);
      await lease.append([record("x".repeat(1000))]);
    });

    it("before a checkpoint are forgotten; the numbers go on", async () => {
      const journal = await create();
      const lease = await journal.begin("one", { script: "a.js" });
      await lease.append([record("a"), record("b")]);
      await lease.restart([record("state", "checkpoint")], { waitsFor: [] });
      await lease.append([record("c")]);
      expect((await all(journal.records("one"))).map(({ seq, text }) => [seq, text])).toEqual([
        [3, "state"],
        [4, "c"],
      ]);
    });

    it("and a change are kept both, or neither", async () => {
      const journal = await create();
      const lease = await journal.begin("one", { script: "a.js" });
      const waitsFor = [{ kind: "approve" as const, number: 1, question: "Pay?", data: { total: 3n }, dueAt: 5000 }];
      await lease.append([record("asked")], { waitsFor });
      expect(await journal.get("one")).toMatchObject({ waitsFor, dueAt: 5000, state: "running" });
      await lease.append([record("ended", "end")], { state: "completed", exitCode: 3, error: "no", waitsFor: [] });
      const facts = await journal.get("one");
      expect(facts).toMatchObject({ state: "completed", exitCode: 3, error: "no", waitsFor: [] });
      expect(facts).not.toHaveProperty("dueAt");
    });
  });

  describe(`${name}: a lease`, () => {
    it("belongs to one attempt at a time", async () => {
      const journal = await create();
      const lease = await journal.begin("one", { script: "a.js" });
      await expect(journal.resume("one")).rejects.toEqual(code("ERR_EXECUTION_RUNNING"));
      await expect(journal.resume("one")).rejects.toThrow(/is running on .+, process \d+$/);
      await lease.release();
      await lease.release();
      expect(await journal.get("one")).toMatchObject({ state: "running", attempt: 1 });
      expect(await journal.get("one")).not.toHaveProperty("holder");
      const next = await journal.resume("one");
      expect(next.attempt).toBe(2);
    });

    it("of several that want it at a time goes to one", async () => {
      const journal = await create();
      await suspend(journal, "one", []);
      const wanted = await Promise.allSettled(Array.from({ length: 10 }, () => journal.resume("one")));
      expect(wanted.filter(({ status }) => status === "fulfilled").length).toBe(1);
      const begun = await Promise.allSettled(
        Array.from({ length: 10 }, () => journal.begin("two", { script: "a.js" })),
      );
      expect(begun.filter(({ status }) => status === "fulfilled").length).toBe(1);
    });

    it("that was taken over writes nothing any more, and says so", async () => {
      const journal = await create();
      const old = await journal.begin("one", { script: "a.js", records: [record("a")] });
      const lease = await journal.resume("one", { takeOver: true });
      const fenced = code("ERR_EXECUTION_FENCED");
      await expect(old.append([record("no")], { state: "failed" })).rejects.toEqual(fenced);
      expect(() => old.appendSync([record("no")])).toThrow(fenced);
      await expect(old.restart([])).rejects.toEqual(fenced);
      expect(old.lost.aborted).toBe(true);
      expect(old.lost.reason).toEqual(fenced);
      await old.release({ state: "failed" });
      await lease.append([record("b")]);
      expect(lease.lost.aborted).toBe(false);
      expect(await texts(journal.records("one"))).toEqual(["a", "b"]);
      expect(await journal.get("one")).toMatchObject({ state: "running", attempt: 2, holder: { pid: process.pid } });
    });

    it("writes nothing once it was released", async () => {
      const journal = await create();
      const lease = await journal.begin("one", { script: "a.js" });
      await lease.release({ state: "suspended" });
      await expect(lease.append([record("a")])).rejects.toEqual(code("ERR_EXECUTION_FENCED"));
      expect(await texts(journal.records("one"))).toEqual([]);
    });

    it("of an execution that has ended is not given", async () => {
      const journal = await create();
      const lease = await journal.begin("one", { script: "a.js" });
      await lease.release({ state: "failed", exitCode: 1 });
      await expect(journal.resume("one")).rejects.toEqual(code("ERR_EXECUTION_ENDED"));
      await expect(journal.send("one", "a")).rejects.toEqual(code("ERR_EXECUTION_ENDED"));
      await expect(journal.cancel("one")).rejects.toEqual(code("ERR_EXECUTION_ENDED"));
    });

    it("goes when the journal is closed, and the execution can be resumed", async () => {
      const journal = await create();
      const lease = await journal.begin("one", { script: "a.js" });
      void lease.append([record("a")]);
      const appended = lease.append([record("b")]);
      await journal.close();
      await journal.close();
      await appended;
      await expect(lease.append([record("c")])).rejects.toThrow();
      await expect(journal.get("one")).rejects.toEqual(code("ERR_JOURNAL"));
      if (fixture.createPeer === undefined) return;
      const peer = await fixture.createPeer();
      open.push(peer);
      expect(await texts(peer.records("one"))).toEqual(["a", "b"]);
      expect((await peer.resume("one")).attempt).toBe(2);
    });
  });

  describeMessages(name, create);
  describeLists(name, create);
}

/** What implementations promise that several processes can use at a time. */
export function describePeers(name: string, fixture: Required<JournalFixture>): void {
  describe(`${name}: two that hold the same`, () => {
    let journal: Journal;
    let peer: Journal;
    beforeEach(async () => {
      journal = await fixture.create();
      peer = await fixture.createPeer();
    });
    afterEach(async () => {
      await Promise.all([journal.close(), peer.close()]);
      await fixture.clean();
    });

    it("give an execution to one attempt", async () => {
      const lease = await journal.begin("one", { script: "a.js" });
      await expect(peer.begin("one", { script: "a.js" })).rejects.toEqual(code("ERR_EXECUTION_EXISTS"));
      await expect(peer.resume("one")).rejects.toEqual(code("ERR_EXECUTION_RUNNING"));
      const next = await peer.resume("one", { takeOver: true });
      await next.append([record("b")]);
      await expect(lease.append([record("a")])).rejects.toEqual(code("ERR_EXECUTION_FENCED"));
      expect(await texts(journal.records("one"))).toEqual(["b"]);
    });

    it("hear of what the other one writes and sends", async () => {
      const lease = await journal.begin("one", { script: "a.js" });
      const following = texts(peer.follow("one"));
      const message = first(lease.messages(new AbortController().signal), 1);
      await peer.send("one", "a", "hello");
      expect((await message)[0]!.message).toMatchObject({ payload: "hello" });
      await lease.append([record("a")]);
      await lease.append([record("b")], { state: "completed" });
      expect(await following).toEqual(["a", "b"]);
    });

    it("write at a time without losing anything", async () => {
      const leases = await Promise.all([
        journal.begin("one", { script: "a.js" }),
        peer.begin("two", { script: "a.js" }),
      ]);
      await Promise.all(
        leases.map(async (lease) => {
          for (let i = 0; i < 50; i++) await lease.append([record(String(i))]);
        }),
      );
      const expected = Array.from({ length: 50 }, (_, i) => String(i));
      expect(await texts(peer.records("one"))).toEqual(expected);
      expect(await texts(journal.records("two"))).toEqual(expected);
    });
  });
}
