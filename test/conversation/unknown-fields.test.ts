import { beforeAll, describe, expect, it, vi } from "vitest";
import { Conversation, installConversation } from "../../runtime-setup/guest/conversation/conversation.ts";
import { withEngine } from "../engine/engine-harness.ts";

vi.mock("../../runtime-setup/guest/web/crypto.ts", () => ({ randomUUID: () => globalThis.crypto.randomUUID() }));
beforeAll(installConversation);

const chat = { role: "user", text: "Hello" };
const use = { type: "tool-use", toolID: "t1", name: "clock", input: { zone: { any: 1 } } };
const result = { type: "tool-result", toolID: "t1", result: "12:00" };
const image = { imageURL: "https://example.com/a.png", imageName: "a.png", mediaType: "image/png", detail: "auto" };
const call = { id: "c1", name: "clock", input: { zone: "UTC" } };

/** Messages with a field that has no place, and what is said of it. */
const MESSAGES: readonly [what: string, message: object, error: string][] = [
  ["a misspelt field", { ...chat, metdata: {} }, 'metdata: no such field, did you mean "metadata"?'],
  ["another API's text", { role: "user", content: "Hello" }, 'content: no such field, did you mean "text"?'],
  ["another API's calls", { ...chat, tool_calls: [] }, 'tool_calls: no such field, did you mean "toolCalls"?'],
  ["nothing like it", { ...chat, qqqqqq: 1 }, "qqqqqq: no such field"],
  ["a field of another type", { ...use, text: "x" }, "text: no such field"],
  ["a result's field on a use", { ...use, result: "x" }, "result: no such field"],
  ["a use's field on a result", { ...result, input: {} }, "input: no such field"],
  ["a misspelt field of a use", { ...use, toolTyp: "x" }, 'toolTyp: no such field, did you mean "toolType"?'],
  [
    "another API's id of a call",
    { ...result, tool_call_id: "x" },
    'tool_call_id: no such field, did you mean "toolID"?',
  ],
  [
    "a field of an image",
    { ...chat, images: [image, { ...image, detial: "low" }] },
    'images[1].detial: no such field, did you mean "detail"?',
  ],
  [
    "a field of a call",
    { ...chat, toolCalls: [{ ...call, inputs: {} }] },
    'toolCalls[0].inputs: no such field, did you mean "input"?',
  ],
  ["a long name", { ...chat, ["x".repeat(500)]: 1 }, `${"x".repeat(100)}: no such field`],
];

function snapshotOf(message: object): Record<string, unknown> {
  const fields = {
    id: "m1",
    parentID: "",
    time: "2026-01-01T00:00:00Z",
    lastUpdate: "2026-01-01T00:00:00Z",
    metadata: {},
  };
  const own = "type" in message && message.type === "tool-use" ? { toolType: "function" } : {};
  return { type: "conversation", current: "m1", messages: [{ ...fields, ...own, type: "chat-message", ...message }] };
}

describe("a field of a message that has no place", () => {
  it.each(MESSAGES)("is named by append(): %s", (_, message, error) => {
    const conversation = new Conversation();
    expect(() => conversation.append(message)).toThrow(`Cannot append the message: message.${error}`);
    expect(conversation.getMessages()).toEqual([]);
  });

  it.each(MESSAGES)("is named by from(): %s", (_, message, error) => {
    expect(() => Conversation.from(snapshotOf(message))).toThrow(`Cannot read the snapshot: messages[0].${error}`);
  });

  it("is named in a snapshot, too", () => {
    expect(() => Conversation.from({ ...snapshotOf(chat), mesages: [] })).toThrow(
      'Cannot read the snapshot: mesages: no such field, did you mean "messages"?',
    );
  });

  it("counts as absent where it is null or undefined", () => {
    const conversation = new Conversation();
    conversation.append({ ...chat, refusal: null, name: undefined });
    expect(conversation.getSinglePrompt()).toBe("Hello");
    expect(() => Conversation.from(snapshotOf({ ...chat, refusal: null }))).not.toThrow();
  });

  it("is none of what messages themselves have, and metadata and input hold what they like", () => {
    const conversation = new Conversation();
    for (const message of [{ ...chat, metadata: { any: { thing: 1 } } }, use, result]) conversation.append(message);
    conversation.append({
      ...chat,
      images: [image],
      toolCalls: [call, { id: "c2", name: "x", inputText: "{", code: "E" }],
    });
    const copy = new Conversation();
    for (const message of conversation.getMessages()) copy.append(message);
    expect(copy.getMessages().map(({ time: _, lastUpdate: __, ...message }) => message)).toEqual(
      conversation.getMessages().map(({ time: _, lastUpdate: __, ...message }) => message),
    );
    expect(Conversation.from(JSON.parse(JSON.stringify(conversation))).toJSON()).toEqual(conversation.toJSON());
  });
});

describe("new Conversation()", () => {
  it.each([[[chat]], [{ messages: [chat] }], ["Hello"], [null]])("refuses %j, which it would leave out", (given) => {
    expect(() => new Conversation(given as never)).toThrow("Cannot make a conversation: it takes nothing; ");
    expect(() => new Conversation(undefined as never)).not.toThrow();
  });
});

describe("in scripts", () => {
  it("what a chat answers can be appended, and what a session was can be restored", async () => {
    await withEngine({ isolation: "thread" }, async ({ run }) => {
      const { value, error } = await run(`
        const tools = [{ name: "t", description: "", input: { type: "object" }, run: () => "done" }];
        const conversation = new Conversation();
        conversation.addMessage("user", "call: t {}");
        const [answer] = await new ChatStepFactory().newStep({ tools }).startAsync(conversation);
        conversation.append(answer);
        const format = { type: "object", properties: { a: { type: "string" } }, required: ["a"] };
        const [shaped] = await new ChatStepFactory().newStep({ responseFormat: format }).startAsync("fill");
        conversation.append(shaped);
        const session = new ChatSession({ tools });
        await session.next("call: t {}");
        const again = ChatSession.from(JSON.parse(JSON.stringify(session)), { tools });
        const errors = [];
        for (const fail of [
          () => ChatSession.from({ ...session.toJSON(), conversatoin: 1 }, { tools }),
          () => session.next({ content: "x" }),
        ]) await (async () => fail())().catch((error) => errors.push(error.name + ": " + error.message));
        export default [conversation.getMessages().length, again.conversation.getMessages().length, errors];`);
      expect(error).toBeUndefined();
      expect(value).toEqual([
        3,
        4,
        [
          'ValidationError: Cannot restore the session: there is no option "conversatoin"; did you mean "conversation"?',
          'ConversationError: Cannot append the message: message.content: no such field, did you mean "text"?',
        ],
      ]);
    });
  });
});
