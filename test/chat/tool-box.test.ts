import { describe, expect, it } from "vitest";
import { createDeferred, type Deferred } from "../../src/base/deferred.ts";
import type { ToolCallChunk, ToolDefinition } from "../../src/providers/chat-provider.ts";
import type { HostTool } from "../../src/steps/chat-tool.ts";
import { ToolBox, type ToolBoxOptions } from "../../src/steps/chat-tools.ts";
import type { ToolOutcome } from "../../src/steps/tool-outcome.ts";
import { GuestFailure } from "../../src/steps/guest-failure.ts";
import type { StepContext, StepEmission } from "../../src/steps/step.ts";
import { settle } from "../base/settle.ts";

const CITY = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

/** A run with the tools of a host and of a script. */
class BoxFixture {
  readonly published: StepEmission[] = [];
  readonly controller: AbortController = new AbortController();
  readonly #box: ToolBox;
  /** What the script answers when the run calls one of its tools. */
  callGuest: StepContext["callGuest"] = async (name, args) => ({ name, args });

  private constructor(box: ToolBox) {
    this.#box = box;
  }

  static async create(hostTools: Record<string, HostTool>, options: Partial<ToolBoxOptions> = {}): Promise<BoxFixture> {
    const tools = options.tools ?? Object.keys(hostTools);
    const box = await ToolBox.create({
      owner: {},
      signal: new AbortController().signal,
      runnable: new Set(),
      hostTools: new Map(Object.entries(hostTools)),
      timeoutMs: 60_000,
      ...options,
      tools,
    });
    return new BoxFixture(box);
  }

  run(...calls: ToolCallChunk[]): Promise<ToolOutcome[]> {
    const context: StepContext = {
      runId: "run-1",
      signal: this.controller.signal,
      metadata: { stepId: "run-1", type: "chat", inputType: "any", outputType: "any", startedAt: 0 },
      meta: { messageId: "run-1", parentId: "", engine: "" },
      publish: async (emission) => void this.published.push(emission),
      reserve() {},
      callGuest: (name, args) => this.callGuest(name, args),
    };
    return this.#box.run(calls, context);
  }

  get box(): ToolBox {
    return this.#box;
  }
}

let count = 0;

function callOf(name: string, input: Record<string, unknown> = {}, inputError?: string): ToolCallChunk {
  const toolCall = { id: `call ${++count}`, name, input };
  return { type: "tool-call", toolCall, ...(inputError === undefined ? {} : { inputError }) };
}

const failure = (reason: string): ToolOutcome => ({
  result: `Error: ${reason}`,
  text: `Error: ${reason}`,
  isError: true,
});

/** Of a tool that was called. */
const toolFailure = (reason: string): ToolOutcome => ({ ...failure(reason), cause: expect.anything() });

describe("the tools of a run", () => {
  const clock: HostTool = { description: "The time", run: () => "noon" };
  const mine: ToolDefinition = { name: "mine", description: "Mine", input: CITY, timeoutMs: 5 };
  const open: ToolDefinition = { name: "open", input: CITY };

  it("are those of the host by their names and those of the script, without what the model need not know", async () => {
    const { box } = await BoxFixture.create({ clock }, { tools: ["clock", mine], runnable: new Set(["mine"]) });
    expect(box.definitions).toEqual([
      { name: "clock", description: "The time", input: { type: "object", properties: {} } },
      { name: "mine", description: "Mine", input: CITY },
    ]);
    expect([box.has("clock"), box.has("mine"), box.has("toString")]).toEqual([true, true, false]);
  });

  it("are open where the script says no function for them", async () => {
    const { box } = await BoxFixture.create({ clock }, { tools: ["clock", mine, open], runnable: new Set(["mine"]) });
    expect(["clock", "mine", "open", "unknown"].map((name) => box.isOpen(name))).toEqual([false, false, true, false]);
  });

  it.each<[string, ToolBoxOptions["tools"], string]>([
    ["the host does not have", ["watch"], 'Cannot offer the tool "watch": the host has clock'],
    [
      "has the name of another",
      ["clock", { ...mine, name: "clock" }],
      'Cannot offer the tool "clock": two tools have this name',
    ],
    ["has no schema", [{ ...mine, input: { type: "nonsense" } }], 'Cannot use the input schema of tool "mine": '],
  ])("refuse one that %s", async (_, tools, message) => {
    await expect(BoxFixture.create({ clock }, { tools })).rejects.toMatchObject({
      name: "ValidationError",
      message: expect.stringContaining(message),
    });
  });

  it("say so where the host has none", async () => {
    await expect(BoxFixture.create({}, { tools: ["watch"] })).rejects.toThrow(
      'Cannot offer the tool "watch": the host has no tools',
    );
  });
});

describe("a call", () => {
  it("of a host's tool gives its value as plain data, which is published", async () => {
    const fixture = await BoxFixture.create({ when: { run: () => ({ at: new Date(0), f: () => 1 }) } });
    const call = callOf("when");
    const result = { at: "1970-01-01T00:00:00.000Z" };
    expect(await fixture.run(call)).toEqual([{ result, text: JSON.stringify(result), isError: false }]);
    expect(fixture.published).toEqual([{ type: "tool-result", toolResult: { id: call.toolCall.id, result } }]);
  });

  it("of a host's tool that gives nothing has nothing to tell", async () => {
    const fixture = await BoxFixture.create({ nothing: { run() {} } });
    expect(await fixture.run(callOf("nothing"))).toEqual([{ result: undefined, text: "", isError: false }]);
  });

  it("of a script's tool is made in the guest, under the tool's name, with its time", async () => {
    const tools = [{ name: "mine", input: CITY, timeoutMs: 7000 }];
    const fixture = await BoxFixture.create({}, { tools, runnable: new Set(["mine"]) });
    const input = { city: "Oslo" };
    const [outcome] = await fixture.run(callOf("mine", input));
    expect(outcome!.result).toEqual({ name: "tool mine", args: { input, timeoutMs: 7000 } });
  });

  it("leaves what the model asked for as it was, whatever tool and approval do to their copies", async () => {
    const seen: unknown[] = [];
    const spoil: HostTool = {
      run(input) {
        seen.push(structuredClone(input));
        return delete input["city"];
      },
    };
    const onApprove: ToolBoxOptions["onApprove"] = ({ input }) => delete input["city"];
    const fixture = await BoxFixture.create({ spoil }, { onApprove });
    const call = callOf("spoil", { city: "Oslo" });
    await fixture.run(call);
    expect([call.toolCall.input, ...seen]).toEqual([{ city: "Oslo" }, { city: "Oslo" }]);
  });

  it.each<[string, ToolCallChunk, string]>([
    ["of an unknown tool", callOf("watch"), 'there is no tool "watch", the tools are weather'],
    ["whose input is no JSON", callOf("weather", {}, "it is not JSON"), "the input does not fit: it is not JSON"],
    [
      "whose input does not fit",
      callOf("weather", { city: 7 }),
      "the input does not fit: input.city: expected a string, found 7",
    ],
  ])("%s is told to the model, and made of nothing", async (_, call, reason) => {
    let hasRun = false;
    const weather: HostTool = { input: CITY, run: () => (hasRun = true) };
    const fixture = await BoxFixture.create({ weather });
    const [outcome] = await fixture.run(call);
    expect(outcome).toEqual(failure(reason));
    expect(hasRun).toBe(false);
    expect(fixture.published).toMatchObject([{ toolResult: { isError: true } }]);
  });

  it.each<[string, HostTool["run"], string]>([
    [
      "throws",
      () => {
        throw new Error("it sank");
      },
      "it sank",
    ],
    ["rejects", () => Promise.reject(new TypeError("it sank")), "it sank"],
    ["rejects with a text", () => Promise.reject("it sank"), "it sank"],
  ])("of a tool that %s is told to the model", async (_, run, reason) => {
    const fixture = await BoxFixture.create({ broken: { run } });
    expect(await fixture.run(callOf("broken"))).toEqual([toolFailure(reason)]);
  });

  it("is told to the model where the tool takes too long, and its signal says so", async () => {
    let signal!: AbortSignal;
    const run: HostTool["run"] = (_, context) => ((signal = context.signal), new Promise(() => {}));
    const fixture = await BoxFixture.create({ slow: { timeoutMs: 1, run } });
    expect(await fixture.run(callOf("slow"))).toEqual([toolFailure("the tool did not answer within 1 ms")]);
    expect(signal.aborted).toBe(true);
  });

  it("may take longer than a timer can measure", async () => {
    const run = (): Promise<string> => new Promise((resolve) => setTimeout(resolve, 20, "done"));
    const fixture = await BoxFixture.create({ patient: { timeoutMs: 2 ** 40, run } });
    expect(await fixture.run(callOf("patient"))).toMatchObject([{ result: "done" }]);
  });

  it("that a script cannot wait for is the script's mistake, and the model is not told", async () => {
    const tools = [{ name: "mine", input: { type: "object" } }];
    const fixture = await BoxFixture.create({}, { tools, runnable: new Set(["mine"]) });
    fixture.callGuest = () => {
      throw new GuestFailure({ name: "StepError", message: "use startAsync", code: "ERR_STEP_ASYNC" });
    };
    await expect(fixture.run(callOf("mine"))).rejects.toThrow("use startAsync");
    fixture.callGuest = () => Promise.reject(new GuestFailure({ name: "Error", message: "it sank" }));
    expect(await fixture.run(callOf("mine"))).toEqual([toolFailure("it sank")]);
  });
});

describe("the calls of one round", () => {
  it("are all under way at once, and their results are published in the order of the calls", async () => {
    const first = createDeferred<string>();
    const began: string[] = [];
    const fixture = await BoxFixture.create({
      first: { run: () => (began.push("first"), first.promise) },
      second: { run: () => (began.push("second"), "second") },
    });
    const outcomes = fixture.run(callOf("first"), callOf("second"));
    await expect.poll(() => began).toEqual(["first", "second"]);
    await settle();
    expect(fixture.published).toEqual([]);
    first.resolve("first");
    expect((await outcomes).map(({ result }) => result)).toEqual(["first", "second"]);
    expect(fixture.published).toMatchObject([
      { toolResult: { result: "first" } },
      { toolResult: { result: "second" } },
    ]);
  });

  it("are approved one at a time; one that is refused keeps none of the others", async () => {
    const asked: { name: string; answer: Deferred<boolean> }[] = [];
    const onApprove: ToolBoxOptions["onApprove"] = ({ name }) => {
      const answer = createDeferred<boolean>();
      asked.push({ name, answer });
      return answer.promise;
    };
    const made: string[] = [];
    const tool = (name: string): HostTool => ({ run: () => (made.push(name), name) });
    const fixture = await BoxFixture.create({ a: tool("a"), b: tool("b"), c: tool("c") }, { onApprove });
    const outcomes = fixture.run(callOf("a"), callOf("b"), callOf("c"));
    const answers: ((answer: Deferred<boolean>) => void)[] = [
      ({ resolve }) => resolve(false),
      ({ reject }) => reject(new Error("gone")),
      ({ resolve }) => resolve(true),
    ];
    for (const [index, answer] of answers.entries()) {
      await expect.poll(() => asked.length).toBe(index + 1);
      answer(asked[index]!.answer);
    }
    expect(await outcomes).toEqual([
      failure("the call was not approved"),
      failure("the call was not approved: asking for approval failed"),
      { result: "c", text: "c", isError: false },
    ]);
    expect([asked.map(({ name }) => name), made]).toEqual([["a", "b", "c"], ["c"]]);
  });

  it("end with the reason of an abort, whether approval or tool is under way, and publish no more", async () => {
    const began = createDeferred();
    const wait = (): Promise<never> => {
      began.resolve();
      return new Promise(() => {});
    };
    for (const [run, onApprove] of [
      [wait, undefined],
      [() => expect.unreachable("the call is made"), wait],
    ] as const) {
      const fixture = await BoxFixture.create({ slow: { run } }, { onApprove });
      const outcomes = fixture.run(callOf("slow"), callOf("slow"));
      await began.promise;
      await settle();
      fixture.controller.abort(new Error("enough"));
      await expect(outcomes).rejects.toThrow("enough");
      expect(fixture.published).toEqual([]);
    }
  });
});
