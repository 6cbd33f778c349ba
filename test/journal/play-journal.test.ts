import { describe, expect, it } from "vitest";
import { setupDefaults, type RuntimeEngineOptions } from "../../src/index.ts";
import type { JournalFacts, JournalRecord } from "../../src/journal/journal-record.ts";
import type { Journal } from "../../src/replay.ts";
import { ISOLATIONS } from "../engine/engine-harness.ts";
import { timed } from "../machine/machine-watch.ts";
import { patience } from "../machine/patience.ts";
import { play, record } from "./journal-fixture.ts";

/** The journal with other text in place of some. */
function replaced(journal: Journal, from: string, to: string): Journal {
  const text = JSON.stringify(journal.records);
  expect(text).toContain(from);
  return { ...journal, records: JSON.parse(text.replace(from, to)) as JournalRecord[] };
}

function withFacts(journal: Journal, facts: Partial<JournalFacts>): Journal {
  return { ...journal, facts: { ...journal.facts, ...facts } };
}

async function failureOf(journal: Journal): Promise<{ name: string; code: string; message: string }> {
  const error = (await play(journal).then(
    () => expect.unreachable("the replay did not fail"),
    (failure: unknown) => failure,
  )) as Error & { code: string };
  return { name: error.name, code: error.code, message: error.message };
}

describe.each(ISOLATIONS)("playJournal() in a %s", (isolation) => {
  it("names the number, the op and the first field of what a script does differently", async () => {
    const { journal } = await record(`console.log("one"); setTimeout(() => console.log("two"), 5);`, { isolation });
    const other = replaced(journal, 'console.log(\\"two\\"), 5', 'console.log(\\"two\\"), 6');
    const { name, code, message } = await failureOf(other);
    expect([name, code]).toEqual(["ReplayError", "ERR_REPLAY_DIFFERS"]);
    expect(message).toMatch(
      /^Cannot replay the run: message \d+ of the script is another one than then: "timer_start" differs at "ms": 6 now, 5 then$/,
    );
    const number = Number(/message (\d+)/.exec(message)![1]);
    const told = journal.records.filter(({ kind }) => kind === "call" || kind === "note" || kind === "wait");
    expect((told[number - 1] as { text: string }).text).toContain('"timer_start"');
  });

  it("names the op that comes in place of another, and the one that is missing", async () => {
    const { journal } = await record(`console.log("one"); await new Promise((end) => setTimeout(end, 1));`, {
      isolation,
    });
    const first = await failureOf(replaced(journal, 'console.log(\\"one\\");', ""));
    expect(first.message).toMatch(/it is "timer_start" now and was "console_write" then$/);
    const missing = await failureOf(replaced(journal, "setTimeout(end, 1)", "0"));
    expect(missing.message).toMatch(/the script says nothing more now, and called "timer_start" then$/);
  });

  it("says that another version of geppetto-js may be why", async () => {
    const { journal } = await record(`console.log("one");`, { isolation });
    const older = withFacts(journal, { product: "0.0.1", runtime: "" });
    expect((await play(older)).out).toBe("one\n");
    const { message } = await failureOf(replaced(older, '\\"one\\"', '\\"two\\"'));
    expect(message).toMatch(/geppetto-js was version 0\.0\.1 then, and is \d+\.\d+\.\d+\S* now$/);
    const rebuilt = await failureOf(replaced(withFacts(journal, { runtime: "" }), '\\"one\\"', '\\"two\\"'));
    expect(rebuilt.message).toMatch(/what geppetto-js runs in the guest has changed since$/);
  });

  it("refuses a run of another major version of Node or V8", async () => {
    const { journal } = await record(`console.log("one");`, { isolation });
    expect((await failureOf(withFacts(journal, { node: 24 }))).message).toMatch(
      /it ran on Node 24, and this is Node \d+$/,
    );
    expect((await failureOf(withFacts(journal, { v8: 1 }))).message).toMatch(/it ran on version 1 of V8/);
  });

  it("ends a script that its limit ended, which goes on for ever", async () => {
    const limits = { wallMs: patience(200) };
    for (const code of [
      "console.log(1); for (;;) Date.now();",
      "for (;;);",
      "await 1; for (;;);",
      "setTimeout(() => {}, 1000); for (;;);",
      "setTimeout(() => setTimeout(() => {}, 9000)); setTimeout(() => { for (;;); }, 5); await new Promise(() => {});",
    ]) {
      const { journal, outcome, output } = await record(code, { isolation, limits });
      expect(outcome.end, code).toBe("limit");
      expect((await play(journal)).out, code).toBe(output.out);
    }
  });

  it("ends a script that ended itself, with what it printed before", async () => {
    for (const [end, code] of [
      ["exit", "process.exit(3)"],
      ["done", "done(1); console.log('after')"],
      ["uncaught", "setTimeout(() => console.log('after')); throw new Error('no')"],
      ["stalled", "await new Promise(() => {})"],
      ["load", "import './nothing.js'"],
    ]) {
      const { journal, outcome, output } = await record(`console.log(Date.now()); ${code}`, { isolation });
      expect(outcome.end).toBe(end);
      expect((await play(journal)).out).toBe(output.out);
    }
  });

  it("prints no more than the script was allowed to", async () => {
    const options: RuntimeEngineOptions = { isolation, limits: { outputBytes: 20 } };
    const { journal, output, outcome } = await record(
      `for (let i = 0; i < 100; i++) console.log("line " + i)`,
      options,
    );
    expect(outcome.error?.code).toBe("ERR_LIMIT_OUTPUT");
    expect(output.out).toBe("line 0\nline 1\n");
    expect((await play(journal)).out).toBe(output.out);
  });

  it("answers blocking calls, and those that bring vectors", async () => {
    const setup = [
      setupDefaults({ chat: { provider: "embedded", deltaMs: 0 } }),
      async (vm: Parameters<ReturnType<typeof setupDefaults>>[0]) => {
        await vm.op("later", async (n: number) => Promise.resolve(n + Math.random()), { mode: "blocking" });
        await vm.op("vector", async () => Promise.resolve(Float32Array.from([Math.random(), Math.random()])));
      },
    ];
    const code = `console.log(later(1), later(2), doubleStep.startBlocking(4)[0]); console.log(await vector(), await vector());`;
    const { journal, output, outcome } = await record(code, { isolation, setup });
    expect(outcome.error).toBeUndefined();
    expect((await play(journal)).out).toBe(output.out);
  });

  it("gives the answers of then with secrets redacted, and takes what follows from that", async () => {
    const key = "sk-abcdefghij0123456789";
    const code = `const key = process.env.KEY; console.log("Bearer " + key, [key]); console.log(key);`;
    const { journal, output } = await record({ code: `process.env.KEY = "${key}"; ${code}` }, { isolation });
    expect(output.out).toContain(key);
    expect((await play(journal)).out).toBe("Bearer [redacted] [ '[redacted]' ]\n[redacted]\n");
  });

  it("is fast: 10,000 recorded ops in less than a second", async () => {
    const setup = [
      async (vm: Parameters<ReturnType<typeof setupDefaults>>[0]) => {
        await vm.op("sync", (n: number) => n, { mode: "sync" });
        await vm.op("later", async (n: number) => Promise.resolve(n));
      },
    ];
    const code = `for (let i = 0; i < 5000; i++) sync(i);
      for (let i = 0; i < 50; i++) await Promise.all(Array.from({ length: 100 }, (_, n) => later(n)));
      console.log("end");`;
    const { journal, output } = await record(code, { isolation, setup });
    // Two processes that wait for each other lose more on a busy machine than one that is watched: once is enough.
    let isFast = false;
    for (let tries = 0; tries < 5 && !isFast; tries++) {
      const { result, ms, allow } = await timed(() => play(journal));
      expect(result.out).toBe(output.out);
      isFast = ms < allow(1000);
    }
    expect(isFast).toBe(true);
  });
});

describe("playJournal()", () => {
  it("goes on when the script may not be waited for any more", async () => {
    const { journal } = await record(`console.log(1);`);
    const reason = new Error("enough");
    const { playJournal } = await import("../../src/replay.ts");
    const listener = { output: () => {}, said: () => {}, event: () => {} };
    await expect(playJournal(journal, listener, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const stopping = { ...listener, output: () => controller.abort(reason) };
    const longer = await record(`console.log(1); setTimeout(() => console.log(2), 5)`);
    await expect(playJournal(longer.journal, stopping, { signal: controller.signal })).rejects.toBe(reason);
  });
});
