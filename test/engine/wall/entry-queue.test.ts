import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createDeferred } from "../../../src/base/deferred.ts";
import { FRAMES } from "../../../src/shared/contract/frame-kinds.ts";
import type { RealmFailure } from "../../../src/sandbox/realm.ts";
import { settle } from "../../base/settle.ts";
import { QueueFixture } from "./fake-realm.ts";

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Notes what a promise has come to, once it has. */
function watch<T>(promise: Promise<T>): { value?: T } {
  const seen: { value?: T } = {};
  void promise.then((value) => (seen.value = value));
  return seen;
}

describe("enter()", () => {
  it("delivers an entry of its kind, with what belongs to it, and resolves when its turn is over", async () => {
    const { queue, realm } = new QueueFixture();
    const over = watch(queue.enter(FRAMES.global_set, "vector", new Float32Array([1, 2])));
    const [turn] = realm.turns;
    expect(turn!.entry).toEqual([1, FRAMES.global_set.name, "vector", new Float32Array([1, 2])]);
    await settle();
    expect(over).toEqual({});
    turn!.end();
    await settle();
    expect(over).toEqual({ value: true });
  });

  it("throws at once for what cannot cross, and holds nothing", () => {
    const { queue, ledger, realm } = new QueueFixture();
    expect(() => queue.enter(FRAMES.global_set, "f", () => {})).toThrow("Cannot copy a function");
    expect([ledger.idle, realm.entries]).toEqual([true, []]);
  });

  it("holds the script until the turn is over", async () => {
    const fixture = new QueueFixture();
    const over = fixture.enter(1);
    expect([fixture.ledger.idle, fixture.ledger.count("turn")]).toEqual([false, 1]);
    fixture.realm.turns[0]!.end();
    await over;
    await settle();
    expect([fixture.ledger.idle, fixture.queue.turns, fixture.queue.underWay]).toEqual([true, 1, 0]);
  });

  it("gives each turn the time that is left when it begins", async () => {
    const fixture = new QueueFixture();
    void fixture.enter(1);
    fixture.timeoutMs = 50;
    void fixture.enter(2);
    expect(fixture.realm.turns.map(({ options }) => options)).toEqual([{}, { timeoutMs: 50 }]);
  });

  it("resolves with false where the turn failed, and the failure is told before", async () => {
    const fixture = new QueueFixture();
    const failure: RealmFailure = { kind: "timeout" };
    const over = fixture.enter(1).then((delivered) => [delivered, ...fixture.failures]);
    const next = fixture.enter(2);
    fixture.realm.turns[0]!.end(failure);
    expect(await over).toEqual([false, failure]);
    fixture.realm.turns[0]!.end();
    expect(await next).toBe(true);
  });

  it("lets 64 entries be under way at a time, and the next go in when one is over", async () => {
    const fixture = new QueueFixture();
    for (const id of range(70)) void fixture.enter(id);
    expect(fixture.entered).toEqual(range(64));
    fixture.realm.turns[0]!.end();
    await settle();
    expect(fixture.entered).toEqual(range(65));
    expect(fixture.queue.underWay).toBe(64);
  });

  it("keeps the order and the window, whenever turns end", () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(fc.constant("enter"), fc.nat(63)), { maxLength: 200 }), async (acts) => {
        const fixture = new QueueFixture();
        const { turns } = fixture.realm;
        let count = 0;
        const over: Promise<boolean>[] = [];
        for (const act of acts) {
          if (act === "enter") over.push(fixture.enter(count++));
          else {
            turns[act % turns.length]?.end();
            await Promise.resolve();
          }
          expect(turns.length).toBeLessThanOrEqual(64);
        }
        while (turns.length > 0) {
          turns[0]!.end();
          await settle();
        }
        expect(fixture.entered).toEqual(range(count));
        expect(await Promise.all(over)).toEqual(range(count).map(() => true));
        expect([fixture.queue.turns, fixture.ledger.idle]).toEqual([count, true]);
      }),
      { numRuns: 30 },
    ));
});

describe("clear()", () => {
  it("withdraws what has not gone in yet, and lets what is under way end", async () => {
    const fixture = new QueueFixture();
    const seen = range(66).map((id) => watch(fixture.enter(id)));
    fixture.queue.clear();
    await settle();
    expect(seen.slice(63)).toEqual([{}, { value: false }, { value: false }]);
    expect([fixture.queue.underWay, fixture.ledger.idle]).toEqual([64, false]);
    for (const turn of fixture.realm.turns.slice()) turn.end();
    await settle();
    expect(seen[63]).toEqual({ value: true });
    expect(fixture.entered).toEqual(range(64));
    expect(fixture.ledger.idle).toBe(true);
  });

  it("leaves the queue usable", async () => {
    const fixture = new QueueFixture();
    fixture.queue.clear();
    const over = fixture.enter(1);
    fixture.realm.turns[0]!.end();
    expect(await over).toBe(true);
  });
});

describe("track()", () => {
  it("counts something as a turn that holds the script until it has been heard how it ended", async () => {
    const { queue, ledger } = new QueueFixture();
    const ended = createDeferred<RealmFailure | undefined>();
    const heard: unknown[] = [];
    const over = queue.track(
      () => ended.promise,
      (failure) => heard.push(failure, ledger.idle),
    );
    expect([queue.underWay, ledger.idle]).toEqual([1, false]);
    ended.resolve({ kind: "memory" });
    await over;
    expect(heard).toEqual([{ kind: "memory" }, false]);
    expect([queue.underWay, queue.turns, ledger.idle]).toEqual([0, 1, true]);
  });

  it("takes one of the 64 places", async () => {
    const fixture = new QueueFixture();
    const ended = createDeferred<undefined>();
    const over = fixture.queue.track(
      () => ended.promise,
      () => {},
    );
    for (const id of range(64)) void fixture.enter(id);
    expect(fixture.entered).toHaveLength(63);
    ended.resolve(undefined);
    await over;
    expect(fixture.entered).toHaveLength(64);
  });
});

describe("quiet()", () => {
  it("resolves when no turn is under way", async () => {
    const fixture = new QueueFixture();
    const isQuiet = watch(fixture.queue.quiet(10));
    void fixture.enter(1);
    await settle();
    expect(isQuiet).toEqual({});
    fixture.realm.turns[0]!.end();
    await settle();
    await settle();
    expect("value" in isQuiet).toBe(true);
  });

  it("waits for the turns that follow from the last one", async () => {
    const fixture = new QueueFixture();
    void fixture.enter(1).then(() => fixture.enter(2));
    const isQuiet = watch(fixture.queue.quiet(10));
    await settle();
    fixture.realm.turns[0]!.end();
    await settle();
    await settle();
    expect([fixture.entered, isQuiet]).toEqual([[1, 2], {}]);
    fixture.realm.turns[0]!.end();
    await settle();
    await settle();
    expect("value" in isQuiet).toBe(true);
  });

  it("does not wait for more turns than it is told to", async () => {
    const fixture = new QueueFixture();
    for (const id of range(5)) void fixture.enter(id);
    const isQuiet = watch(fixture.queue.quiet(2));
    await settle();
    for (const _ of range(2)) {
      expect(isQuiet).toEqual({});
      fixture.realm.turns[0]!.end();
      await settle();
    }
    await settle();
    expect("value" in isQuiet).toBe(true);
    expect(fixture.queue.underWay).toBe(3);
  });
});
