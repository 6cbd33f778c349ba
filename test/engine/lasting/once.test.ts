import { expect, it } from "vitest";
import { MemoryJournal } from "../../../src/index.ts";
import { TestServer } from "../../fetch/test-server.ts";
import { patience } from "../../machine/patience.ts";
import { attempt, Effects } from "./lasting-fixture.ts";

it.each<[string, string]>([
  ["a function that answers at once", `sendNow("x")`],
  ["a function", `await send("x")`],
  ["a step of the host's", `(await sendStep.startAsync("x"))[0]`],
  ["a tool of a server", `await mcp.app.send({ text: "x" })`],
])(
  "%s is not called twice by itself, wherever it is killed since a checkpoint",
  async (_, call) => {
    const code = `
      if (execution.state === undefined) await execution.checkpoint(1);
      const answer = ${call};
      console.log(answer);
      await read("a");
      export default answer;`;
    const whole = await attempt(new MemoryJournal(), code, {});
    let asked = 0;
    for (let at = 1; at <= whole.writes; at++) {
      await using journal = new MemoryJournal();
      const effects = new Effects();
      const killed = await attempt(journal, code, { effects, crash: { at, when: "after" } });
      if (!killed.hasCrashed) continue;
      const { outcome, output } = await attempt(journal, code, { effects });
      expect(effects.once.get("x") ?? 0, `write ${at}`).toBeLessThanOrEqual(1);
      if (outcome?.end !== "suspended") {
        expect(outcome, `write ${at}`).toMatchObject({ ok: true, value: whole.outcome?.value });
        continue;
      }
      asked++;
      expect(outcome.waitsFor).toMatchObject([{ kind: "ambiguous" }]);
      expect(output.out).toBe("");
      await journal.resolve("execution", { value: "it was sent" });
      const last = await attempt(journal, code, { effects });
      expect(last.outcome).toMatchObject({ ok: true, value: "it was sent" });
      expect(last.output.out).toBe("it was sent\n");
    }
    expect(asked).toBeGreaterThan(0);
  },
  patience(60_000),
);

it(
  "is fetched once with its whole answer, wherever it is killed after that was read",
  async () => {
    await using server = await TestServer.start({
      "/": (_, response) => {
        response.write("one ");
        setTimeout(() => response.end("two"), 20);
      },
    });
    const code = `
      if (execution.state === undefined) await execution.checkpoint(1);
      const answer = await fetch("${server.url}/", { method: "POST", body: "x" });
      const text = await answer.text();
      console.log(text);
      await read("a");
      export default text;`;
    const { writes } = await attempt(new MemoryJournal(), code, {});
    let afterwards = 0;
    for (let at = 1; at <= writes; at++) {
      await using journal = new MemoryJournal();
      const asked = server.asked.length;
      const killed = await attempt(journal, code, { crash: { at, when: "after" } });
      if (!killed.hasCrashed) continue;
      let { outcome } = await attempt(journal, code, {});
      if (outcome?.end === "suspended") {
        await journal.resolve("execution", { retry: true });
        ({ outcome } = await attempt(journal, code, {}));
      } else expect(server.asked.length - asked, `write ${at}`).toBe(1);
      const isLost = outcome?.ok === false;
      if (isLost) expect(outcome?.error?.message).toContain("the answer was interrupted");
      else expect(outcome, `write ${at}`).toMatchObject({ ok: true, value: "one two" });
      if (killed.output.out !== "") {
        expect(isLost, `write ${at}`).toBe(false);
        afterwards++;
      }
    }
    expect(afterwards).toBeGreaterThan(0);
  },
  patience(60_000),
);

const chained = (work: string): string => `
  const chain = pipeline.chain("shout", async (text) => ${work});
  const end = await steps.fromPipeline(chain).startAsync(["x"]).then(([text]) => text, ({ code }) => code);`;

it(
  "is asked about where a pipeline that is called once waits for it",
  async () => {
    const code = `
      if (execution.state === undefined) await execution.checkpoint(1);
      ${chained("await send(text)")}
      export default end;`;
    const { writes } = await attempt(new MemoryJournal(), code, {});
    const asked = new Set<string>();
    const ends = new Set<unknown>();
    for (let at = 1; at <= writes; at++) {
      await using journal = new MemoryJournal();
      await attempt(journal, code, { crash: { at, when: "before" } });
      let last = await attempt(journal, code, {});
      for (; last.outcome?.end === "suspended"; last = await attempt(journal, code, {})) {
        const { waitsFor } = last.outcome;
        asked.add(waitsFor!.map(({ name }) => name).join());
        for (const { number } of waitsFor!) await journal.resolve("execution", { retry: true }, number);
      }
      ends.add(last.outcome?.value);
    }
    expect(asked).toEqual(new Set(["pipeline", "send"]));
    expect(ends).toEqual(new Set(["sent x", "ERR_RUN_INTERRUPTED"]));
  },
  patience(60_000),
);

it("may fail in a stage of the script's, and fails in no later attempt's host", async () => {
  const unheard: unknown[] = [];
  const onUnheard = (error: unknown): void => void unheard.push(error);
  process.on("unhandledRejection", onUnheard);
  try {
    await using journal = new MemoryJournal();
    const code = `${chained("await fail(text)")} await execution.receive("go"); export default end;`;
    expect((await attempt(journal, code, {})).outcome?.end).toBe("suspended");
    await journal.send("execution", "go");
    expect((await attempt(journal, code, {})).outcome).toMatchObject({ ok: true });
  } finally {
    process.off("unhandledRejection", onUnheard);
  }
  expect(unheard).toEqual([]);
});
