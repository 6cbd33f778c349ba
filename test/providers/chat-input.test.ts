import { describe, expect, it } from "vitest";
import { parseChatInput, parseChatOptions } from "../../src/providers/input/chat-input.ts";

const fields = { time: "2026-01-01T00:00:00Z", lastUpdate: "2026-01-01T00:00:00Z", metadata: {} };
const text = (id: string, parentID: string, role: string, text: string) => ({
  type: "chat-message",
  id,
  parentID,
  role,
  text,
  ...fields,
});
const use = (id: string, parentID: string, toolID: string) => ({
  type: "tool-use",
  id,
  parentID,
  toolID,
  name: "t",
  input: { a: 1 },
  toolType: "function",
  ...fields,
});
const result = (id: string, parentID: string, toolID: string) => ({
  type: "tool-result",
  id,
  parentID,
  toolID,
  result: `of ${toolID}`,
  ...fields,
});

describe("parseChatInput()", () => {
  it("takes a string, messages with options, and a list of flat messages", async () => {
    const user = [{ role: "user", content: "hi" }];
    expect(await parseChatInput("hi")).toEqual({ messages: user, options: {} });
    expect(await parseChatInput({ messages: user, temperature: 0.5, stop: "x" })).toEqual({
      messages: user,
      options: { temperature: 0.5, stop: ["x"] },
    });
    expect(await parseChatInput([text("a", "", "user", "hi")])).toEqual({ messages: user, options: {} });
  });

  it("follows the current thread of a snapshot only", async () => {
    const snapshot = {
      type: "conversation",
      current: "c",
      messages: [
        text("a", "", "system", "S"),
        text("b", "a", "user", "left"),
        text("c", "a", "user", "right"),
        text("d", "c", "user", "later"),
      ],
    };
    const { messages } = await parseChatInput(snapshot);
    expect(messages.map(({ content }) => content)).toEqual(["S", "right"]);
  });

  it("lets a message with an unknown parent follow the one before it", async () => {
    const messages = [text("a", "", "user", "1"), text("b", "elsewhere", "user", "2"), text("c", "b", "user", "3")];
    const parsed = await parseChatInput({ type: "conversation", current: "c", messages });
    expect(parsed.messages.map(({ content }) => content)).toEqual(["1", "2", "3"]);
  });

  it("makes one assistant message of a text and the tool uses after it, with each result right behind", async () => {
    const { messages } = await parseChatInput([
      text("a", "", "user", "go"),
      text("b", "a", "assistant", "well"),
      use("c", "b", "1"),
      use("d", "c", "2"),
      text("e", "d", "user", "hurry"),
      result("f", "e", "2"),
      result("g", "f", "1"),
    ]);
    const call = { name: "t", input: { a: 1 } };
    expect(messages).toEqual([
      { role: "user", content: "go" },
      {
        role: "assistant",
        content: "well",
        toolCalls: [
          { id: "1", ...call },
          { id: "2", ...call },
        ],
      },
      { role: "tool", toolCallId: "1", content: "of 1" },
      { role: "tool", toolCallId: "2", content: "of 2" },
      { role: "user", content: "hurry" },
    ]);
  });

  it("keeps the same id of two rounds apart", async () => {
    const { messages } = await parseChatInput([
      use("a", "", "0"),
      { ...result("b", "a", "0"), result: "first" },
      use("c", "b", "0"),
      { ...result("d", "c", "0"), result: "second" },
    ]);
    expect(messages.filter(({ role }) => role === "tool").map(({ content }) => content)).toEqual(["first", "second"]);
  });

  it("repairs what no provider takes: calls without results and results without calls", async () => {
    const lonely = { ...text("c", "b", "assistant", "asked"), toolCalls: [{ id: "9", name: "t", input: {} }] };
    const { messages } = await parseChatInput([
      result("a", "", "x"),
      use("b", "a", "1"),
      text("u", "b", "user", "?"),
      lonely,
    ]);
    expect(messages).toMatchObject([
      { role: "user", content: "Result of tool x: of x" },
      { role: "assistant", toolCalls: [{ id: "1" }] },
      { role: "tool", toolCallId: "1", content: "(no result was recorded)" },
      { role: "user", content: "?" },
      { role: "assistant", content: "asked" },
    ]);
    expect(messages.at(-1)).not.toHaveProperty("toolCalls");
  });

  it("takes images in parts and in flat messages", async () => {
    const imageURL = "data:image/png;base64,AAAA";
    const flat = {
      ...text("a", "", "user", "see"),
      images: [{ imageURL, imageName: "x", mediaType: "image/png", detail: "auto" }],
    };
    const parts = [
      { type: "text", text: "see" },
      { type: "image", url: imageURL, detail: "auto" },
    ];
    expect((await parseChatInput([flat])).messages[0]!.content).toEqual(parts);
    const foreign = [parts[0], { type: "image_url", image_url: { url: imageURL, detail: "auto" } }];
    expect((await parseChatInput({ messages: [{ role: "user", content: foreign }] })).messages[0]!.content).toEqual(
      parts,
    );
  });

  const user = { role: "user", content: "x" };
  it.each([
    [5, "input: expected a conversation, a string or {messages: […]}, found number"],
    [{}, "input: expected a conversation, a string or {messages: […]}, found an object with no fields"],
    [[], "messages: expected at least one message, found none"],
    [{ messages: "x" }, "messages: expected a list of messages, found string"],
    [
      { messages: [user, user, user, { role: "bot", content: "x" }] },
      'messages[3].role: expected "system" or "assistant" or "user" or "tool", found "bot"',
    ],
    [{ messages: [{ role: "user" }] }, "messages[0].content: expected a string or a list, found nothing"],
    [
      { messages: [{ role: "user", content: [{ type: "text", text: 5 }] }] },
      "messages[0].content[0].text: expected a string, found 5",
    ],
    [{ messages: [user], temprature: 1 }, 'temprature: no such option, did you mean "temperature"?'],
    [{ messages: [user], apiKey: "k" }, "apiKey: no such option"],
    [{ messages: [user], temperature: "hot" }, 'temperature: expected a number, found "hot"'],
    [
      { type: "conversation", current: "zz", messages: [text("a", "", "user", "x")] },
      'current must be the id of a message, got "zz"',
    ],
    [
      { type: "conversation", current: "b", messages: [text("a", "", "user", "x"), text("b", "a", "usr", "x")] },
      'messages[1].role: expected "system" or "assistant" or "user" or "tool", found "usr"',
    ],
    [{ type: "conversation", current: "", messages: [] }, "messages: expected at least one message, found none"],
  ])("refuses %j and names the field", async (input, message) => {
    const error = await parseChatInput(input).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "ValidationError", message: `Cannot read the chat input: ${message}` });
  });
});

describe("parseChatOptions()", () => {
  it("takes tools by name and by definition", async () => {
    const options = { tools: ["clock", { name: "dice", input: { type: "object" } }], toolChoice: { name: "clock" } };
    expect(await parseChatOptions(options)).toEqual(options);
    expect(await parseChatOptions(undefined)).toEqual({});
    await expect(parseChatOptions({ maxTokens: 0 })).rejects.toThrow("options.maxTokens: expected at least 1, found 0");
  });
});
