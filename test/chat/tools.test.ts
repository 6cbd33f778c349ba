import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { RuntimeEngine, setupDefaults } from "../../src/index.ts";
import { ISOLATIONS } from "../engine/engine-harness.ts";
import { loadRecordings, sharedFolder, startReplay } from "../providers/replay.ts";
import { runChat as run } from "./run-chat.ts";
import { startScriptedServer, type ScriptedServer } from "./scripted-server.ts";
import { timed } from "../machine/machine-watch.ts";

const WEATHER = `const weather = {
  name: "weather", description: "The weather in a city",
  input: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  run: async ({ city }) => city === "Atlantis" ? Promise.reject(new Error("it sank")) : ({ city, sky: "blue" }),
};
const collect = (step, input) => new Promise((resolve) => {
  const events = [];
  step.runWithEvents(input, (event) => {
    events.push(event);
    if (["final", "error", "interrupt"].includes(event.type)) resolve(events);
  });
});
`;

describe.each(ISOLATIONS)("a tool in the script (%s)", (isolation) => {
  it("is called for the model, and the model answers from its result", async () => {
    const { value } = await run(
      `${WEATHER}
      const step = new ChatStepFactory().newStep({ tools: [weather] });
      const events = await collect(step, 'call: weather {"city": "Rome"}');
      const { text, result } = events.at(-1);
      export default { types: events.map((e) => e.type).filter((t) => t !== "partial"),
        call: events.find((e) => e.toolCall).toolCall, result: events.find((e) => e.toolResult).toolResult,
        text, message: String(result), usage: result.metadata.usage, rounds: result.metadata.toolRounds, seqs: events.every((e, i) => e.seq === i) };`,
      { isolation },
    );
    expect(value).toEqual({
      types: ["start", "tool-call", "tool-result", "final"],
      call: { id: "demo_call_1", name: "weather", input: { city: "Rome" } },
      result: { id: "demo_call_1", result: { city: "Rome", sky: "blue" } },
      text: '[demo] weather answered: {"city":"Rome","sky":"blue"}',
      message: '[demo] weather answered: {"city":"Rome","sky":"blue"}',
      usage: expect.objectContaining({ totalTokens: expect.any(Number) }),
      rounds: 1,
      seqs: true,
    });
  });

  it("that is synchronous works in startBlocking, one that is not is refused there by name", async () => {
    const { value } = await run(
      `const now = { name: "now", run: () => "noon" };
      const later = { name: "later", run: async () => "noon" };
      const step = new ChatStepFactory().newStep({ tools: [now, later] });
      const [message] = step.startBlocking("call: now {}");
      let refused; try { step.startBlocking("call: later {}"); } catch (error) { refused = error.name + " " + error.code + " " + error.includes("startAsync"); }
      export default [String(message), refused];`,
      { isolation },
    );
    expect(value).toEqual(["[demo] now answered: noon", "StepError ERR_STEP_ASYNC true"]);
  });

  it("works in startAsync, startWithCallbacks, stream and chat()", async () => {
    const { value } = await run(
      `${WEATHER}
      const step = openai.createStep({ tools: [weather], provider: "embedded" });
      const embedded = new ChatStepFactory().newStep({ tools: [weather] });
      const ask = 'call: weather {"city":"Oslo"}';
      const [viaAsync] = await embedded.startAsync(ask);
      const viaCallbacks = await new Promise((resolve, reject) => { let text = ""; embedded.startWithCallbacks(ask, { onResult: (d) => text += d, onDone: () => resolve(text), onError: reject }); });
      let viaStream = ""; for await (const delta of embedded.stream(ask)) viaStream += delta;
      const viaInput = (await new ChatStepFactory().newStep().startAsync({ messages: [{ role: "user", content: ask }], tools: [weather] }))[0].text;
      export default new Set([viaAsync.text, viaCallbacks, viaStream, viaInput, await chat(ask, { tools: [weather] })]).size;`,
      { isolation },
    );
    expect(value).toBe(1);
  });

  it("that is cancelled while it runs gets its signal, and the run ends in one interrupt", async () => {
    const { value } = await run(
      `let reason; const seen = [];
      const slow = { name: "slow", run: (_, { signal }) => new Promise((_, reject) => {
        signal.addEventListener("abort", () => { reason = signal.reason.name; reject(signal.reason); });
        setTimeout(() => step.cancel(), 5);
      }) };
      const step = new ChatStepFactory().newStep({ tools: [slow] });
      await new Promise((resolve) => step.runWithEvents("call: slow {}", (e) => { seen.push(e.type); if (e.type === "interrupt") setTimeout(resolve, 20); }));
      export default { reason, seen };`,
      { isolation },
    );
    expect(value).toEqual({ reason: "AbortError", seen: ["start", "tool-call", "interrupt"] });
  });
});

describe("what a model gets for a bad call", () => {
  it.each([
    ['weather {"city": 5}', "Error: the input does not fit: input.city: expected a string, found 5"],
    ["weather {}", "Error: the input does not fit: input.city: expected a string, found nothing"],
    ['weather {"city":', 'Error: the input does not fit: the arguments are not JSON: {"city":'],
    ["weather [1]", "Error: the input does not fit: the arguments are not a JSON object: [1]"],
    ['weather {"city": "Atlantis"}', "Error: it sank"],
    ["wether {}", 'Error: there is no tool "wether", the tools are weather'],
  ])("call: %s", async (call, text) => {
    const { value } = await run(
      `${WEATHER}
      const events = await collect(new ChatStepFactory().newStep({ tools: [weather] }), ${JSON.stringify(`call: ${call}`)});
      export default [events.filter((e) => e.toolResult).map((e) => e.toolResult), events.at(-1).type];`,
    );
    const code = text.includes("the arguments are") ? { code: "ERR_TOOL_INPUT" } : {};
    expect(value).toEqual([[{ id: "demo_call_1", result: text, isError: true, ...code }], "final"]);
  });

  it("a tool that hangs gives an error result after its time, and its signal aborts", async () => {
    const { value } = await run(
      `let aborted; const hangs = { name: "hangs", timeoutMs: 30, run: (_, { signal }) => new Promise(() => {
        signal.addEventListener("abort", () => aborted = signal.reason.name); }) };
      const text = await chat("call: hangs {}", { tools: [hangs] });
      await new Promise((resolve) => setTimeout(resolve, 30));
      export default [text, aborted];`,
    );
    expect(value).toEqual(["[demo] hangs answered: Error: the tool did not answer within 30 ms", "TimeoutError"]);
  });

  it("a host's tool that hangs gives one too, and its signal aborts", async () => {
    let aborted: unknown;
    const { value } = await run(
      `export default await chat("call: hangs {}", { tools: ["hangs"], toolTimeoutMs: 30 });`,
      {
        tools: {
          hangs: {
            run: (_, { signal }) =>
              new Promise(() => signal.addEventListener("abort", () => (aborted = signal.reason))),
          },
        },
      },
    );
    expect(value).toBe("[demo] hangs answered: Error: the tool did not answer within 30 ms");
    expect(aborted).toMatchObject({ name: "AbortError" });
  });
});

describe("parallel calls", () => {
  it("are under way together, and their results come in the order of the calls", async () => {
    const { value } = await run(
      `const order = []; let open = 0, most = 0;
      // Each waits for the one after it.
      const ends = {};
      const wait = { name: "wait", run: async ({ n }) => { most = Math.max(most, ++open); if (n < 3) await new Promise((end) => { ends[n] = end; }); open--; order.push(n); ends[n - 1]?.(); return n; } };
      const results = [];
      const step = new ChatStepFactory().newStep({ tools: [wait] });
      await new Promise((resolve) => step.runWithEvents('call: wait {"n": 1}\\ncall: wait {"n": 2}\\ncall: wait {"n": 3}', (e) => {
        if (e.type === "tool-call") results.push("call " + e.toolCall.input.n);
        if (e.type === "tool-result") results.push("result " + e.toolResult.result);
        if (e.type === "final") resolve(); }));
      export default { order, most, results };`,
    );
    expect(value).toEqual({
      order: [3, 2, 1],
      most: 3,
      results: ["call 1", "call 2", "call 3", "result 1", "result 2", "result 3"],
    });
  });
});

describe("a tool in other words", () => {
  it.each(["input", "parameters", "inputSchema", "input_schema", "schema"])("has its schema as %s", async (field) => {
    const { value } = await run(
      `const a = { name: "a", ${field}: { type: "object", properties: { n: { type: "number" } }, required: ["n"] }, execute: ({ n }) => n + 1 };
      export default [await chat('call: a {"n": 1}', { tools: [a] }), await chat("call: a {}", { tools: [a] })];`,
    );
    expect(value).toEqual([
      "[demo] a answered: 2",
      "[demo] a answered: Error: the input does not fit: input.n: expected a number, found nothing",
    ]);
  });

  it("is taken as OpenAI has it, with its function at either level", async () => {
    const { value } = await run(
      `const inner = { name: "a", parameters: { type: "object", properties: { n: { type: "number" } } } };
      const tools = [
        { type: "function", function: { ...inner, run: ({ n }) => n + 1 } },
        { type: "function", function: inner, run: ({ n }) => n + 2 },
      ];
      const texts = []; for (const tool of tools) texts.push(await chat('call: a {"n": 1}', { tools: [tool] })); export default texts;`,
    );
    expect(value).toEqual(["[demo] a answered: 2", "[demo] a answered: 3"]);
  });

  it("may be said by any Standard Schema that offers a JSON schema, which fills in and changes what the tool gets", async () => {
    const { value } = await run(
      `const json = { type: "object", properties: { n: { type: "number" } } };
      const validate = (v) => v.n === 13 ? { issues: [{ message: "bad luck", path: ["n"] }] } : { value: { ...v, extra: "filled in" } };
      const late = async (v) => validate(v);
      const standards = [
        { "~standard": { version: 1, vendor: "a", validate, jsonSchema: { input: ({ target }) => ({ $schema: "https://json-schema.org/" + target, ...json }) } } },
        { "~standard": { version: 1, vendor: "b", validate: late }, toJSONSchema: () => json },
        Object.assign(() => {}, { "~standard": { version: 1, vendor: "c", validate }, toJsonSchema: () => json }),
      ];
      const texts = [];
      for (const input of standards) {
        const a = { name: "a", input, run: (given) => given };
        texts.push(await chat('call: a {"n": 1}', { tools: [a] }), await chat('call: a {"n": 13}', { tools: [a] }), await chat('call: a {"n": "1"}', { tools: [a] }));
      }
      export default texts;`,
    );
    const each = [
      '[demo] a answered: {"n":1,"extra":"filled in"}',
      "[demo] a answered: Error: the input does not fit: input.n: bad luck",
      '[demo] a answered: Error: the input does not fit: input.n: expected a number, found "1"',
    ];
    expect(value).toEqual([...each, ...each, ...each]);
  });

  it("that no JSON schema can be had of is refused, with what to do", async () => {
    const refusalOf = async (input: string) =>
      (await run(`await chat("hi", { tools: [{ name: "a", input: ${input}, run() {} }] });`)).error;
    expect(await refusalOf(`{ "~standard": { version: 1, vendor: "valibot", validate() {} } }`)).toMatchObject({
      name: "ValidationError",
      message:
        'Cannot use the schema of the tool "a": valibot does not offer it as a JSON schema, give the JSON schema itself',
    });
    expect(await refusalOf(`{ toJSONSchema() { throw new Error("Date cannot be represented") } }`)).toMatchObject({
      message: 'Cannot use the schema of the tool "a": it has no JSON schema: Date cannot be represented',
    });
    expect(await refusalOf(`{ city: { type: "string" } }`)).toMatchObject({
      message: expect.stringContaining("none of its fields is a keyword of JSON schema: city"),
    });
  });

  it.each([
    [`{ name: "a", run: 5 }`, "options.tools[0].run: no such field"],
    [`{ name: "a", run() {}, execute() {} }`, "options.tools[0].execute: no such field"],
    [
      `{ name: "a", descripton: "x", run() {} }`,
      'options.tools[0].descripton: no such field, did you mean "description"?',
    ],
  ])("that nobody knows is refused by its name: %s", async (tool, words) => {
    const { error } = await run(`await chat("hi", { tools: [${tool}] });`);
    expect(error).toMatchObject({ name: "ValidationError", message: expect.stringContaining(words) });
  });

  it("may be said by zod, whose defaults the tool gets", async () => {
    const folder = fileURLToPath(new URL("../..", import.meta.url));
    const { value, error } = await run(
      `import { z } from "zod";
      const input = z.object({ city: z.string(), unit: z.enum(["C", "F"]).default("C"), when: z.string().transform((s) => s.length).optional() });
      const a = { name: "a", input, run: (given) => given };
      export default [await chat('call: a {"city": "Oslo", "when": "now"}', { tools: [a] }), await chat('call: a {"unit": "K"}', { tools: [a] })];`,
      { folder, permissions: { import: [folder] } },
    );
    expect(error).toBeUndefined();
    expect(value).toEqual([
      '[demo] a answered: {"city":"Oslo","unit":"C","when":3}',
      '[demo] a answered: Error: the input does not fit: input.unit: expected "C" or "F", found "K"',
    ]);
  });
});

describe("a tool of the host's", () => {
  it("may be said by any Standard Schema, and is refused where that offers no JSON schema, or a field is unknown", async () => {
    const standard = { vendor: "own", validate: (value: unknown) => ({ value: { ...(value as object), more: 1 } }) };
    const offered = { "~standard": { ...standard, jsonSchema: { input: () => ({ type: "object" }) } } };
    const tools = { a: { input: offered, run: (input: unknown) => input } };
    expect((await run(`export default await chat("call: a {}", { tools: ["a"] });`, { tools })).value).toBe(
      '[demo] a answered: {"more":1}',
    );
    await expect(run("", { tools: { a: { input: { "~standard": standard }, run: () => 1 } } })).rejects.toThrow(
      "own does not offer its schema as a JSON schema",
    );
    await expect(run("", { tools: { a: { parameters: {}, run: () => 1 } as never } })).rejects.toThrow(
      'it has no field "parameters"',
    );
  });

  it("is named by the script, runs on the host, and its input is checked by its zod schema", async () => {
    const inputs: unknown[] = [];
    const tools = {
      add: {
        description: "Adds",
        input: z.object({ a: z.number(), b: z.number() }),
        run: (input: Record<string, unknown>) => (inputs.push(input), Number(input["a"]) + Number(input["b"])),
      },
    };
    const { value } = await run(
      `export default [await chat('call: add {"a": 1, "b": 2}', { tools: ["add"] }), await chat('call: add {"a": "1"}', { tools: ["add"] })];`,
      { tools },
    );
    expect(value).toEqual([
      "[demo] add answered: 3",
      '[demo] add answered: Error: the input does not fit: input.a: expected a number, found "1"',
    ]);
    expect(inputs).toEqual([{ a: 1, b: 2 }]);
  });

  it("gives bigints and vectors as a script's does, and what has no JSON is told as the result's fault", async () => {
    const circle: { name: string; self?: object } = { name: "anna" };
    circle.self = circle;
    const tools = {
      row: { run: () => ({ id: 12n, vector: Float32Array.of(1, 2) }) },
      circle: { run: () => circle },
    };
    const { value } = await run(
      `export default [await chat('call: row {}', { tools: ["row"] }), await chat('call: circle {}', { tools: ["circle"] })];`,
      { tools },
    );
    expect(value).toEqual([
      '[demo] row answered: {"id":"12","vector":[1,2]}',
      '[demo] circle answered: Error: The tool "circle" has run, but its result is not JSON: Converting circular structure to JSON',
    ]);
  });

  it("that the host does not have is a ValidationError", async () => {
    const { error } = await run(`await chat("hi", { tools: ["clok"] });`, { tools: { clock: { run: () => 1 } } });
    expect(error).toMatchObject({
      name: "ValidationError",
      message: 'Cannot offer the tool "clok": the host has clock',
    });
  });
});

describe("onApprove", () => {
  it("refuses calls, which the model sees, and is asked for one at a time", async () => {
    const asked: string[] = [];
    let open = 0;
    const { value } = await run(
      `const echo = { name: "echo", run: ({ x }) => x };
      export default await chat('call: echo {"x": 1}\\ncall: echo {"x": 2}\\ncall: echo {"x": 3}', { tools: [echo] });`,
      {
        onApprove: async ({ name, input }) => {
          expect(open++).toBe(0);
          await new Promise((resolve) => setTimeout(resolve, 5));
          open--;
          asked.push(`${name} ${String(input["x"])}`);
          if (input["x"] === 3) throw new Error("/secret/path");
          return input["x"] === 1;
        },
      },
    );
    expect(asked).toEqual(["echo 1", "echo 2", "echo 3"]);
    expect(value).toBe(
      "[demo] echo answered: 1\necho answered: Error: the call was not approved\necho answered: Error: the call was not approved: asking for approval failed",
    );
  });

  it("that never answers does not hold up a cancel", async () => {
    const { value } = await run(
      `const step = new ChatStepFactory().newStep({ tools: [{ name: "a", run: () => 1 }] });
      export default await new Promise((resolve) => step.runWithEvents("call: a {}", (e) => {
        if (e.type === "tool-call") setTimeout(() => step.cancel(), 10);
        if (e.type === "interrupt") resolve(e.type); }));`,
      { onApprove: () => new Promise(() => {}) },
    );
    expect(value).toBe("interrupt");
  });

  it("takes nothing but true for a yes, such as an answer that says no", async () => {
    for (const said of [{ approved: false }, "no", 1, undefined]) {
      const { value } = await run(
        `export default await chat("call: a {}", { tools: [{ name: "a", run: () => "made" }] });`,
        { onApprove: (() => said) as never },
      );
      expect(value).toBe("[demo] a answered: Error: the call was not approved");
    }
  });
});

describe("a tool without run", () => {
  it("ends the step with final, and the message holds what was asked", async () => {
    const { value } = await run(
      `const conv = new Conversation(); conv.addMessage("user", 'call: pay {"sum": 5}');
      const step = new ChatStepFactory().newStep({ tools: [{ name: "pay", input: { type: "object", properties: { sum: { type: "number" } } } }] });
      const [message] = await step.startAsync(conv);
      const [call] = message.toolCalls;
      conv.append(message); conv.addToolUse(call.id, call.name, call.input); conv.addToolResult(call.id, "paid");
      const [answer] = await step.startAsync(conv);
      export default [message.toolCalls, message.metadata.stopReason, answer.text];`,
    );
    expect(value).toEqual([
      [{ id: "demo_call_1", name: "pay", input: { sum: 5 } }],
      "tool-calls",
      "[demo] pay answered: paid",
    ]);
  });
});

describe("a schema that is none", () => {
  it.each([
    [`{ type: "objekt" }`, "Unsupported type: objekt"],
    [`{ type: "object", properties: 5 }`, '"properties" must be an object'],
    [`{ type: "object", required: "a" }`, '"required" must be a list of names'],
    [`{ type: "object", properties: { a: null } }`, '"properties.a" must be an object'],
    [`{ $ref: "http://127.0.0.1/x" }`, "External $ref is not supported"],
    [`{ not: 5 }`, '"not" must be an object'],
    [`{ type: "object", properties: { a: { type: "string", pattern: "(" } } }`, "Invalid regular expression"],
  ])("%s is a ValidationError that names the tool", async (schema, words) => {
    const { error } = await run(`await chat("hi", { tools: [{ name: "t", input: ${schema}, run() {} }] });`);
    expect(error).toMatchObject({ name: "ValidationError", code: "ERR_SCHEMA" });
    expect(error!.message).toContain('Cannot use the input schema of tool "t"');
    expect(error!.message).toContain(words);
  });

  it("or whose pattern takes for ever costs the host no more than a moment", async () => {
    const { result, ms, allow } = await timed(() =>
      run(
        `const t = { name: "t", input: { type: "object", properties: { a: { type: "string", pattern: "^(a+)+$" } } }, run: () => 1 };
      export default await chat('call: t {"a": "${"a".repeat(40)}!"}', { tools: [t] });`,
      ),
    );
    expect(result.value).toContain('input.a: expected a text that fits the pattern "^(a+)+$"');
    expect(ms).toBeLessThan(allow(3000));
  });
});

describe("rounds of tools", () => {
  let server: ScriptedServer;
  beforeAll(async () => {
    server = await startScriptedServer();
  });
  afterAll(() => server.close());
  const call = (n: number) => ({ name: "next", arguments: JSON.stringify({ n }) });
  const TOOL = `const next = { name: "next", input: { type: "object", properties: { n: { type: "integer" } } }, run: ({ n }) => n + 1 };`;

  it("go on until the model answers; texts add up in the events, usage in the message", async () => {
    server.play(
      { text: "One. ", calls: [call(1)] },
      { text: "Two. ", calls: [call(2), { ...call(3), id: "x" }] },
      { text: "Done." },
    );
    const { value } = await run(
      `${WEATHER}${TOOL}
      const step = new ChatStepFactory().newStep({ tools: [next], toolChoice: "required" });
      const events = await collect(step, "go"); const { text, result } = events.at(-1);
      export default [text, result.text, result.metadata.usage, events.filter((e) => e.delta).at(-1).completion, events.map((e) => e.type).join()];`,
      { chat: server.settings },
    );
    expect(value).toEqual([
      "One. Two. Done.",
      "Done.",
      { inputTokens: 30, outputTokens: 6 },
      "One. Two. Done.",
      "start,partial,tool-call,tool-result,partial,tool-call,tool-call,tool-result,tool-result,partial,final",
    ]);
    expect(server.bodies.map(({ tool_choice }) => tool_choice)).toEqual(["required", undefined, undefined]);
    expect(server.bodies[2]!.messages.slice(1)).toMatchObject([
      { role: "assistant", content: "One. ", tool_calls: [{ id: "call_0" }] },
      { role: "tool", tool_call_id: "call_0", content: "2" },
      { role: "assistant", content: "Two. ", tool_calls: [{ id: "call_0" }, { id: "x" }] },
      { role: "tool", tool_call_id: "call_0", content: "3" },
      { role: "tool", tool_call_id: "x", content: "4" },
    ]);
  });

  it("are at most maxToolRounds, then the run ends in a LimitError", async () => {
    server.play(...[1, 2, 3, 4].map((n) => ({ calls: [call(n)] })));
    const { error } = await run(`${TOOL} await chat("go", { tools: [next], maxToolRounds: 2 });`, {
      chat: server.settings,
    });
    expect(error).toMatchObject({ name: "LimitError", code: "ERR_LIMIT_TOOL_ROUNDS" });
    expect(error!.message).toBe(
      "Cannot go on: the model still calls tools after 2 rounds; raise it with maxToolRounds",
    );
    expect(server.bodies).toHaveLength(3);
  });

  it.each([
    ["maxToolRounds", "maxToolRounds: 1", [[call(1)], [call(2), { ...call(3), id: "x" }]], "ERR_LIMIT_TOOL_ROUNDS"],
    [
      "repeated calls",
      "maxToolRounds: 9",
      [[call(1)], [call(1)], [call(1), { ...call(2), id: "x" }]],
      "ERR_LIMIT_TOOL_REPEATS",
    ],
  ])("have a result for each call in the events when %s end the run", async (_, options, turns, code) => {
    server.play(...turns.map((calls) => ({ calls })));
    const { value } = await run(
      `${TOOL} const step = new ChatStepFactory().newStep({ tools: [next], ${options} });
      const events = [];
      for await (const e of step.events("go")) events.push(e);
      export default events.map((e) => [e.type, e.toolResult?.isError ?? false, e.toolResult?.code ?? e.code].filter(Boolean).join(" "));`,
      { chat: server.settings },
    );
    const rounds = turns
      .slice(0, -1)
      .flatMap((calls) => [...calls.map(() => "tool-call"), ...calls.map(() => "tool-result")]);
    const last = turns.at(-1)!.flatMap(() => "tool-call");
    const declined = last.map(() => `tool-result true ${code}`);
    expect(value).toEqual(["start", ...rounds, ...last, ...declined, `error ${code}`]);
  });

  it("end in a LimitError when the same call comes a third time, whatever the order of its fields", async () => {
    const twisted = { name: "next", arguments: '{"b":1,"n":1}' };
    server.play({ calls: [twisted] }, { calls: [{ name: "next", arguments: '{"n":1,"b":1}' }] }, { calls: [twisted] });
    const { value } = await run(
      `${TOOL} let ran = 0; const counted = { ...next, run: () => ++ran };
      let error; try { await chat("go", { tools: [counted] }); } catch (e) { error = e.code; }
      export default [error, ran];`,
      { chat: server.settings },
    );
    expect(value).toEqual(["ERR_LIMIT_TOOL_REPEATS", 2]);
  });

  it("see an error result flagged, and calls that nobody offered end the run with final", async () => {
    server.play({ calls: [call(1)] });
    const { value } = await run(
      `export default (await new ChatStepFactory().newStep().startAsync("go"))[0].toolCalls;`,
      {
        chat: server.settings,
      },
    );
    expect(value).toEqual([{ id: "call_0", name: "next", input: { n: 1 } }]);
  });

  it("that are cancelled in the second answer close its socket and interrupt with the text of both", async () => {
    server.play({ text: "One. ", calls: [call(1)] }, { text: "Two. ", hangs: true });
    const before = server.closedByClient;
    const { value } = await run(
      `${TOOL} const step = new ChatStepFactory().newStep({ tools: [next] });
      export default await new Promise((resolve) => step.runWithEvents("go", (e) => {
        if (e.completion === "One. Two. ") step.cancel();
        if (e.type === "interrupt") resolve(e.text); }));`,
      { chat: server.settings },
    );
    expect(value).toBe("One. Two. ");
    await expect.poll(() => server.closedByClient - before).toBe(1);
  });
});

describe.skipIf(!sharedFolder)("a model that thinks before it calls a tool", () => {
  it("gets its signed thoughts back with the result", async () => {
    const replay = await startReplay();
    try {
      const engine = new RuntimeEngine({
        isolation: "thread",
        setup: [
          setupDefaults({
            env: {},
            chat: { provider: "anthropic", baseURL: replay.anthropicBaseURL, apiKey: "k", retry: { attempts: 1 } },
          }),
        ],
      });
      await engine.start();
      const { name, input } = loadRecordings().find((recording) => recording.name === "ant-thinking-tool")!
        .expectedToolCalls![0]!;
      const { value, error } = await engine.runScript({
        code: `const tool = { name: ${JSON.stringify(name)}, run: (input) => JSON.stringify(input) };
          export default await chat("go", { model: "ant-thinking-tool>ant-text-sonnet45", tools: [tool] });`,
      });
      await engine.close();
      expect(error).toBeUndefined();
      const expected = loadRecordings().find((recording) => recording.name === "ant-text-sonnet45")!.expectedText;
      expect(value).toBe(expected);
      const [, asked, answered] = replay.requests[1]!.body["messages"] as { role: string; content: unknown[] }[];
      expect(asked!.content[0]).toMatchObject({
        type: "thinking",
        thinking: expect.stringMatching(/./),
        signature: expect.stringMatching(/.{50}/),
      });
      expect(asked!.content.at(-1)).toMatchObject({ type: "tool_use", name, input });
      expect(answered!.content[0]).toMatchObject({ type: "tool_result", content: JSON.stringify(input) });
    } finally {
      await replay.close();
    }
  });
});
