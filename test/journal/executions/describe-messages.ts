import { describe, expect, it } from "vitest";
import type { ExecutionMessage, NumberedMessage } from "../../../src/journal/executions/journal.ts";
import { all, code, first, record, suspend, type CreateJournal } from "./journal-fixture.ts";

/** What every journal promises of what executions are told. */
export function describeMessages(name: string, create: CreateJournal): void {
  describe(`${name}: messages`, () => {
    const read = (source: AsyncIterable<NumberedMessage>, count: number): Promise<ExecutionMessage[]> =>
      first(source, count).then((found) => found.map(({ message }) => message));

    it("come in the order in which they were sent, also while they are waited for", async () => {
      const journal = await create();
      const lease = await journal.begin("one", { script: "a.js" });
      const stop = new AbortController();
      await journal.send("one", "a", { n: 1, at: new Date(5), big: 2n });
      const reading = read(lease.messages(stop.signal), 3);
      await journal.send("one", "b");
      await journal.send("one", "a", [3]);
      expect(await reading).toEqual([
        { kind: "send", name: "a", payload: { n: 1, at: new Date(5), big: 2n } },
        { kind: "send", name: "b", payload: undefined },
        { kind: "send", name: "a", payload: [3] },
      ]);
      const waiting = all(lease.messages(stop.signal));
      stop.abort();
      expect((await waiting).length).toBeLessThanOrEqual(3);
    });

    it("are taken once, together with what is noted of them", async () => {
      const journal = await create();
      const lease = await journal.begin("one", { script: "a.js" });
      for (const n of [1, 2, 3]) await journal.send("one", "a", n);
      const signal = new AbortController().signal;
      const [one, two] = await first(lease.messages(signal), 2);
      expect(one!.number).toBeLessThan(two!.number);
      await lease.append([record("got 1")], { taken: [one!.number] });
      const next = await journal.resume("one", { takeOver: true });
      expect(await read(next.messages(signal), 2)).toMatchObject([{ payload: 2 }, { payload: 3 }]);
    });

    it("that wait are told at once", async () => {
      const journal = await create();
      const lease = await journal.begin("one", { script: "a.js" });
      expect(await lease.waitingMessages()).toEqual([]);
      for (let n = 0; n < 100; n++) await journal.send("one", "a", n);
      const waiting = await lease.waitingMessages();
      expect(waiting.map(({ message }) => (message as { payload: unknown }).payload)).toEqual(
        Array.from({ length: 100 }, (_, n) => n),
      );
    });

    it("of several executions do not mix", async () => {
      const journal = await create();
      const leases = await Promise.all(["one", "two"].map((id) => journal.begin(id, { script: "a.js" })));
      const signal = new AbortController().signal;
      const reading = leases.map((lease) => read(lease.messages(signal), 1));
      await journal.send("two", "a", "for two");
      await journal.send("one", "a", "for one");
      expect(await Promise.all(reading)).toMatchObject([[{ payload: "for one" }], [{ payload: "for two" }]]);
    });

    it("answer an execution only where it waits for them", async () => {
      const journal = await create();
      await suspend(journal, "one", [{ kind: "receive", number: 1, name: "a" }]);
      await journal.send("one", "b", 1);
      expect((await journal.get("one"))!.isAnswered).toBe(false);
      await journal.send("one", "a", 1);
      expect((await journal.get("one"))!.isAnswered).toBe(true);
      const lease = await journal.resume("one");
      await journal.send("one", "c", 1);
      await lease.release({ state: "suspended", waitsFor: [{ kind: "receive", number: 2, name: "c" }] });
      expect((await journal.get("one"))!.isAnswered).toBe(true);
    });

    it("that cannot cross, or have no name, are refused", async () => {
      const journal = await create({ messages: 2 });
      await journal.begin("one", { script: "a.js" });
      const circle: Record<string, unknown> = {};
      circle["self"] = circle;
      for (const payload of [() => {}, Symbol("no"), circle]) {
        await expect(journal.send("one", "a", payload)).rejects.toEqual(code("ERR_VALIDATION"));
      }
      for (const bad of ["", "x".repeat(257), 5 as unknown as string]) {
        await expect(journal.send("one", bad, 1)).rejects.toEqual(code("ERR_VALIDATION"));
      }
      await expect(journal.send("one", "a", "x".repeat(1_000_001))).rejects.toEqual(code("ERR_JOURNAL_LIMIT"));
      await journal.send("one", "a", 1);
      await journal.send("one", "a", 2);
      await expect(journal.send("one", "a", 3)).rejects.toEqual(code("ERR_JOURNAL_LIMIT"));
    });
  });

  describe(`${name}: answers`, () => {
    const yes = { approved: true, by: "ann" };

    it("go to the one question that is asked, whether somebody runs the execution or not", async () => {
      const journal = await create();
      const lease = await journal.begin("one", { script: "a.js" });
      await expect(journal.approve("one", yes)).rejects.toThrow("it asks nothing");
      await lease.append([], { waitsFor: [{ kind: "approve", number: 4, question: "Pay?" }] });
      await journal.approve("one", { ...yes, note: "fine" });
      const [answer] = await first(lease.messages(new AbortController().signal), 1);
      expect(answer!.message).toEqual({
        kind: "approve",
        question: 4,
        approved: true,
        by: "ann",
        note: "fine",
        at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      });
      expect((await journal.get("one"))!.isAnswered).toBe(true);
    });

    it("to several questions name one, and each is answered once", async () => {
      const journal = await create();
      await suspend(journal, "one", [
        { kind: "approve", number: 1, question: "Pay?" },
        { kind: "approve", number: 2, question: "Ship?" },
        { kind: "receive", number: 3, name: "a" },
      ]);
      const unfit = code("ERR_EXECUTION_ANSWER");
      await expect(journal.approve("one", yes)).rejects.toThrow("it asks 1 (Pay?), 2 (Ship?)");
      await expect(journal.approve("one", { ...yes, question: 3 })).rejects.toEqual(unfit);
      await expect(journal.approve("one", { ...yes, question: 9 })).rejects.toThrow("does not ask question 9");
      await journal.approve("one", { ...yes, question: 2 });
      await expect(journal.approve("one", { ...yes, question: 2 })).rejects.toThrow("was answered already");
      await journal.approve("one", { approved: false, by: "bob" });
      await expect(journal.approve("one", yes)).rejects.toThrow("everything that it asks was answered already");
      const lease = await journal.resume("one");
      const found = await first(lease.messages(new AbortController().signal), 2);
      expect(found.map(({ message }) => message)).toMatchObject([
        { question: 2, approved: true },
        { question: 1, approved: false, by: "bob" },
      ]);
      await lease.append([], { taken: found.map(({ number }) => number), waitsFor: [] });
      await expect(journal.approve("one", { ...yes, question: 1 })).rejects.toThrow("was answered already");
    });

    it("of several at a time to one question count once", async () => {
      const journal = await create();
      await suspend(journal, "one", [{ kind: "approve", number: 1, question: "Pay?" }]);
      const answers = await Promise.allSettled(Array.from({ length: 10 }, () => journal.approve("one", yes)));
      expect(answers.filter(({ status }) => status === "fulfilled").length).toBe(1);
    });

    it("come too late once their time is up", async () => {
      const journal = await create();
      await suspend(journal, "one", [{ kind: "approve", number: 1, question: "Pay?", dueAt: Date.now() - 1 }]);
      await expect(journal.approve("one", yes)).rejects.toThrow(
        /the time for an answer to question 1 was over at \d{4}/,
      );
      expect((await journal.get("one"))!.isAnswered).toBe(false);
    });

    it("that are none are refused", async () => {
      const journal = await create();
      await suspend(journal, "one", [{ kind: "approve", number: 1, question: "Pay?" }]);
      const invalid = code("ERR_VALIDATION");
      for (const bad of [{ approved: "yes" }, { by: "" }, { by: 5 }, { note: 5 }, { question: 0 }, { question: 1.5 }]) {
        await expect(journal.approve("one", { ...yes, ...bad } as typeof yes), JSON.stringify(bad)).rejects.toEqual(
          invalid,
        );
      }
      for (const bad of [undefined, null])
        await expect(journal.approve("one", bad as unknown as typeof yes)).rejects.toEqual(invalid);
      for (const bad of [{}, { retry: false }, { error: 5 }, { retry: true, value: 1 }, null, "retry"]) {
        await expect(journal.resolve("one", bad as { retry: true })).rejects.toEqual(invalid);
      }
      await expect(journal.resolve("one", { value: () => {} })).rejects.toEqual(invalid);
    });

    it("say what became of a call whose answer nobody knows", async () => {
      const journal = await create();
      await suspend(journal, "one", [{ kind: "ambiguous", number: 7, name: "charge" }]);
      await expect(journal.approve("one", yes)).rejects.toEqual(code("ERR_EXECUTION_ANSWER"));
      await journal.resolve("one", { value: { paid: 3 } });
      await expect(journal.resolve("one", { retry: true })).rejects.toEqual(code("ERR_EXECUTION_ANSWER"));
      const lease = await journal.resume("one");
      const [found] = await first(lease.messages(new AbortController().signal), 1);
      expect(found!.message).toEqual({ kind: "resolve", question: 7, how: { value: { paid: 3 } } });
    });
  });

  describe(`${name}: cancel()`, () => {
    it("ends an execution that nobody runs, and tells one that somebody does", async () => {
      const journal = await create();
      await suspend(journal, "one", [{ kind: "sleep", number: 1, dueAt: 1 }]);
      await journal.cancel("one");
      expect(await journal.get("one")).toMatchObject({
        state: "failed",
        exitCode: 130,
        error: "the execution was cancelled",
      });
      expect(await all(journal.list({ due: Date.now() }))).toEqual([]);
      const lease = await journal.begin("two", { script: "a.js" });
      await journal.cancel("two");
      await journal.cancel("two");
      const [found] = await first(lease.messages(new AbortController().signal), 1);
      expect(found!.message).toEqual({ kind: "cancel" });
      await lease.append([record("ended")], { taken: [found!.number], state: "failed" });
    });
  });
}
