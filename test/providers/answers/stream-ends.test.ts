import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type AnswerServer,
  type Api,
  chunk,
  DONE,
  finish,
  JSON_TYPE,
  namedStream,
  startAnswerServer,
  stream,
} from "./answer-server.ts";

const message = (text: string, fields: object = {}): object => ({
  type: "message",
  role: "assistant",
  content: [{ type: "output_text", text, annotations: [] }],
  ...fields,
});
const call = { type: "function_call", id: "fc", call_id: "c1", name: "a", arguments: '{"x":1}' };
const completed = (output: object[], fields: object = {}) => ({
  type: "response.completed",
  response: { id: "r", model: "m", status: "completed", output, ...fields },
});

let server: AnswerServer;
beforeAll(async () => {
  server = await startAnswerServer();
});
afterAll(() => server.close());

describe("a chat completion", () => {
  it.each<[string, unknown]>([
    ["output_text parts", [{ type: "output_text", text: "Hi" }]],
    [
      "text parts",
      [
        { type: "text", text: "H" },
        { type: "text", text: "i" },
      ],
    ],
    ["parts with values", [{ type: "text", text: { value: "Hi" } }]],
    ["a part without a list", { type: "text", text: "Hi" }],
    ["a list of strings", ["H", "i"]],
    ["parts without a type, and notes", [{ text: "Hi" }, { type: "reference", reference_ids: [1] }]],
  ])("with %s as content comes out as text", async (_, content) => {
    const streamed = await server.ask("chat", stream(chunk({ content }), finish(), DONE));
    expect(streamed.text).toBe("Hi");
    const whole = { choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }] };
    expect((await server.ask("chat", { headers: JSON_TYPE, body: JSON.stringify(whole) })).text).toBe("Hi");
  });

  it("with content that nobody can read is an error that names it", async () => {
    for (const part of [{ type: "hologram", data: "…" }, 42, { type: "text" }]) {
      const got = await server.ask("chat", stream(chunk({ content: [part] }), finish(), DONE));
      expect(got.end).toBeUndefined();
      expect(String(got.error)).toContain("content that cannot be read");
    }
  });

  it("in the legacy field text comes out as text", async () => {
    const legacy = { choices: [{ index: 0, text: "Hi", finish_reason: "stop" }] };
    expect(await server.ask("chat", stream(legacy, DONE))).toMatchObject({ text: "Hi", end: { stopReason: "stop" } });
    expect((await server.ask("chat", { headers: JSON_TYPE, body: JSON.stringify(legacy) })).text).toBe("Hi");
  });

  it.each<[string, object[], string]>([
    [
      "a whole message at the end, that was streamed before",
      [chunk({ content: "Hel" }), chunk({ content: "lo" }), { choices: [{ message: { content: "Hello" } }] }],
      "Hello",
    ],
    [
      "a message that grows",
      ["H", "Hel", "Hello"].map((content) => ({ choices: [{ message: { content } }] })),
      "Hello",
    ],
    [
      "a message beside deltas",
      [
        chunk({ content: "Hel" }, { message: { content: "Hel" } }),
        chunk({ content: "lo" }, { message: { content: "Hello" } }),
      ],
      "Hello",
    ],
    ["a message beside empty deltas", [chunk({ content: "" }, { message: { content: "Hello" } })], "Hello"],
    [
      "choices that begin at 1",
      [{ choices: [{ index: 1, delta: { content: "Hello" }, finish_reason: "stop" }] }],
      "Hello",
    ],
    ["an index that is null", [{ choices: [{ index: null, delta: { content: "Hello" } }] }], "Hello"],
  ])("with %s has its text once", async (_, events, text) => {
    const last = chunk({}, { index: firstIndex(events), finish_reason: "stop" });
    const got = await server.ask("chat", stream(...events, last, DONE));
    expect(got.error).toBeUndefined();
    expect(got.text).toBe(text);
  });

  it("whose last message is another one is an error", async () => {
    const got = await server.ask(
      "chat",
      stream(chunk({ content: "Hel" }), { choices: [{ message: { content: "Jello" } }] }, finish(), DONE),
    );
    expect(String(got.error)).toContain("not what was streamed");
  });

  it.each([
    ["STOP", "stop"],
    ["eos", "stop"],
    ["end", "stop"],
    ["end_turn", "stop"],
    ["COMPLETE", "stop"],
    ["stop_sequence", "stop"],
    ["FINISH_REASON_STOP", "stop"],
    ["MAX_TOKENS", "length"],
    ["max_tokens", "length"],
    ["maxTokens", "length"],
    ["model_length", "length"],
    ["tool_use", "tool-calls"],
    ["SAFETY", "content-filter"],
    ["content-filter", "content-filter"],
    ["a new word", "unknown"],
  ])("that ends with %s has the stop reason %s", async (reason, stopReason) => {
    const got = await server.ask("chat", stream(chunk({ content: "x" }), finish(reason), DONE));
    expect(got.end).toMatchObject({ stopReason, providerStopReason: reason });
  });

  it("may say its finish reason in the delta", async () => {
    const got = await server.ask("chat", stream(chunk({ content: "x", finish_reason: "length" })));
    expect(got.end?.stopReason).toBe("length");
  });

  it.each<[string, object[]]>([
    ["the last event", [finish("stop", { usage: { prompt_tokens: 7, completion_tokens: 3 } })]],
    ["an event of its own", [finish(), { choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } }]],
    ["the choice", [chunk({}, { finish_reason: "stop", usage: { prompt_tokens: 7, completion_tokens: 3 } })]],
    ["the delta", [chunk({ usage: { prompt_tokens: 7, completion_tokens: 3 } }, { finish_reason: "stop" })]],
    ["x_groq", [finish("stop", { x_groq: { usage: { prompt_tokens: 7, completion_tokens: 3 } } })]],
    ["other words", [finish("stop", { usage: { input_tokens: 7, output_tokens: 3 } })]],
    [
      "a first event, before zeros",
      [
        chunk({}, {}, { usage: { prompt_tokens: 7, completion_tokens: 3 } }),
        finish("stop", { usage: { prompt_tokens: 0, completion_tokens: 0 } }),
      ],
    ],
    [
      "every event, growing",
      [
        chunk({}, {}, { usage: { prompt_tokens: 7, completion_tokens: 1 } }),
        finish("stop", { usage: { prompt_tokens: 7, completion_tokens: 3 } }),
      ],
    ],
    ["a sum", [finish("stop", { usage: { prompt_tokens: 7, total_tokens: 10 } })]],
    ["two events", [finish("stop", { usage: { prompt_tokens: 7 } }), { choices: [], usage: { completion_tokens: 3 } }]],
  ])("finds usage in %s", async (_, events) => {
    const got = await server.ask("chat", stream(chunk({ content: "OK" }), ...events, DONE));
    expect(got.end?.usage).toMatchObject({ inputTokens: 7, outputTokens: 3 });
  });

  it("tells of reasoning and cached tokens wherever a server counts them", async () => {
    for (const [usage, expected] of [
      [{ completion_tokens_details: { reasoning_tokens: 5 } }, { reasoningTokens: 5 }],
      [{ reasoning_tokens: 5 }, { reasoningTokens: 5 }],
      [{ prompt_cache_hit_tokens: 4 }, { cachedTokens: 4 }],
      [{ prompt_tokens_details: { cached_tokens: 0 }, cached_tokens: 4 }, { cachedTokens: 4 }],
    ]) {
      const all = { prompt_tokens: 7, completion_tokens: 9, ...usage };
      expect((await server.ask("chat", stream(finish("stop", { usage: all }), DONE))).end?.usage).toMatchObject(
        expected!,
      );
    }
  });
});

function firstIndex([event]: readonly object[]): unknown {
  return (event as { choices: { index?: unknown }[] }).choices[0]!.index;
}

describe("an answer of any API", () => {
  const answers: [Api, string[]][] = [
    ["chat", [chunk({ content: "H" }), chunk({ content: "i" }), finish(), DONE].map((event) => stream(event))],
    [
      "messages",
      [
        { type: "message_start", message: { id: "m", model: "m", content: [], usage: {} } },
        { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hi" } },
        { type: "message_delta", delta: { stop_reason: "end_turn" } },
        { type: "message_stop" },
      ].map((event) => namedStream(event)),
    ],
    ["responses", [stream({ type: "response.output_text.delta", delta: "Hi" }), stream(completed([message("Hi")]))]],
  ];

  it.each(answers)("(%s) may hold data that is empty, to show that the server lives", async (api, events) => {
    for (const empty of [
      "data:\n\n",
      "data: \n\n",
      "event: ping\ndata:\n\n",
      "id: 1\n\n",
      "event: x\n\n",
      "retry: 9\n\n",
    ]) {
      const got = await server.ask(api, [empty, ...events].join(empty) + empty);
      expect([got.text, got.error]).toEqual(["Hi", undefined]);
    }
  });

  it.each(answers)("(%s) that is empty is said to be so, with a body or without", async (api) => {
    for (const answer of ["", "\n\n", { status: 204 }]) {
      const got = await server.ask(api, answer);
      expect(got.error).toMatchObject({ code: "ERR_PROVIDER_STREAM", isTransient: true });
      expect(String(got.error)).toContain("the answer is empty");
    }
  });

  it("ends with [DONE] in white space too", async () => {
    const got = await server.ask("chat", stream(chunk({ content: "Hi" }), finish(), "data:  [DONE] "));
    expect([got.text, got.error]).toEqual(["Hi", undefined]);
  });
});

describe("an Anthropic message", () => {
  const start = (fields: object = {}) => ({
    type: "message_start",
    message: {
      id: "m",
      type: "message",
      role: "assistant",
      content: [],
      model: "m",
      usage: { input_tokens: 1, output_tokens: 0 },
      ...fields,
    },
  });
  const end = [
    { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 3 } },
    { type: "message_stop" },
  ];
  const begin = (index: number, name = "a") => ({
    type: "content_block_start",
    index,
    content_block: { type: "tool_use", id: `t${index}`, name, input: {} },
  });
  const json = (index: number, partial_json: string | object) => ({
    type: "content_block_delta",
    index,
    delta: { type: "input_json_delta", partial_json },
  });
  const stop = (index: number) => ({ type: "content_block_stop", index });

  it("whose block has no stop gives its call", async () => {
    const got = await server.ask("messages", namedStream(start(), begin(0), json(0, '{"x":1}'), ...end));
    expect(got.calls.map(({ toolCall }) => toolCall)).toEqual([{ id: "t0", name: "a", input: { x: 1 } }]);
    expect(got.end?.stopReason).toBe("tool-calls");
  });

  it("whose arguments come as a value gives them to its call", async () => {
    const got = await server.ask("messages", namedStream(start(), begin(0), json(0, { x: 1 }), stop(0), ...end));
    expect(got.calls.map(({ toolCall }) => toolCall)).toEqual([{ id: "t0", name: "a", input: { x: 1 } }]);
  });

  it("whose blocks are all numbered 0 gives each call", async () => {
    const events = namedStream(
      start(),
      begin(0, "a"),
      json(0, '{"x":1}'),
      begin(0, "b"),
      json(0, '{"y":2}'),
      stop(0),
      ...end,
    );
    const got = await server.ask("messages", events);
    expect(got.calls.map(({ toolCall: { name, input } }) => [name, input])).toEqual([
      ["a", { x: 1 }],
      ["b", { y: 2 }],
    ]);
  });

  it("that is whole in its first event comes out", async () => {
    const content = [
      { type: "text", text: "Whole" },
      { type: "tool_use", id: "t", name: "a", input: { x: 1 } },
    ];
    const got = await server.ask("messages", namedStream(start({ content }), ...end));
    expect(got.text).toBe("Whole");
    expect(got.calls).toMatchObject([{ toolCall: { id: "t", input: { x: 1 } } }]);
  });

  it("without names for its events comes out", async () => {
    const text = { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hi" } };
    const got = await server.ask("messages", stream(start(), text, ...end, DONE));
    expect(got.error).toBeUndefined();
    expect(got.text).toBe("Hi");
  });

  it("with arguments of no block, or a call without a name, is an error that names the block", async () => {
    const lost = await server.ask("messages", namedStream(start(), json(4, "{}"), ...end));
    expect(String(lost.error)).toContain("arguments for block 4, which has not begun");
    const nameless = await server.ask("messages", namedStream(start(), begin(2, ""), stop(2), ...end));
    expect(String(nameless.error)).toContain("a tool call without a name (block 2)");
  });

  it("keeps what it counted before zeros, and takes what it counts after them", async () => {
    const zeros = {
      type: "message_delta",
      delta: { stop_reason: "end_turn" },
      usage: { input_tokens: 0, output_tokens: 3 },
    };
    const after = await server.ask("messages", namedStream(start(), zeros, { type: "message_stop" }));
    expect(after.end?.usage).toMatchObject({ inputTokens: 1, outputTokens: 3 });
    const counted = {
      type: "message_delta",
      delta: { stop_reason: "end_turn" },
      usage: { input_tokens: 9, output_tokens: 3 },
    };
    const before = await server.ask(
      "messages",
      namedStream(start({ usage: { input_tokens: 0, output_tokens: 0 } }), counted, { type: "message_stop" }),
    );
    expect(before.end?.usage).toMatchObject({ inputTokens: 9, outputTokens: 3 });
  });
});

describe("an answer of the responses API", () => {
  it.each(["queued", "in_progress"])("that is %s still is no answer", async (status) => {
    const body = JSON.stringify({ id: "r", object: "response", model: "m", status, output: [] });
    const got = await server.ask("responses", { headers: JSON_TYPE, body });
    expect(got.end).toBeUndefined();
    expect(String(got.error)).toContain(`the answer is not whole: its status is "${status}"`);
  });

  it.each<[string, { type: string; [field: string]: unknown }[]]>([
    ["at its end", [completed([message("Whole")])]],
    [
      "when it is done",
      [
        { type: "response.output_text.done", item_id: "i", output_index: 0, content_index: 0, text: "Whole" },
        completed([]),
      ],
    ],
    [
      "with its item",
      [
        { type: "response.output_item.done", output_index: 0, item: message("Whole", { id: "i" }) },
        completed([message("Whole", { id: "i" })]),
      ],
    ],
    ["as text alone", [completed([], { output_text: "Whole" })]],
    [
      "as text alone that was streamed before",
      [
        { type: "response.output_text.delta", delta: "Who" },
        { type: "response.output_text.delta", delta: "le" },
        completed([], { output_text: "Whole" }),
      ],
    ],
    [
      "in deltas without any identity",
      [
        { type: "response.output_text.delta", delta: "Who" },
        { type: "response.output_text.delta", delta: "le" },
        completed([message("Whole")]),
      ],
    ],
    [
      "in every way there is",
      [
        { type: "response.output_item.added", output_index: 0, item: message("", { id: "i" }) },
        { type: "response.output_text.delta", item_id: "i", output_index: 0, content_index: 0, delta: "Who" },
        { type: "response.output_text.delta", item_id: "i", output_index: 0, content_index: 0, delta: "le" },
        { type: "response.output_text.done", item_id: "i", output_index: 0, content_index: 0, text: "Whole" },
        { type: "response.output_item.done", output_index: 0, item: message("Whole", { id: "i" }) },
        completed([message("Whole", { id: "another" })]),
      ],
    ],
  ])("that tells its text %s has it once", async (_, events) => {
    expect(await server.ask("responses", namedStream(...events))).toMatchObject({
      text: "Whole",
      end: { stopReason: "stop" },
      error: undefined,
    });
  });

  it.each<[string, { type: string; [field: string]: unknown }[]]>([
    ["at its end", [completed([call])]],
    ["with its item", [{ type: "response.output_item.done", output_index: 0, item: call }, completed([])]],
    [
      "with its item, and at its end",
      [{ type: "response.output_item.done", output_index: 0, item: call }, completed([call])],
    ],
    [
      "with its item, and under other ids at its end",
      [{ type: "response.output_item.done", output_index: 0, item: call }, completed([{ ...call, id: "other" }])],
    ],
    [
      "when it is done, without its item",
      [
        { type: "response.output_item.added", output_index: 0, item: { ...call, arguments: "" } },
        { type: "response.function_call_arguments.done", item_id: "fc", output_index: 0, arguments: '{"x":1}' },
        completed([]),
      ],
    ],
    [
      "in deltas alone",
      [
        { type: "response.output_item.added", output_index: 0, item: { ...call, arguments: "" } },
        { type: "response.function_call_arguments.delta", item_id: "fc", output_index: 0, delta: '{"x"' },
        { type: "response.function_call_arguments.delta", item_id: "fc", output_index: 0, delta: ":1}" },
        completed([]),
      ],
    ],
  ])("that tells a call %s has it once", async (_, events) => {
    const got = await server.ask("responses", namedStream(...events));
    expect(got.error).toBeUndefined();
    expect(got.calls.map(({ toolCall }) => toolCall)).toEqual([{ id: "c1", name: "a", input: { x: 1 } }]);
    expect(got.end?.stopReason).toBe("tool-calls");
  });

  it("that refuses at its end says so", async () => {
    const refusal = { type: "message", content: [{ type: "refusal", refusal: "No" }] };
    expect(await server.ask("responses", namedStream(completed([refusal])))).toMatchObject({
      refusal: "No",
      end: { stopReason: "refusal" },
    });
  });

  it("whose text as a whole is not what was streamed has lost or doubled a delta", async () => {
    const delta = (text: string) => ({
      type: "response.output_text.delta",
      item_id: "i",
      output_index: 0,
      content_index: 0,
      delta: text,
    });
    for (const deltas of [["Who"], ["Who", "Who", "le"], ["le"]]) {
      for (const whole of [
        [
          { type: "response.output_text.done", item_id: "i", output_index: 0, content_index: 0, text: "Whole" },
          completed([]),
        ],
        [completed([message("Whole")])],
      ]) {
        const got = await server.ask("responses", namedStream(...deltas.map(delta), ...whole));
        expect(got.end).toBeUndefined();
        expect(got.error).toMatchObject({ code: "ERR_PROVIDER_STREAM" });
        expect(String(got.error)).toContain("lost or doubled a delta");
      }
    }
  });

  it("whose arguments as a whole are not what was streamed has lost or doubled a delta", async () => {
    const got = await server.ask(
      "responses",
      namedStream(
        { type: "response.output_item.added", output_index: 0, item: { ...call, arguments: "" } },
        { type: "response.function_call_arguments.delta", item_id: "fc", output_index: 0, delta: ":1}" },
        { type: "response.output_item.done", output_index: 0, item: call },
      ),
    );
    expect(String(got.error)).toContain("the arguments of a tool call as a whole");
  });

  it("whose numbers leave one out, or repeat one, is an error; other numbers are none", async () => {
    const numbered = (...numbers: (number | undefined)[]) =>
      namedStream(
        ...numbers.map((sequence_number) => ({
          type: "response.output_text.delta",
          delta: "x",
          ...(sequence_number === undefined ? {} : { sequence_number }),
        })),
        completed([]),
      );
    const errorOf = async (...numbers: (number | undefined)[]) =>
      (await server.ask("responses", numbered(...numbers))).error;
    expect(String(await errorOf(0, 1, 3))).toContain("the stream lost events: 3 came after 1");
    expect(String(await errorOf(0, 1, 1, 2))).toContain("the stream repeats events: 1 came after 1");
    expect(String(await errorOf(0, 0, 1))).toContain("the stream repeats events: 0 came twice");
    expect(String(await errorOf(5, 6, 4))).toContain("the stream repeats events: 4 came after 6");
    for (const numbers of [
      [0, 1, 2],
      [7, 8, 9],
      [0, 0, 0],
      [undefined, undefined],
    ])
      expect(await errorOf(...numbers)).toBeUndefined();
  });
});
