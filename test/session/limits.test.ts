import { describe, expect, it } from "vitest";
import { ISOLATIONS } from "../engine/engine-harness.ts";
import { patience } from "../machine/patience.ts";
import { withSession } from "./session-fixture.ts";

describe.each(ISOLATIONS)("A session that is cut short, with isolation by %s,", (isolation) => {
  it("goes on after a run that waits for too long, without what was under way", () =>
    withSession({ isolation }, async ({ session, value, abort }) => {
      await value("const kept = 1; setInterval(() => {}, 1); let late = 0");
      const waits = "setTimeout(() => { late = 1 }, 30_000); await new Promise((done) => setTimeout(done, 60_000))";
      expect(await session.run(waits, { limits: { wallMs: patience(100) } })).toMatchObject({
        end: "limit",
        error: { code: "ERR_LIMIT_WALL" },
      });
      expect(await abort(waits)).toMatchObject({
        end: "aborted",
        error: { code: "ERR_ABORTED" },
      });
      expect(await value("[kept, late]")).toEqual([1, 0]);
      const controller = new AbortController();
      controller.abort();
      expect(await session.run("late = 2", { signal: controller.signal })).toMatchObject({ end: "aborted" });
      expect(await value("late")).toBe(0);
    }));

  it("goes on after a run that computes without end, at a limit and at the host's signal", () =>
    withSession({ isolation }, async ({ session, value, abort }) => {
      await value("const kept = 1; const forever = () => { while (true) {} }");
      const limited = await session.run("let lost = 1;\nforever()", { limits: { wallMs: patience(100) } });
      expect(limited).toMatchObject({ end: "limit", error: { code: "ERR_LIMIT_WALL" } });
      expect(limited.isOver).toBe(undefined);
      expect(await session.run("forever()", { limits: { turnMs: patience(100) } })).toMatchObject({
        end: "limit",
        error: { code: "ERR_LIMIT_TURN" },
      });
      for (const code of [
        "forever()",
        "for (;;) ;",
        "do ; while (true)",
        "for (;;) { try { forever() } catch {} }",
        "for (;;) try { for (;;) ; } finally { }",
        "await 0; while (true) await 0",
        "(async () => { for (;;) await null })(); await new Promise(() => {})",
      ]) {
        const outcome = await abort(code);
        expect([code, outcome.end, outcome.isOver]).toEqual([code, "aborted", undefined]);
      }
      expect(await value("kept")).toBe(1);
    }));

  it("goes on when its CPU time is up in a loop", () =>
    withSession({ isolation }, async ({ session, value }) => {
      const outcome = await session.run("const kept = 2; for (;;) ;", { limits: { cpuMs: 100 } });
      expect(outcome).toMatchObject({ end: "limit", error: { code: "ERR_LIMIT_CPU" } });
      expect(await value("kept")).toBe(2);
    }));

  it("counts the output of each run, and goes on after one that prints too much", () =>
    withSession({ isolation, limits: { outputBytes: 1000 } }, async ({ session, value, output }) => {
      for (let i = 0; i < 3; i++) await value("console.log('x'.repeat(900))");
      const outcome = await session.run("for (;;) console.log('y'.repeat(100))");
      expect(outcome).toMatchObject({ end: "limit", error: { code: "ERR_LIMIT_OUTPUT" } });
      expect(output.out.length).toBeLessThan(4000);
      expect(await value("7")).toBe(7);
    }));

  it("takes the lower of its own limits and the engine's, and refuses what are not limits", () =>
    withSession({ isolation, limits: { wallMs: patience(1000) } }, async ({ session }) => {
      const waits = "await new Promise((done) => setTimeout(done, 60_000))";
      const outcome = await session.run(waits, { limits: { wallMs: 60_000 } });
      expect(outcome.error?.code).toBe("ERR_LIMIT_WALL");
      await expect(session.run("1", { limits: { wallMs: -1 } })).rejects.toThrow("wallMs must be a positive number");
      expect((await session.run("1")).value).toBe(1);
    }));

  it("cancels the chat that a run waits for", () =>
    withSession({ isolation }, async ({ session, value }) => {
      const events: string[] = [];
      const controller = new AbortController();
      const outcome = await session.run("const text = await chat('slow: 200ms echo: a b c d e f g h')", {
        onEvent: (event) => {
          events.push(event.type);
          if (event.type === "partial") controller.abort();
        },
        signal: controller.signal,
      });
      expect(outcome.end).toBe("aborted");
      expect(events).toContain("partial");
      expect(await value("typeof text")).toBe("undefined");
    }));
});

describe("A session whose guest is gone", () => {
  it("says so, and why", async () => {
    const ends: string[] = [];
    const onEnd = ({ message }: Error): void => void ends.push(message);
    await withSession({ limits: { memoryMB: 32 }, session: { onEnd } }, async ({ session }) => {
      await session.run("const kept = 1");
      const outcome = await session.run("const all = []; for (;;) all.push(new Array(1e5).fill({}))");
      expect(outcome).toMatchObject({ ok: false, isOver: true, end: "limit", error: { code: "ERR_LIMIT_MEMORY" } });
      expect(session.over?.code).toBe("ERR_LIMIT_MEMORY");
      expect(await session.run("kept")).toMatchObject({
        end: "crashed",
        isOver: true,
        error: { code: "ERR_LIMIT_MEMORY" },
      });
      expect(await session.complete([], "ke")).toEqual([]);
    });
    await withSession({ session: { onEnd } }, async ({ session, abort }) => {
      const outcome = await abort("Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)");
      expect(outcome).toMatchObject({ end: "aborted", isOver: true });
      expect(await session.run("1")).toMatchObject({
        end: "crashed",
        isOver: true,
        error: { code: "ERR_ENGINE_CLOSED" },
      });
    });
    await withSession({ session: { onEnd } }, async ({ session }) => {
      expect(await session.run("'x'.repeat(2 ** 28).split('')")).toMatchObject({ ok: false, isOver: true });
    });
    expect(ends.map((text) => text.slice(0, 40))).toEqual([
      "The script exceeded its memory limit of ",
      "The session is over: its guest could not",
      expect.any(String),
    ]);
  });

  it("ends with its engine, which tells nobody", async () => {
    await withSession({ session: { onEnd: () => expect.unreachable() } }, async ({ session }) => {
      await session.run("1");
    });
  });
});

describe("session.run()", () => {
  it.each([
    [{ outputBytes: 3 }, 'there is no option "outputBytes"; the options are wallMs, cpuMs, turnMs'],
    [{ wallMs: 0 }, "wallMs must be a positive number of milliseconds, at most 2147483647, got 0"],
    [5, "its options must be an object, got 5"],
    [null, "its options must be an object, got null"],
  ])("refuses the limits %j, and runs the next code", (limits, why) =>
    withSession({ isolation: "thread" }, async ({ session, value }) => {
      await expect(session.run("1", { limits: limits as never })).rejects.toMatchObject({
        name: "ConfigError",
        message: `Cannot limit the run: ${why}`,
      });
      expect(await value("2")).toBe(2);
    }),
  );
});
