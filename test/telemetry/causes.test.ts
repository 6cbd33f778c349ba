import { describe, expect, it } from "vitest";
import { withTelemetry, currentSpan, type Telemetry, type TraceSpan } from "../../src/base/telemetry/trace.ts";
import { describeDifference } from "../../src/engine/journal/compare-messages.ts";
import { Ledger } from "../../src/engine/ledger.ts";
import { OpTable } from "../../src/engine/op-table.ts";
import { appOp } from "../../src/shared/contract/op.ts";

const telemetry = { contents: false, start: () => spanOf("own"), measure: () => {} } satisfies Telemetry;

function spanOf(name: string): TraceSpan & { spanName: string } {
  const span: TraceSpan & { spanName: string } = {
    spanName: name,
    set: () => {},
    end: () => {},
    run: (fn) => withTelemetry(telemetry, span, fn),
    headers: () => ({}),
  };
  return span;
}

function createTable(isTraced: boolean, asked: string[] = []): OpTable {
  const table = new OpTable({
    ledger: new Ledger(),
    maxPending: 10,
    onTooMany: () => new Error("too many") as never,
    checkRoom: () => {},
    onBroken: () => {},
    onUnreadable: () => {},
    settle: () => {},
    onError: () => {},
    findSpan: isTraced
      ? (cause) => {
          asked.push(cause);
          return cause === "run/1" ? spanOf(cause) : undefined;
        }
      : undefined,
  });
  table.set(appOp("where", "sync"), () => (currentSpan() as { spanName?: string } | undefined)?.spanName ?? "nowhere");
  return table;
}

describe("what a guest says that it calls for", () => {
  it("is a span of its own runs, or else nothing", () => {
    const asked: string[] = [];
    const table = createTable(true, asked);
    const ask = (cause: unknown): unknown => JSON.parse(table.call(JSON.stringify([1, "app.where", [], null, cause])));
    expect(ask("run/1")).toEqual({ ok: true, value: "own" });
    for (const cause of ["another's/7", "", "__proto__", 5, {}, ["run/1"], null, "x".repeat(1_000_000)]) {
      expect(ask(cause)).toEqual({ ok: true, value: "nowhere" });
    }
    expect(asked.every((cause) => cause.length <= 80)).toBe(true);
  });

  it("is not even looked at where nobody hears of it", () => {
    const table = createTable(false);
    expect(JSON.parse(table.call('[1,"app.where",[],null,"run/1"]'))).toEqual({ ok: true, value: "nowhere" });
    expect(JSON.parse(table.call('[1,"app.where",[],null]'))).toMatchObject({ ok: false });
    expect(JSON.parse(table.call('[1,"app.where",[],null,"a","b"]'))).toMatchObject({ ok: false });
  });

  it("makes no difference to a replay", () => {
    expect(describeDifference('[1,"app.a",[1]]', '[1,"app.a",[1],null,"run/1"]')).toBeUndefined();
    expect(describeDifference('[1,"app.a",[1],7,"run/1"]', '[1,"app.a",[1],7]')).toBeUndefined();
    expect(describeDifference('[1,"app.a",[1],7,"run/1"]', '[1,"app.a",[2],7,"run/1"]')).toMatch(/app\.a/);
  });
});
