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
      'messages[3].role: expected "system" or "developer" or "assistant" or "user" or "tool", found "bot"',
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
      'messages[1].role: expected "system" or "developer" or "assistant" or "user" or "tool", found "usr"',
    ],
    [{ type: "conversation", current: "", messages: [] }, "messages: expected at least one message, found none"],
  ])("refuses %j and names the field", async (input, message) => {
    const error = await parseChatInput(input).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "ValidationError", message: `Cannot read the chat input: ${message}` });
  });
});

describe("histories in other words", () => {
  const promptOf = async (...messages: unknown[]) => (await parseChatInput({ messages })).messages;
  const call = (id: string, name: string, args: string) => ({
    id,
    type: "function",
    function: { name, arguments: args },
  });

  it("of OpenAI's chat API go out as they came", async () => {
    for (const content of ["", null, undefined]) {
      expect(
        await promptOf(
          { role: "developer", content: "Be brief" },
          { role: "user", content: "q", name: "ann" },
          { role: "assistant", content, tool_calls: [call("c1", "a", '{"x":1}'), call("c2", "b", "")] },
          {
            role: "tool",
            tool_call_id: "c2",
            content: [
              { type: "text", text: "4" },
              { type: "text", text: "2" },
            ],
          },
          { role: "tool", tool_call_id: "c1", content: "41", name: "a" },
          { role: "user", content: "go on" },
        ),
      ).toEqual([
        { role: "developer", content: "Be brief" },
        { role: "user", content: "q", name: "ann" },
        {
          role: "assistant",
          content: "",
          toolCalls: [
            { id: "c1", name: "a", input: { x: 1 } },
            { id: "c2", name: "b", input: {} },
          ],
        },
        { role: "tool", toolCallId: "c1", content: "41", name: "a" },
        { role: "tool", toolCallId: "c2", content: "42" },
        { role: "user", content: "go on" },
      ]);
    }
  });

  it("keep a call that nobody has answered, and arguments that are not JSON", async () => {
    expect(
      await promptOf(
        { role: "user", content: "q" },
        { role: "assistant", content: null, tool_calls: [call("c", "a", "{x")] },
      ),
    ).toEqual([
      { role: "user", content: "q" },
      {
        role: "assistant",
        content: "",
        toolCalls: [{ id: "c", name: "a", inputText: "{x", code: "ERR_TOOL_INPUT" }],
      },
      { role: "tool", toolCallId: "c", content: "(no result was recorded)" },
    ]);
  });

  it("of OpenAI's legacy functions go out as calls and results", async () => {
    expect(
      await promptOf(
        { role: "user", content: "q" },
        { role: "assistant", content: null, function_call: { name: "a", arguments: '{"x":1}' } },
        { role: "function", name: "a", content: "first" },
        { role: "assistant", content: null, function_call: { name: "a", arguments: "{}" } },
        { role: "function", name: "a", content: "second" },
      ),
    ).toMatchObject([
      { role: "user" },
      { role: "assistant", toolCalls: [{ name: "a", input: { x: 1 } }] },
      { role: "tool", content: "first" },
      { role: "assistant", toolCalls: [{ name: "a", input: {} }] },
      { role: "tool", content: "second" },
    ]);
  });

  it("of OpenAI's responses API go out as calls and results", async () => {
    expect(
      await promptOf(
        { type: "message", role: "user", content: [{ type: "input_text", text: "q" }] },
        { type: "reasoning", id: "r", summary: [] },
        {
          type: "message",
          id: "m",
          status: "completed",
          role: "assistant",
          content: [{ type: "output_text", text: "well", annotations: [], logprobs: [] }],
        },
        { type: "function_call", id: "f", call_id: "c1", name: "a", arguments: '{"x":1}', status: "completed" },
        { type: "function_call_output", call_id: "c1", output: "42" },
      ),
    ).toEqual([
      { role: "user", content: [{ type: "text", text: "q" }] },
      {
        role: "assistant",
        content: [{ type: "text", text: "well" }],
        toolCalls: [{ id: "c1", name: "a", input: { x: 1 } }],
      },
      { role: "tool", toolCallId: "c1", content: "42" },
    ]);
  });

  it("of Anthropic go out as calls and results, with the thoughts that led to them", async () => {
    const thinking = { type: "thinking", thinking: "hm", signature: "s" };
    const answer = {
      id: "m",
      type: "message",
      role: "assistant",
      model: "m",
      stop_reason: "tool_use",
      stop_sequence: null,
      usage: { input_tokens: 1 },
    };
    expect(
      await promptOf(
        {
          role: "user",
          content: [
            { type: "text", text: "q" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
          ],
        },
        {
          ...answer,
          content: [
            thinking,
            { type: "text", text: "well", citations: null },
            { type: "tool_use", id: "t", name: "a", input: { x: 1 } },
          ],
        },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "no", is_error: true }] },
      ),
    ).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "q" },
          { type: "image", url: "data:image/png;base64,AAAA" },
        ],
      },
      {
        role: "assistant",
        content: [{ type: "text", text: "well" }],
        toolCalls: [{ id: "t", name: "a", input: { x: 1 } }],
        thoughts: { provider: "anthropic", items: [thinking] },
      },
      { role: "tool", toolCallId: "t", content: "no", isError: true },
    ]);
  });

  it("carry what the SDKs' own answers carry", async () => {
    const answer = {
      role: "assistant",
      content: "Hi",
      refusal: null,
      annotations: [],
      audio: null,
      function_call: null,
      tool_calls: null,
      reasoning_content: "hm",
      id: "x",
    };
    expect(await promptOf({ role: "user", content: "q" }, answer)).toEqual([
      { role: "user", content: "q" },
      { role: "assistant", content: "Hi" },
    ]);
    expect(await promptOf({ role: "assistant", content: null, refusal: "I won't" })).toEqual([
      { role: "assistant", content: "I won't" },
    ]);
  });

  it("read images in every vendor's words", async () => {
    const url = "https://example.com/a.png";
    for (const part of [
      { type: "image", url },
      { type: "image", imageURL: url },
      { type: "image", source: { type: "url", url } },
      { type: "image_url", image_url: { url } },
      { type: "image_url", image_url: url },
      { type: "input_image", image_url: url },
    ]) {
      expect(await promptOf({ role: "user", content: [part] })).toEqual([
        { role: "user", content: [{ type: "image", url }] },
      ]);
    }
  });

  const user = { role: "user", content: "x" };
  it.each<[object, string]>([
    [{ role: "user", contents: "x" }, 'messages[0].contents: no such field, did you mean "content"?'],
    [{ role: "user", text: "x" }, 'messages[0].text: no such field, did you mean "content"?'],
    [{ ...user, tool_cals: [] }, 'messages[0].tool_cals: no such field, did you mean "tool_calls"?'],
    [{ ...user, mood: 1 }, "messages[0].mood: no such field"],
    [{ role: "user", content: null }, "messages[0].content: expected a string or a list, found null"],
    [
      { role: "user", content: [{ type: "text", txt: "x" }] },
      'messages[0].content[0].txt: no such field, did you mean "text"?',
    ],
    [
      { role: "user", content: [{ type: "image_url", image_url: { ulr: "https://a" } }] },
      'messages[0].content[0].image_url.ulr: no such field, did you mean "url"?',
    ],
    [
      { role: "user", content: [{ type: "image_url" }] },
      "messages[0].content[0].image_url: expected a string, found nothing",
    ],
    [{ role: "user", content: [{ type: "hologram" }] }, 'messages[0].content[0].type: expected "text" or '],
    [{ role: "user", content: ["x"] }, 'messages[0].content[0]: expected an object, found "x"'],
    [
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c", type: "function", function: { name: "a", args: "{}" } }],
      },
      'messages[0].tool_calls[0].function.args: no such field, did you mean "arguments"?',
    ],
    [
      { role: "assistant", content: null, tool_calls: [{ id: "c", type: "custom", custom: {} }] },
      "messages[0].tool_calls[0].custom: no such field",
    ],
    [
      { role: "assistant", content: "", toolCalls: [{ id: "c", name: "a", inptu: {} }] },
      'messages[0].toolCalls[0].inptu: no such field, did you mean "input"?',
    ],
    [
      { role: "assistant", content: "", toolCalls: [{ id: "c", name: "a" }] },
      "messages[0].toolCalls[0].input: expected an object, found nothing",
    ],
    [{ type: "function", content: "x" }, 'messages[0].type: expected "chat-message" or '],
    [{ ...text("a", "", "user", "x"), txet: 1 }, 'messages[0].txet: no such field, did you mean "text"?'],
    [
      { ...text("a", "", "user", "x"), images: [{ imageURL: "https://a", detial: "low" }] },
      'messages[0].images[0].detial: no such field, did you mean "detail"?',
    ],
    [{ ...use("a", "", "1"), inputs: 1 }, 'messages[0].inputs: no such field, did you mean "input"?'],
  ])("with an unknown field are refused: %j", async (message, expected) => {
    const error = await parseChatInput({ messages: [message] }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "ValidationError" });
    expect(String(error)).toContain(`Cannot read the chat input: ${expected}`);
  });
});

describe("parseChatOptions()", () => {
  const schema = { type: "object", properties: { q: { type: "string" } } };

  it.each(["input", "parameters", "inputSchema", "input_schema", "schema"])(
    "takes a tool's schema as %s",
    async (field) => {
      const tool = { name: "a", description: "d", [field]: schema, timeoutMs: null };
      expect(await parseChatOptions({ tools: [tool] })).toEqual({
        tools: [{ name: "a", description: "d", input: schema }],
      });
      const wrapped = { type: "function", function: { name: "a", [field]: schema, strict: true } };
      expect(await parseChatOptions({ tools: [wrapped] })).toEqual({
        tools: [{ name: "a", input: schema, strict: true }],
      });
    },
  );

  it("takes choices and formats in every vendor's words, and null for what is absent", async () => {
    for (const toolChoice of [
      { name: "a" },
      { type: "function", function: { name: "a" } },
      { type: "function", name: "a" },
      { type: "tool", name: "a" },
    ]) {
      expect(await parseChatOptions({ toolChoice })).toEqual({ toolChoice: { name: "a" } });
    }
    expect(await parseChatOptions({ toolChoice: { type: "any" } })).toEqual({ toolChoice: "required" });
    expect(await parseChatOptions({ toolChoice: "any", temperature: null, tools: null })).toEqual({
      toolChoice: "required",
    });
    for (const responseFormat of [
      { type: "json_schema", json_schema: { name: "Found", strict: true, schema } },
      { type: "json_schema", name: "Found", schema },
    ]) {
      expect(await parseChatOptions({ responseFormat })).toEqual({ responseFormat: { title: "Found", ...schema } });
    }
    expect(
      await parseChatOptions({ responseFormat: schema, reasoning: { effort: "low", budgetTokens: 1024 } }),
    ).toEqual({
      responseFormat: schema,
      reasoning: { effort: "low", budgetTokens: 1024 },
    });
  });

  it.each<[object, string]>([
    [
      { tools: [{ name: "a", paramters: schema }] },
      'options.tools[0].paramters: no such field, did you mean "parameters"?',
    ],
    [
      { tools: [{ name: "a", input: schema, parameters: schema }] },
      'options.tools[0].parameters: no second schema beside "input"',
    ],
    [
      { tools: [{ type: "function", function: { name: "a", params: schema } }] },
      "options.tools[0].function.params: no such field",
    ],
    [{ tools: { a: {} } }, "options.tools: expected a list, found an object"],
    [{ toolChoice: { nam: "a" } }, 'options.toolChoice.nam: no such field, did you mean "name"?'],
    [{ reasoning: { efort: "low" } }, 'options.reasoning.efort: no such field, did you mean "effort"?'],
    [
      { reasoning: { budget_tokens: 1 } },
      'options.reasoning.budget_tokens: no such field, did you mean "budgetTokens"?',
    ],
    [{ reasoning: { effort: "enormous" } }, 'options.reasoning.effort: expected "none" or "minimal" or '],
    [{ responseFormat: { type: "json_object" } }, "options.responseFormat: expected a JSON schema"],
    [{ max_tokens: 5 }, 'options.max_tokens: no such option, did you mean "maxTokens"?'],
  ])("refuses %j and names the field", async (options, expected) => {
    const error = await parseChatOptions(options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "ValidationError" });
    expect(String(error)).toContain(`Cannot read the chat input: ${expected}`);
  });

  it("takes tools by name and by definition", async () => {
    const options = { tools: ["clock", { name: "dice", input: { type: "object" } }], toolChoice: { name: "clock" } };
    expect(await parseChatOptions(options)).toEqual(options);
    expect(await parseChatOptions(undefined)).toEqual({});
    await expect(parseChatOptions({ maxTokens: 0 })).rejects.toThrow("options.maxTokens: expected at least 1, found 0");
  });
});
