import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { defineStep, RuntimeEngine, setupDefaults, type ScriptOutcome } from "../../src/index.ts";
import { ProcessRealm } from "../../src/sandbox/process-realm.ts";
import type { HostBridge } from "../../src/sandbox/realm.ts";
import { encodeValue } from "../../src/shared/codec.ts";
import { Output } from "../engine/engine-harness.ts";
import { heldMB } from "../machine/parent-load.ts";
import { patience } from "../machine/patience.ts";

const LIMITS = { timers: 100, runs: 20, ops: 20, resultBytes: 32e6, wallMs: patience(3000) };

/** Streams as fast as somebody takes it. */
const stream = defineStep({
  name: "stream",
  kind: "text",
  async *run(_, { publish, signal }) {
    while (!signal.aborted) await publish({ type: "partial", delta: "x".repeat(100) });
    yield "over";
  },
});

function idOf(count: number): string {
  return `00000000-0000-4000-8000-${count.toString(16).padStart(12, "0")}`;
}

/** Says what a guest would say that speaks for itself, while its script keeps it in a turn that does not end. */
async function breakOut(
  say: (note: (op: string, args: unknown, callId?: number) => void, round: number) => void,
): Promise<{ outcome: ScriptOutcome; addedMB: number }> {
  const { create } = ProcessRealm;
  let bridge: HostBridge | undefined;
  const spy = vi.spyOn(ProcessRealm, "create").mockImplementation((given, ...rest) => {
    bridge = given;
    return create(given, ...rest);
  });
  await using engine = new RuntimeEngine({
    console: new Output(),
    logger: { warn() {}, error() {} },
    limits: LIMITS,
    setup: [setupDefaults(), (vm) => vm.registerStep("stream", stream)],
  });
  await engine.start();
  spy.mockRestore();
  let outcome: ScriptOutcome | undefined;
  const running = engine.runScript({ code: "console.log('begun'); for (;;);" }).then((ended) => (outcome = ended));
  await expect.poll(() => engine.stats().turns).toBeGreaterThan(0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const before = heldMB();
  let rounds = 0;
  let most = 0;
  const note = (op: string, args: unknown, callId?: number): void =>
    bridge!.note(encodeValue([1, op, args, ...(callId === undefined ? [] : [callId])]));
  for (; outcome === undefined; rounds++) {
    say(note, rounds);
    if (rounds % 50 === 0) most = Math.max(most, heldMB() - before);
    await nextTurn();
  }
  await running;
  return { outcome, addedMB: most };
}

describe("a guest that speaks for itself", () => {
  it("is ended when it starts calls without taking what came of them", async () => {
    let id = 0;
    const { outcome, addedMB } = await breakOut((note) => {
      for (let i = 0; i < 10; i++) note("embedding_generate", { texts: [] }, ++id);
    });
    expect(outcome).toMatchObject({ end: "crashed", error: { code: "ERR_ENGINE_CRASHED", fromHost: true } });
    expect(id).toBeLessThan(500);
    expect(addedMB).toBeLessThan(64);
  });

  it("is ended when it starts timers without end", async () => {
    for (const kind of ["immediate", "timeout", "interval"]) {
      let id = 0;
      const { outcome } = await breakOut((note) => {
        for (let i = 0; i < 10; i++) note("timer_start", { id: ++id, ms: 1, kind });
      });
      expect(outcome).toMatchObject({ end: "limit", error: { code: "ERR_LIMIT_TIMERS", fromHost: true } });
      expect(id).toBeLessThan(1000);
    }
  });

  it("is ended when it starts more runs than it may", async () => {
    let count = 0;
    const { outcome } = await breakOut((note) => {
      for (let i = 0; i < 10; i++) note("run_start", { id: idOf(++count), step: "stream", delivery: "pulled_events" });
    });
    expect(outcome).toMatchObject({ end: "limit", error: { code: "ERR_LIMIT_RUNS", fromHost: true } });
    expect(count).toBeLessThan(200);
  });

  it("gains no more than it may hold by acks of events that it has not got", async () => {
    const { outcome, addedMB } = await breakOut((note, round) => {
      if (round === 0) note("run_start", { id: idOf(1), step: "stream", delivery: "pulled_events" });
      for (const count of [64, -5, 1e9, Number.NaN, 0.5]) note("run_ack", { id: idOf(1), count });
    });
    expect(outcome.ok).toBe(false);
    expect(addedMB).toBeLessThan(64);
  });

  it("fails its own run when it hands out results without credit", async () => {
    const { outcome, addedMB } = await breakOut((note, round) => {
      if (round === 0)
        note("run_start", { id: idOf(1), step: "guest", delivery: "last_event", info: { kind: "list" } });
      const value = Array.from({ length: 1000 }, () => []);
      for (let i = 0; i < 100; i++) note("run_yield", { id: idOf(1), value });
    });
    expect(outcome).toMatchObject({ end: "limit", error: { code: "ERR_LIMIT_WALL" } });
    expect(addedMB).toBeLessThan(64);
  });

  it("gains nothing by answers, resumptions and aborts of what is not under way", async () => {
    const { outcome } = await breakOut((note, round) => {
      // The one thing that it may say.
      if (round > 300) note("script_exit", { code: 3 });
      for (const callId of [0, -1, 1, Number.NaN, "1", { valueOf: 1 }, null]) {
        note("run_answer", { id: idOf(1), callId, value: 1 });
        note("op_abort", { callId });
        note("timer_clear", { id: callId });
        note("check_settle", { id: callId, value: 1 });
      }
      for (const id of [null, {}, [], idOf(2), { toString: 1 }]) {
        note("run_ack", { id, count: 1 });
        note("run_cancel", { id });
        note("run_yield", { id, value: 1 });
        note("run_start", { id, step: "stream", delivery: "x" });
      }
    });
    expect(outcome).toMatchObject({ end: "exit", exitCode: 3 });
  });
});
