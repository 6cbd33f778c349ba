import { describe, expect, it } from "vitest";
import type { StepEvent } from "../../src/index.ts";
import { RuntimeEngine, setupDefaults } from "../../src/index.ts";
import { describeStatus } from "../../src/cli/session/session-status.ts";
import { RunMonitor } from "../../src/cli/session/run-monitor.ts";
import { StatusLine } from "../../src/cli/output/status-line.ts";
import { displayWidth } from "../../src/cli/output/display-width.ts";

describe("the status line", () => {
  it("counts what runs now, and what is done", async () => {
    const seen: string[] = [];
    await using engine = new RuntimeEngine({ isolation: "thread", setup: [setupDefaults({ env: {} })] });
    const monitor: RunMonitor = new RunMonitor(engine, {
      onEvent: ({ type, step }: StepEvent) => {
        if (type === "start" || type === "final") seen.push(`${step.type} ${type}: ${describeStatus(monitor, 2345)}`);
      },
    });
    await engine.start();
    const outcome = await engine.runScript({
      code: `await steps.compose([steps.createLambdaStep((n) => n), steps.createLambdaStep((n) => n)]).startAsync(1);
        await chat("echo: a b");`,
    });
    expect(outcome.ok).toBe(true);
    await engine.close();
    await monitor.finished;
    expect(seen[0]).toBe("compose start: 1 running · 0 done · 0 tokens · 2.3 s · compose");
    expect(seen[1]).toBe("lambda start: 2 running · 0 done · 0 tokens · 2.3 s · compose, lambda");
    expect(seen.at(-2)).toBe("chat start: 1 running · 3 done · 0 tokens · 2.3 s · chat (demo)");
    expect(seen.at(-1)).toBe("chat final: 0 running · 4 done · 5 tokens · 2.3 s");
  });

  it("fits its terminal, in columns and not in characters", () => {
    const written: string[] = [];
    const stream = { columns: 20, write: (text: string) => written.push(text), on: () => {}, off: () => {} };
    const status = new StatusLine(stream, { describe: () => "日本語".repeat(10), isFree: () => true });
    status.draw();
    status.close();
    expect(written[0]).toBe(`${"日本語".repeat(3)}…`);
    expect(displayWidth(written[0]!)).toBe(19);
  });

  it("makes the names of a script's steps harmless", () => {
    const measures = { usage: { calls: 0, inputTokens: 1, outputTokens: 0, cost: 0.5 }, ended: 0 };
    const monitor = { active: 1, describeActive: () => "a\nb\u001b[2Kc", measures } as unknown as RunMonitor;
    expect(describeStatus(monitor, 0)).toBe("1 running · 0 done · 1 token · $0.5 · 0.0 s · a b␛[2Kc");
  });
});
