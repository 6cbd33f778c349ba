/** What a script hears of answers in the dialects of servers that are not quite OpenAI or Anthropic. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Answer,
  type AnswerServer,
  type Api,
  chunk,
  DONE,
  finish,
  JSON_TYPE,
  namedStream,
  startAnswerServer,
  stream,
} from "../providers/answers/answer-server.ts";
import { runChat } from "./run-chat.ts";

const call = (fields: object): object => chunk({ tool_calls: [fields] });
const OK = stream(chunk({ content: "OK" }), finish(), DONE);

const RUNNABLE = `[
  { name: "a", input: { type: "object" }, run: (input) => "A" + JSON.stringify(input) },
  { name: "b", input: { type: "object" }, run: (input) => "B" + JSON.stringify(input) },
]`;
/** What the events of one run say, in short. */
const tell = (tools: string, input: string) => `
  const told = [];
  const step = new ChatStepFactory().newStep(${tools === "" ? "{}" : `{ tools: ${tools} }`});
  try {
    for await (const e of step.events(${input})) {
      if (e.type === "tool-call") told.push("call " + e.toolCall.name + (e.toolCall.inputText ?? JSON.stringify(e.toolCall.input)));
      else if (e.type === "tool-result") told.push("result " + e.toolResult.result);
      else if (e.type === "final") {
        const { stopReason, usage } = e.result.metadata;
        told.push("final " + e.text + " " + stopReason + (usage ? " " + usage.inputTokens + "+" + usage.outputTokens : ""));
      } else if (e.type === "error") told.push("error " + e.error);
    }
  } catch {}
  export default told;`;

describe("answers in other dialects, as scripts hear them", () => {
  let server: AnswerServer;
  beforeAll(async () => {
    server = await startAnswerServer();
  });
  afterAll(() => server.close());

  interface Case {
    api?: Api;
    tools?: string;
    input?: string;
    attempts?: number;
  }

  async function hear(answers: Answer[], { api = "chat", tools = "", input = '"hi"', attempts = 1 }: Case = {}) {
    server.play(...answers);
    const { value, error } = await runChat(tell(tools, input), {
      chat: {
        provider: api === "messages" ? "anthropic" : "openai",
        baseURL: api === "messages" ? server.origin : `${server.origin}/v1`,
        apiKey: "key-for-tests",
        model: "m",
        retry: { attempts, baseMs: 1 },
        ...(api === "responses" ? { api } : {}),
      },
    });
    expect(error).toBeUndefined();
    return value as string[];
  }

  const bothRan = ['call a{"x":1}', 'call b{"y":2}', 'result A{"x":1}', 'result B{"y":2}', "final OK stop"];
  it.each<[string, object[], string[]]>([
    [
      "without index and id",
      [
        call({ id: "", function: { name: "a", arguments: '{"x":1}' } }),
        call({ id: "", function: { name: "b", arguments: '{"y":2}' } }),
      ],
      bothRan,
    ],
    [
      "all of index 0, without ids, and of one name",
      [
        call({ index: 0, id: "", function: { name: "a", arguments: '{"x":1}' } }),
        call({ index: 0, id: "", function: { name: "a", arguments: '{"x":2}' } }),
      ],
      ['call a{"x":1}', 'call a{"x":2}', 'result A{"x":1}', 'result A{"x":2}', "final OK stop"],
    ],
    [
      "interleaved by id",
      [
        call({ id: "c1", function: { name: "a", arguments: "" } }),
        call({ id: "c2", function: { name: "b", arguments: "" } }),
        call({ id: "c1", function: { arguments: '{"x"' } }),
        call({ id: "c2", function: { arguments: '{"y"' } }),
        call({ id: "c1", function: { arguments: ":1}" } }),
        call({ id: "c2", function: { arguments: ":2}" } }),
      ],
      bothRan,
    ],
    [
      "with objects for arguments",
      [
        chunk({
          tool_calls: [
            { function: { name: "a", arguments: { x: 1 } } },
            { function: { name: "b", arguments: { y: 2 } } },
          ],
        }),
      ],
      bothRan,
    ],
  ])("run every tool call that comes %s", async (_, calls, expected) => {
    const told = await hear([stream(...calls, finish("stop"), DONE), OK], { tools: RUNNABLE });
    const order = (line: string) => ["call", "resu", "fina"].indexOf(line.slice(0, 4));
    expect(told.toSorted((one, other) => order(one) - order(other))).toEqual(expected);
  });

  it("show arguments that are not JSON as they came", async () => {
    const cut = stream(
      call({ index: 0, id: "c1", function: { name: "a", arguments: '{"x": "unfi' } }),
      finish("length"),
    );
    expect(await hear([cut + DONE], { tools: '[{ name: "a", input: { type: "object" } }]' })).toEqual([
      'call a{"x": "unfi',
      "final  length",
    ]);
  });

  it.each<[string, object[], RegExp]>([
    ["an object of the kind error", [{ object: "error", message: "engine died", code: 500 }], /engine died/],
    ["the finish reason error", [finish("error")], /error/],
    ["the finish reason abort", [finish("abort")], /abort/],
    ["the finish reason insufficient_system_resource", [finish("insufficient_system_resource")], /insufficient/],
  ])("fail that end with %s", async (_, end, expected) => {
    const told = await hear([stream(chunk({ content: "half" }), ...end, DONE)]);
    expect(told.at(-1)).toMatch(/^error /);
    expect(told.at(-1)).toMatch(expected);
  });

  it("fail by what the server says where it says it in JSON with status 200, and are not asked again", async () => {
    const body = JSON.stringify({ object: "error", code: 404, message: "The model `m` does not exist.", param: null });
    const [told, ...more] = await hear([{ headers: JSON_TYPE, body }], { attempts: 3 });
    expect(told).toMatch(/^error .*The model `m` does not exist\./);
    expect(more).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ["STOP", "stop"],
    ["eos", "stop"],
    ["end", "stop"],
    ["end_turn", "stop"],
    ["MAX_TOKENS", "length"],
    ["max_tokens", "length"],
  ])("that end with %s have the stop reason %s", async (reason, expected) => {
    expect(await hear([stream(chunk({ content: "x" }), finish(reason), DONE)])).toEqual([`final x ${expected}`]);
  });

  it.each<[string, object[], string]>([
    [
      "within a choice",
      [chunk({}, { finish_reason: "stop", usage: { prompt_tokens: 7, completion_tokens: 3 } })],
      "7+3",
    ],
    ["in x_groq", [finish("stop", { x_groq: { usage: { prompt_tokens: 7, completion_tokens: 3 } } })], "7+3"],
    [
      "before zeros",
      [
        finish("stop", { usage: { prompt_tokens: 7, completion_tokens: 3 } }),
        { choices: [], usage: { prompt_tokens: 0, completion_tokens: 0 } },
      ],
      "7+3",
    ],
  ])("are counted whose usage stands %s", async (_, end, expected) => {
    expect(await hear([stream(chunk({ content: "x" }), ...end, DONE)])).toEqual([`final x stop ${expected}`]);
  });

  it.each<[string, object]>([
    ["parts", chunk({ content: [{ type: "output_text", text: "Hi" }] }, { finish_reason: "stop" })],
    ["a legacy text", { choices: [{ index: 0, text: "Hi", finish_reason: "stop" }] }],
    ["a whole message", { choices: [{ index: 0, message: { content: "Hi" }, finish_reason: "stop" }] }],
  ])("have their text where it comes as %s", async (_, event) => {
    expect(await hear([stream(event, DONE)])).toEqual(["final Hi stop"]);
  });

  it("of the Responses API are whole where only the end tells them", async () => {
    const content = [{ type: "output_text", text: "Whole", annotations: [] }];
    const message = { type: "message", id: "i", role: "assistant", status: "completed", content };
    const end = { type: "response.completed", response: { id: "r", status: "completed", output: [message] } };
    expect(await hear([namedStream(end)], { api: "responses" })).toEqual(["final Whole stop"]);
    const item = { type: "function_call", id: "fc", call_id: "c1", name: "a", arguments: "" };
    const events = namedStream(
      { type: "response.output_item.added", output_index: 0, item },
      { type: "response.function_call_arguments.done", item_id: "fc", output_index: 0, arguments: '{"x":1}' },
      { type: "response.completed", response: { id: "r", status: "completed", output: [] } },
    );
    expect(await hear([events, namedStream(end)], { api: "responses", tools: RUNNABLE })).toEqual([
      'call a{"x":1}',
      'result A{"x":1}',
      "final Whole stop",
    ]);
  });

  it("of Anthropic's API keep a tool call whose block has not been stopped", async () => {
    const block = { type: "tool_use", id: "t1", name: "a", input: {} };
    const message = {
      id: "m",
      type: "message",
      role: "assistant",
      content: [],
      model: "m",
      usage: { input_tokens: 1 },
    };
    const events = namedStream(
      { type: "message_start", message },
      { type: "content_block_start", index: 0, content_block: block },
      { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: '{"x":1}' } },
      { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 2 } },
      { type: "message_stop" },
    );
    const told = await hear([events], { api: "messages", tools: '[{ name: "a", input: { type: "object" } }]' });
    expect(told).toEqual(['call a{"x":1}', "final  tool-calls 1+2"]);
  });

  it.each(['""', "null"])("may follow a history as OpenAI's SDK keeps it, with content %s", async (content) => {
    const calls = '[{ id: "c1", type: "function", function: { name: "a", arguments: "{}" } }]';
    const history = `{ messages: [
      { role: "user", content: "q" },
      { role: "assistant", content: ${content}, tool_calls: ${calls}, refusal: null, annotations: [] },
      { role: "tool", tool_call_id: "c1", content: "42" },
      { role: "user", content: "go on" },
    ] }`;
    expect(await hear([OK], { tools: RUNNABLE, input: history })).toEqual(["final OK stop"]);
    expect(server.requests[0]!.body.messages).toMatchObject([
      { role: "user", content: "q" },
      { role: "assistant", tool_calls: [{ id: "c1", type: "function", function: { name: "a", arguments: "{}" } }] },
      { role: "tool", tool_call_id: "c1", content: "42" },
      { role: "user", content: "go on" },
    ]);
  });

  it.each(["input", "parameters", "input_schema", "inputSchema", "schema"])(
    "may come from tools whose schema is called %s",
    async (name) => {
      const schema = { type: "object", properties: { q: { type: "string" } }, required: ["q"] };
      await hear([OK], { tools: `[{ name: "a", ${name}: ${JSON.stringify(schema)} }]` });
      const [tool] = server.requests[0]!.body.tools as [{ function: { parameters: object } }];
      expect(tool.function.parameters).toMatchObject(schema);
    },
  );

  it("are never asked for with half a character", async () => {
    await hear([OK], { input: '"bad " + "😀".slice(0, 1)' });
    expect(server.requests[0]!.body.messages).toEqual([{ role: "user", content: "bad \uFFFD" }]);
  });

  it.each<[string, number, Record<string, string>]>([
    ["429 and a retry-after that is not a time", 429, { "retry-after": "-1" }],
    ["400 and x-should-retry: true", 400, { "x-should-retry": "true" }],
  ])("are asked for again after status %s", async (_, status, headers) => {
    const refusal = { status, headers: { ...JSON_TYPE, ...headers }, body: '{"error":{"message":"later"}}' };
    expect(await hear([refusal, OK], { attempts: 2 })).toEqual(["final OK stop"]);
    expect(server.requests).toHaveLength(2);
  });
});
