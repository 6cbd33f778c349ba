import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createDeferred } from "../../src/base/deferred.ts";
import { GeppettoError } from "../../src/shared/errors.ts";
import { isTerminal, type StepEvent } from "../../src/shared/step-events.ts";
import { settle } from "../base/settle.ts";
import { expectOneEnd, hanging, observe, saying, sourceOf } from "./observe-run.ts";

const never = new Promise<never>(() => {});

describe("cancel()", () => {
  it("before the run begins makes it a start and an interrupt, and the input is not read", async () => {
    const { run, types } = observe(saying("a"));
    expect(run.cancel()).toBe(true);
    await run.execute(() => expect.unreachable("the input is read"));
    expect(types()).toEqual(["start", "interrupt"]);
  });

  it("ends a run whose first event finds no room", async () => {
    const { run, types } = observe(saying("a"), {
      publish: ({ type }) => (type === "start" ? never : Promise.resolve()),
    });
    const end = run.execute(() => 1);
    run.cancel();
    await end;
    expect(types()).toEqual(["start", "interrupt"]);
  });

  it("ends a run whose step ignores its signal, and the step is told to return", async () => {
    let isTold = false;
    const deaf = { next: () => never, return: () => ((isTold = true), never) };
    const { run, types } = observe(sourceOf("text", () => ({ [Symbol.asyncIterator]: () => deaf })));
    const end = run.execute(() => 1);
    await settle();
    expect(run.cancel()).toBe(true);
    await end;
    expect(types()).toEqual(["start", "interrupt"]);
    expect(isTold).toBe(true);
  });

  it("makes an interrupt of a run that waits for its last pieces to be delivered", async () => {
    const { run, types } = observe(saying("a"), { delivered: () => never });
    const end = run.execute(() => 1);
    await settle();
    expect(run.cancel()).toBe(true);
    await end;
    expect(types()).toEqual(["start", "partial", "interrupt"]);
  });

  it("says false once the end is decided, and the second time", async () => {
    const room = createDeferred();
    const { run, types } = observe(saying("a"), {
      publish: ({ type }) => (type === "final" ? room.promise : Promise.resolve()),
    });
    const end = run.execute(() => 1);
    await settle();
    expect([types().at(-1), run.cancel()]).toEqual(["final", false]);
    room.resolve();
    await end;
    expect(run.cancel()).toBe(false);
    const other = observe(hanging());
    const otherEnd = other.run.execute(() => 1);
    expect([other.run.cancel(), other.run.cancel()]).toEqual([true, false]);
    await otherEnd;
  });

  it.each([
    [undefined, "abcd"],
    [0, ""],
    [3, "abc"],
    [99, "abcd"],
    [-1, ""],
    [NaN, ""],
  ])("of one who has seen %s characters leaves as much of the text", async (deliveredChars, text) => {
    const { run, events } = observe(hanging("ab", "cd"));
    const end = run.execute(() => 1);
    await settle();
    run.cancel(undefined, deliveredChars);
    await end;
    expect(events.at(-1)).toMatchObject({ type: "interrupt", text });
  });

  it("comes from the run's signal, which is let go of when the run has ended", async () => {
    const controller = new AbortController();
    const { run, types } = observe(saying("a"), { signal: controller.signal });
    await run.execute(() => 1);
    controller.abort(new Error("late"));
    expect([types().at(-1), run.signal.aborted]).toEqual(["final", false]);
  });
});

describe("fail()", () => {
  it("ends the run with its error, whatever the step does", async () => {
    const { run, events } = observe(hanging("a"));
    const end = run.execute(() => 1);
    await settle();
    expect(run.fail(new GeppettoError("TimeoutError", "too slow"))).toBe(true);
    expect([run.fail(new GeppettoError("TimeoutError", "again")), run.cancel()]).toEqual([false, false]);
    await end;
    expect(events.at(-1)).toMatchObject({ type: "error", error: "too slow", code: "ERR_TIMEOUT" });
    expectOneEnd(events);
  });
});

describe("abandon()", () => {
  it("ends a run although nobody ever has room for its last event", async () => {
    const { run, types } = observe(saying("a"), {
      publish: ({ type }) => (isTerminal(type) ? never : Promise.resolve()),
    });
    const end = run.execute(() => 1);
    await settle();
    run.abandon();
    await end;
    expect(types()).toEqual(["start", "partial", "final"]);
    expect(await run.return()).toMatchObject([{ ok: true, value: "a" }]);
  });
});

describe("inherit()", () => {
  const inner = (type: "partial" | "final", metadata: object, engine = "model-1"): StepEvent =>
    ({ type, meta: { messageId: "m", parentId: "p", engine }, step: { metadata } }) as unknown as StepEvent;

  it("adds the usage of runs inside up, and takes their other findings as they are", async () => {
    const { run, events } = observe(
      sourceOf("single", async function* () {
        run.inherit(inner("final", { stepId: "x", usage: { inputTokens: 1 }, stopReason: "length" }));
        run.inherit(inner("final", { stepId: "y", usage: { inputTokens: 2, outputTokens: 4 }, stopReason: "stop" }));
        yield 1;
      }),
    );
    await run.execute(() => 1);
    const { metadata } = events.at(-1)!.step;
    expect(metadata).toMatchObject({ stepId: "run-1", usage: { inputTokens: 3, outputTokens: 4 }, stopReason: "stop" });
  });

  it("takes the message of a run inside over until there is text of its own", async () => {
    const { run, events } = observe(
      sourceOf("text", async function* ({ publish }) {
        run.inherit(inner("partial", {}));
        await publish({ type: "partial", delta: "a" });
        run.inherit(inner("partial", {}, "model-2"));
        yield "a";
      }),
    );
    await run.execute(() => 1);
    expect(events.map(({ meta }) => meta.engine)).toEqual(["", "model-1", "model-1"]);
  });

  it("changes nothing once the run has ended", async () => {
    const { run } = observe(saying("a"));
    await run.execute(() => 1);
    const before = run.getMetadata();
    run.inherit(inner("final", { stopReason: "late" }));
    expect(run.getMetadata()).toEqual(before);
  });
});

describe("callGuest()", () => {
  it("is refused where the run has no functions", async () => {
    const { run, events } = observe(
      sourceOf("single", async function* ({ callGuest }) {
        yield await callGuest("tool clock", {});
      }),
    );
    await run.execute(() => 1);
    expect(events.at(-1)).toMatchObject({ error: 'Cannot call "tool clock": the run has no such function' });
  });
});

describe("a step run", () => {
  const action = fc.constantFrom("partial", "tool", "result", "wait");
  const trouble = fc.record({
    kind: fc.constantFrom("text" as const, "list" as const, "single" as const),
    actions: fc.array(action, { maxLength: 6 }),
    ending: fc.constantFrom("return", "throw", "hang"),
    /** Microtasks until somebody ends it; none does where there are none. */
    after: fc.option(fc.nat(60), { nil: undefined }),
    how: fc.constantFrom("cancel", "fail", "abandon"),
    /** The event that is refused, or rejected. */
    lost: fc.option(fc.nat(5), { nil: undefined }),
    rejects: fc.boolean(),
    /** From that many characters on there is no room. */
    most: fc.nat(12),
  });

  it("ends once, whatever happens, and its results say how", () =>
    fc.assert(
      fc.asyncProperty(trouble, async ({ kind, actions, ending, after, how, lost, rejects, most }) => {
        let count = 0;
        let reserved = 0;
        const source = sourceOf(kind, async function* ({ publish }) {
          for (const each of actions) {
            if (each === "partial") await publish({ type: "partial", delta: "ab" });
            else if (each === "tool") await publish({ type: "tool-call", toolCall: { id: "1", name: "x", input: {} } });
            else if (each === "result") yield "cd";
            else await Promise.resolve();
          }
          if (ending === "throw") throw new Error("boom");
          if (ending === "hang") await never;
        });
        const { run, events } = observe(source, {
          publish() {
            if (count++ !== lost) return Promise.resolve();
            if (rejects) return Promise.reject(new Error("rejected"));
            throw new Error("refused");
          },
          reserve(chars) {
            if ((reserved += chars) > most) throw new Error("too much");
          },
        });
        const stop = async (ticks: number): Promise<void> => {
          for (let i = 0; i < ticks; i++) await Promise.resolve();
          if (how === "cancel") run.cancel();
          else if (how === "fail") run.fail(new GeppettoError("TimeoutError", "too slow"));
          else run.abandon();
        };
        const stopped = after === undefined && ending !== "hang" ? undefined : stop(after ?? 60);
        await run.execute(() => 1);
        await stopped;
        await settle();
        expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i));
        expect(events.filter(({ type }) => isTerminal(type))).toEqual([events.at(-1)]);
        const results = await run.return();
        const isFinal = events.at(-1)!.type === "final";
        expect(results.filter(({ ok }) => !ok)).toHaveLength(isFinal ? 0 : 1);
        expect(results.at(-1)?.ok ?? true).toBe(isFinal);
      }),
      { numRuns: 200 },
    ));
});
