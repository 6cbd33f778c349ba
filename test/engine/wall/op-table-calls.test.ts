import { describe, expect, it } from "vitest";
import { createDeferred } from "../../../src/base/deferred.ts";
import { settle } from "../../base/settle.ts";
import { frameOf, OpTableFixture } from "./op-table-fixture.ts";

const never = new Promise<never>(() => {});

describe("pending calls", () => {
  it("hold the script and the characters of their arguments until they have settled", async () => {
    const ops = new OpTableFixture();
    const answer = createDeferred<number>();
    ops.serve("later", "async", () => answer.promise);
    ops.call("later", {}, 1);
    expect([ops.ledger.idle, ops.ledger.count("op"), ops.table.pending]).toEqual([false, 1, 1]);
    expect(ops.ledger.chars).toBe(frameOf("later", {}, 1).length);
    answer.resolve(1);
    await settle();
    expect([ops.ledger.idle, ops.ledger.chars, ops.table.pending]).toEqual([true, 0, 0]);
  });

  it.each(["call", "note"] as const)("are at most so many, of so many characters, begun by a %s", async (way) => {
    const ops = new OpTableFixture();
    let count = 0;
    ops.serve("later", "async", () => (count++, never));
    ops[way]("later", "x".repeat(999), 9);
    for (const id of [1, 2, 3, 4]) ops[way]("later", {}, id);
    expect([count, ops.table.pending]).toEqual([3, 3]);
    expect(ops.settled).toMatchObject([
      [9, { error: { message: "too many characters" } }],
      [4, { error: { name: "LimitError", message: "too many calls" } }],
    ]);
    expect(ops.errors).toHaveLength(2);
  });

  it("have an id each: a second one is not served, and does not end the first", async () => {
    const ops = new OpTableFixture();
    const answer = createDeferred<string>();
    let count = 0;
    ops.serve("later", "async", () => (count++, answer.promise));
    for (const _ of [1, 2]) ops.call("later", {}, 1);
    expect(ops.errors).toMatchObject([{ message: "Cannot start call 1: it is pending already" }]);
    answer.resolve("first");
    await settle();
    expect([count, ops.settled]).toEqual([1, [[1, { ok: true, value: "first" }]]]);
  });

  it("that the guest aborts settle no more, whatever their handlers do, and nobody hears of their failure", async () => {
    const ops = new OpTableFixture();
    const reasons: unknown[] = [];
    ops.serve("deaf", "async", () => never);
    ops.serve("polite", "async", (_, { signal }) => {
      return new Promise((__, reject) => {
        signal.addEventListener("abort", () => {
          reasons.push(signal.reason);
          reject(signal.reason);
        });
      });
    });
    ops.call("deaf", {}, 1);
    ops.call("polite", {}, 2);
    for (const callId of [1, 2, 99, "2"]) expect(ops.call("op_abort", { callId })).toMatchObject({ ok: true });
    await settle();
    expect(reasons).toMatchObject([{ name: "AbortError", message: "The script aborted the call" }]);
    expect([ops.settled, ops.errors]).toEqual([[], []]);
    expect([ops.ledger.idle, ops.ledger.chars, ops.table.pending]).toEqual([true, 0, 0]);
  });

  it("under an id that was used before are counted and aborted like others", async () => {
    const ops = new OpTableFixture();
    const signals: AbortSignal[] = [];
    ops.serve("deaf", "async", (_, { signal }) => (signals.push(signal), never));
    ops.call("deaf", {}, 1);
    ops.call("op_abort", { callId: 1 });
    ops.call("deaf", {}, 1);
    await settle();
    expect(ops.table.pending).toBe(1);
    ops.call("op_abort", { callId: 1 });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });

  it("are all aborted by abortAll(); a guest that waits is told", async () => {
    const ops = new OpTableFixture();
    const signals: AbortSignal[] = [];
    ops.serve("deaf", "async", (_, { signal }) => (signals.push(signal), never));
    ops.call("deaf", {}, 1);
    const waiting = ops.callBlocking("deaf");
    const reason = new Error("over");
    ops.table.abortAll(reason);
    expect(await waiting).toMatchObject({ ok: false, error: { name: "AbortError", code: "ERR_ABORTED" } });
    expect(signals.map((signal) => signal.reason as unknown)).toEqual([reason, reason]);
    await settle();
    expect([ops.settled, ops.table.pending, ops.ledger.idle]).toEqual([[], 0, true]);
  });
});

describe("a table that does not accept calls", () => {
  it("ignores all but pure ones", async () => {
    const ops = new OpTableFixture();
    const served: string[] = [];
    for (const effect of ["effect", "reads", "pure"] as const) {
      ops.serve(`${effect} sync`, "sync", () => served.push(effect), effect);
      ops.serve(`${effect} async`, "async", () => served.push(effect), effect);
    }
    ops.table.accepting = false;
    for (const effect of ["effect", "reads"]) {
      expect(ops.call(`${effect} sync`)).toEqual({ ok: true });
      expect(ops.call(`${effect} async`, {}, 1)).toEqual({ ok: true });
      expect(await ops.callBlocking(`${effect} async`)).toEqual({ ok: true });
      ops.note(`${effect} sync`);
    }
    expect(served).toEqual([]);
    ops.call("pure sync");
    ops.note("pure sync");
    ops.call("pure async", {}, 1);
    await ops.callBlocking("pure async");
    expect(served).toEqual(["pure", "pure", "pure", "pure"]);
    ops.table.accepting = true;
    ops.call("effect sync");
    expect(served.at(-1)).toBe("effect");
  });
});
