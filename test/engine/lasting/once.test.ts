import { expect, it } from "vitest";
import { MemoryJournal } from "../../../src/index.ts";
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
