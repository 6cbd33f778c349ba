import { describe, expect, it } from "vitest";
import {
  endOfStreamElement,
  endOfTurnElement,
  MemoryStateStore,
  messageElement,
  PipelineBuilder,
  promptAssembly,
  provider,
  stateStoreLoad,
  stateStoreSave,
  type StateStore,
  type StreamElement,
  textElement,
} from "../../../src/pipeline/index.ts";
import { ScriptedChat } from "../../../src/providers/embedded/scripted-chat.ts";
import { inWords, messageInWords, runStages } from "./run-stages.ts";

const user = (text: string, metadata: Record<string, unknown> = {}): StreamElement =>
  messageElement({ role: "user", text }, { metadata });
const stored = async (store: StateStore, id = "c"): Promise<string[]> => (await store.load(id)).map(messageInWords);
const END = endOfTurnElement();

describe("stateStoreLoad()", () => {
  it("hands on the stored messages first, marked, and then what comes", async () => {
    const store = new MemoryStateStore();
    await store.append("c", [
      { role: "user", text: "old" },
      { role: "assistant", text: "older" },
    ]);
    const elements = await runStages([stateStoreLoad("load", { store, conversationId: "c" })], ["new", END]);
    expect(inWords(elements)).toEqual(["user: old", "assistant: older", "new", "<end-of-turn>"]);
    const history = { history: true, conversationId: "c" };
    expect(elements.map(({ metadata }) => metadata)).toEqual([history, history, { conversationId: "c" }, {}]);
    const limited = stateStoreLoad("load", { store, conversationId: "c", limit: 1 });
    expect(inWords(await runStages([limited], []))).toEqual(["assistant: older"]);
  });

  it("takes the conversation's id from the first element", async () => {
    const store = new MemoryStateStore();
    await store.append("x", [{ role: "user", text: "old" }]);
    const stage = stateStoreLoad("load", { store });
    const elements = await runStages([stage], [END, user("new", { conversationId: "x" }), user("more")]);
    expect(inWords(elements)).toEqual(["<end-of-turn>", "user: old", "user: new", "user: more"]);
  });

  it.each([
    [{}, 'Cannot find the conversation of stage "load"'],
    [{ conversationId: "" }, "metadata.conversationId: it must be a text"],
    [{ conversationId: 7 }, "metadata.conversationId: it must be a text"],
  ])("ends the execution where the id is no id: %o", async (metadata, why) => {
    const stage = stateStoreLoad("load", { store: new MemoryStateStore() });
    await expect(runStages([stage], user("new", metadata))).rejects.toThrow(why);
  });

  it("ends the execution at an element of another conversation", async () => {
    const stage = stateStoreLoad("load", { store: new MemoryStateStore(), conversationId: "mine" });
    await expect(runStages([stage], user("x", { conversationId: "yours" }))).rejects.toThrow(
      'Cannot take an element of conversation "yours": this execution belongs to "mine"',
    );
  });

  it("ends the execution with the store's failure, and stops at an abort while the store hangs", async () => {
    const store = new MemoryStateStore();
    await store.close();
    const closed = stateStoreLoad("load", { store, conversationId: "c" });
    await expect(runStages([closed], "x")).rejects.toThrow('Stage "load" failed: Cannot use the state store');
    const begun = Promise.withResolvers<void>();
    const hanging = new MemoryStateStore();
    hanging.load = () => {
      begun.resolve();
      return new Promise(() => {});
    };
    const controller = new AbortController();
    const stage = stateStoreLoad("load", { store: hanging, conversationId: "c" });
    const running = runStages([stage], "x", controller.signal);
    await begun.promise;
    controller.abort(new Error("enough"));
    await expect(running).rejects.toThrow("enough");
  });
});

describe("stateStoreSave()", () => {
  it("stores messages that come by, in order, and hands everything on", async () => {
    const store = new MemoryStateStore();
    const input = [user("1"), textElement("text"), messageElement({ role: "assistant", text: "2" }), END, user("3")];
    const elements = await runStages([stateStoreSave("save", { store, conversationId: "c" })], input);
    expect(inWords(elements)).toEqual(["user: 1", "text", "assistant: 2", "<end-of-turn>", "user: 3"]);
    expect(await stored(store)).toEqual(["user: 1", "assistant: 2", "user: 3"]);
  });

  it("stores neither what was loaded, nor system messages, unless told to", async () => {
    const store = new MemoryStateStore();
    const system = messageElement({ role: "system", text: "S" });
    const input = [system, user("old", { history: true }), user("new")];
    await runStages([stateStoreSave("save", { store, conversationId: "c" })], input);
    expect(await stored(store)).toEqual(["user: new"]);
    await runStages([stateStoreSave("save", { store, conversationId: "d", roles: ["system"] })], input);
    expect(await stored(store, "d")).toEqual(["system: S"]);
  });

  it("has stored a turn when its end comes out, all of it at once", async () => {
    const store = new MemoryStateStore();
    const appended: number[] = [];
    const { append } = store;
    store.append = async (id, messages) => {
      appended.push(messages.length);
      await append.call(store, id, messages);
    };
    // The next turn comes when the first has been looked at: a stage may be ahead of its reader.
    const looked = Promise.withResolvers<void>();
    const input = (async function* () {
      yield* [user("1"), user("2"), END];
      await looked.promise;
      yield* [user("3"), endOfStreamElement()];
    })();
    const run = new PipelineBuilder()
      .chain(stateStoreSave("save", { store, conversationId: "c" }))
      .build()
      .execute(input);
    const seen: number[] = [];
    for await (const { kind } of run) {
      if (!kind.startsWith("end-of")) continue;
      seen.push((await store.load("c")).length);
      looked.resolve();
    }
    expect([appended, seen]).toEqual([
      [2, 1],
      [2, 3],
    ]);
  });

  it("stores nothing of a turn that is cut short, by an abort or by a failure", async () => {
    const store = new MemoryStateStore();
    const save = stateStoreSave("save", { store, conversationId: "c" });
    const begun = Promise.withResolvers<void>();
    const input = async function* () {
      yield user("1");
      yield END;
      yield user("2");
      begun.resolve();
      await new Promise(() => {});
    };
    const run = new PipelineBuilder().chain(save).build().execute(input());
    await begun.promise;
    for await (const element of run) if (inWords([element])[0] === "user: 2") break;
    await run.ended;
    expect(await stored(store)).toEqual(["user: 1"]);

    const failing = provider("model", { chat: new ScriptedChat([{ text: "half", error: new Error("broken") }]) });
    await expect(runStages([failing, save], "3")).rejects.toThrow("broken");
    expect(await stored(store)).toEqual(["user: 1"]);
  });

  it("ends the execution with the store's failure before the turn's end comes out", async () => {
    const store = new MemoryStateStore();
    await store.close();
    const stage = stateStoreSave("save", { store, conversationId: "c" });
    const kinds: string[] = [];
    const run = new PipelineBuilder()
      .chain(stage)
      .build()
      .execute([user("1"), END]);
    const reading = async (): Promise<void> => {
      for await (const { kind } of run) kinds.push(kind);
    };
    await expect(reading()).rejects.toThrow('Stage "save" failed: Cannot use the state store');
    expect(kinds).toEqual(["message"]);
  });
});

describe("stateStoreLoad() and stateStoreSave()", () => {
  it("refuse a store that is none when they are made", () => {
    expect(() => stateStoreLoad("load", {} as never)).toThrow('Cannot make stage "load": store must have load()');
    expect(() => stateStoreSave("save", { store: "file.db" as never })).toThrow('Cannot make stage "save": store must');
  });
});

describe("a conversation over several executions", () => {
  it("counts in a result what its own execution has said, and not what it has loaded", async () => {
    const store = new MemoryStateStore();
    const usage = { inputTokens: 2, outputTokens: 3 };
    const load = stateStoreLoad("load", { store, conversationId: "c" });
    await store.append("c", [{ role: "assistant", text: "old", metadata: { usage } }]);
    const model = provider("model", { chat: new ScriptedChat([{ text: "new", usage }]) });
    const answered = await new PipelineBuilder().chain(load, model).build().executeSync("hi");
    expect([answered.usage, answered.response]).toMatchObject([usage, { text: "new" }]);
    const loaded = await new PipelineBuilder().chain(load).build().executeSync();
    expect(loaded).toMatchObject({ messages: [{ text: "old" }], usage: { inputTokens: 0 }, response: undefined });
  });

  it("goes on where it ended, tools and all, with one system message each time", async () => {
    const store = new MemoryStateStore();
    const call = { id: "c1", name: "clock", input: {} };
    const chat = new ScriptedChat([{ toolCalls: [call] }, { text: "Noon." }, { text: "At noon, as I said." }]);
    const pipeline = new PipelineBuilder()
      .chain(
        stateStoreLoad("load", { store }),
        promptAssembly("prompt", { system: "Answer {{name}} briefly." }),
        provider("model", { chat, tools: { clock: { run: () => "12:00" } } }),
        stateStoreSave("save", { store }),
      )
      .build();
    const metadata = { conversationId: "c", variables: { name: "Ann" } };
    const ask = (text: string) => pipeline.executeSync(textElement(text, { metadata }));
    await ask("When?");
    const { messages, response } = await ask("Sorry, when?");
    expect(await stored(store)).toEqual([
      "user: When?",
      "assistant: Noon.",
      "user: Sorry, when?",
      "assistant: At noon, as I said.",
    ]);
    expect(messages.map(messageInWords)).toEqual([
      "system: Answer Ann briefly.",
      "user: When?",
      "assistant: Noon.",
      "user: Sorry, when?",
      "assistant: At noon, as I said.",
    ]);
    expect(response).toMatchObject({ text: "At noon, as I said." });
    expect(chat.requests.at(-1)!.messages.map(({ role, content }) => `${role}: ${content as string}`)).toEqual([
      "system: Answer Ann briefly.",
      "user: When?",
      "assistant: ",
      "tool: 12:00",
      "assistant: Noon.",
      "user: Sorry, when?",
    ]);
  });
});
