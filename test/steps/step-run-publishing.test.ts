import { describe, expect, it } from "vitest";
import { GeppettoError } from "../../src/shared/errors.ts";
import { isTerminal, type StepEvent } from "../../src/shared/step-events.ts";
import { settle } from "../base/settle.ts";
import { expectOneEnd, observe, saying, sourceOf } from "./observe-run.ts";

const never = new Promise<never>(() => {});

describe("a run whose events cannot be handed over", () => {
  /** Refuses as a guest's side does: at once. */
  const refusing =
    (refuses: (event: StepEvent) => boolean) =>
    (event: StepEvent): Promise<void> => {
      if (refuses(event)) throw new GeppettoError("ValidationError", "Cannot copy a function");
      return Promise.resolve();
    };

  it.each(["start", "partial"])("ends with an error where that is its %s", async (refused) => {
    const { run, events } = observe(saying("a"), { publish: refusing(({ type }) => type === refused) });
    await run.execute(() => 1);
    expect(events.at(-1)).toMatchObject({ type: "error", error: "Cannot copy a function" });
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i));
    expect(events.at(-1)!.step.metadata.eventCount).toBe(events.length);
  });

  it("ends with an error where that is its final, for those who read the results, too", async () => {
    const { run, events } = observe(saying("a"), { publish: refusing(({ type }) => type === "final") });
    await run.execute(() => 1);
    expectOneEnd(events);
    expect(events.at(-1)).toMatchObject({ type: "error", code: "ERR_VALIDATION" });
    expect(await run.return()).toMatchObject([{ ok: true }, { ok: false, error: { code: "ERR_VALIDATION" } }]);
    expect(run.signal.aborted).toBe(true);
  });

  /** A step that notes what cannot be handed over. */
  const noting = (end: () => Promise<void>): ReturnType<typeof observe> =>
    observe(
      sourceOf("text", async function* ({ metadata }) {
        metadata["response"] = () => {};
        await end();
        yield "a";
      }),
      { publish: refusing(({ step }) => "response" in step.metadata) },
    );

  it("ends with an error that says so where that is for what the step has noted", async () => {
    const { run, events } = noting(async () => {});
    await run.execute(() => 1);
    expectOneEnd(events);
    expect(events.at(-1)).toMatchObject({ type: "error", error: "Cannot copy a function" });
  });

  it("ends with its own error, or its interrupt, all the same", async () => {
    const failing = noting(() => Promise.reject(new Error("boom")));
    await failing.run.execute(() => 1);
    expect(failing.events.at(-1)).toMatchObject({ type: "error", error: "boom" });
    const { run, types } = noting(() => never);
    const end = run.execute(() => 1);
    await settle();
    run.cancel();
    await end;
    expect(types()).toEqual(["start", "interrupt"]);
  });

  it("ends for those who read its results where nothing can be", async () => {
    const { run, events } = observe(saying("a"), { publish: refusing(() => true) });
    await run.execute(() => 1);
    expect(events).toEqual([]);
    expect(await run.return()).toMatchObject([{ ok: false, error: { message: "Cannot copy a function" } }]);
  });
});

describe("a step that publishes what is the run's to tell, or what nobody knows", () => {
  it.each([
    [{ type: "final", text: "", results: [] }, 'not "final"'],
    [{ type: "error", error: "x" }, 'not "error"'],
    [{ type: "start" }, 'not "start"'],
    [{ type: "toString" }, 'not "toString"'],
    [undefined, 'not "undefined"'],
    [{ type: "partial" }, "Cannot publish a partial event: delta must be a text"],
    [{ type: "tool-call", toolCall: null }, "Cannot publish a tool-call event: toolCall must be an object"],
  ])("is refused: %o", async (emission, message) => {
    const source = sourceOf("single", async function* ({ publish }) {
      await publish(emission as never);
      yield 1;
    });
    const { run, types } = observe(source);
    await run.execute(() => 1);
    expect(types()).toEqual(["start", "error"]);
    expect(await run.return()).toMatchObject([
      { ok: false, error: { name: "ValidationError", message: expect.stringContaining(message) as string } },
    ]);
  });
});

describe("a run whose events are rejected once they are on their way", () => {
  const rejecting =
    (rejects: (event: StepEvent) => boolean) =>
    async (event: StepEvent): Promise<void> => {
      await Promise.resolve();
      if (rejects(event)) throw new Error("lost");
    };

  it("ends with an error where that is a partial", async () => {
    const { run, events, types } = observe(saying("a", "b"), { publish: rejecting(({ type }) => type === "partial") });
    await run.execute(() => 1);
    expect(types()).toEqual(["start", "partial", "error"]);
    expectOneEnd(events);
  });

  it.each([
    ["final", saying("a")],
    ["error", sourceOf("single", () => expect.unreachable("the step fails"))],
  ])("has no second end where that is its %s", async (ending, source) => {
    const { run, events, types } = observe(source, { publish: rejecting(({ type }) => isTerminal(type)) });
    await run.execute(() => 1);
    expectOneEnd(events);
    expect(types().at(-1)).toBe(ending);
    expect((await run.return()).at(-1)).toMatchObject({ ok: ending === "final" });
  });
});
