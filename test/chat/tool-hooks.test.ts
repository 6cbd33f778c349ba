import { describe, expect, it } from "vitest";
import { ISOLATIONS } from "../engine/engine-harness.ts";
import { ScriptedChat } from "../../src/testing.ts";
import { runChat } from "./run-chat.ts";

const WEATHER = `const calls = [];
const weather = {
  name: "weather", input: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  run: async ({ city }) => { calls.push(city); if (city === "Atlantis") throw new Error("it sank"); return { city, sky: "blue" }; },
};
const ask = async (hooks, call = 'weather {"city": "Rome"}', more = {}) => {
  const results = [];
  const step = new ChatStepFactory().newStep({ tools: [weather], hooks, ...more });
  let end;
  for await (const event of step.events("call: " + call)) {
    if (event.type === "tool-result") results.push(event.toolResult);
    if (event.type === "final" || event.type === "error") end = event;
  }
  return { results, calls: calls.splice(0), text: end.text ?? end.code + ": " + end.error };
};
`;

describe.each(ISOLATIONS)("hooks of a script (%s)", (isolation) => {
  it("change what a tool is called with, and the result says so", async () => {
    const { value, error } = await runChat(
      `${WEATHER}
      const told = [];
      const beforeTool = async (call, { attempt, signal }) => { told.push([call, attempt, signal.aborted]); return { input: { city: call.input.city + "!" } }; };
      export default { ...await ask({ beforeTool }), told };`,
      { isolation },
    );
    expect(error).toBeUndefined();
    expect(value).toEqual({
      results: [{ id: "demo_call_1", result: { city: "Rome!", sky: "blue" }, input: { city: "Rome!" } }],
      calls: ["Rome!"],
      text: '[demo] weather answered: {"city":"Rome!","sky":"blue"}',
      told: [[{ id: "demo_call_1", name: "weather", input: { city: "Rome" } }, 1, false]],
    });
  });

  it("refuse a call with a reason that the model is told, or answer it themselves", async () => {
    const { value } = await runChat(
      `${WEATHER}
      export default [await ask({ beforeTool: () => ({ refuse: "not today" }) }), await ask({ beforeTool: () => ({ result: { sky: "known" } }) })];`,
      { isolation },
    );
    expect(value).toEqual([
      {
        results: [{ id: "demo_call_1", result: "Error: not today", isError: true }],
        calls: [],
        text: "[demo] weather answered: Error: not today",
      },
      {
        results: [{ id: "demo_call_1", result: { sky: "known" } }],
        calls: [],
        text: '[demo] weather answered: {"sky":"known"}',
      },
    ]);
  });

  it("change the result, and see whether it is an error", async () => {
    const { value } = await runChat(
      `${WEATHER}
      const seen = [];
      const afterTool = (call, outcome) => { seen.push([call.input.city, outcome]); return outcome.isError ? { result: "unknown" } : { result: "no", isError: true }; };
      export default [await ask({ afterTool }), await ask({ afterTool }, 'weather {"city": "Atlantis"}'), seen];`,
      { isolation },
    );
    expect(value).toEqual([
      {
        results: [{ id: "demo_call_1", result: "no", isError: true }],
        calls: ["Rome"],
        text: "[demo] weather answered: no",
      },
      {
        results: [{ id: "demo_call_1", result: "unknown" }],
        calls: ["Atlantis"],
        text: "[demo] weather answered: unknown",
      },
      [
        ["Rome", { result: { city: "Rome", sky: "blue" }, isError: false }],
        ["Atlantis", { result: "Error: it sank", isError: true }],
      ],
    ]);
  });

  it("have a call made again, with another input if they want, and work in startBlocking", async () => {
    const { value } = await runChat(
      `${WEATHER}
      const attempts = [];
      const afterTool = (call, { isError }, { attempt }) => { attempts.push(attempt); return isError ? { retry: true, input: { city: attempt > 1 ? "Oslo" : "Atlantis" } } : undefined; };
      const result = await ask({ afterTool }, 'weather {"city": "Atlantis"}');
      let n = 0;
      const now = { name: "now", run: () => ++n };
      const [message] = new ChatStepFactory().newStep({ tools: [now], hooks: { afterTool: (c, { result }) => result < 3 ? { retry: true } : undefined } }).startBlocking("call: now {}");
      let refused; try { new ChatStepFactory().newStep({ tools: [now], hooks: { beforeTool: async () => {} } }).startBlocking("call: now {}"); } catch (e) { refused = e.code; }
      export default { ...result, attempts, blocking: message.text, refused };`,
      { isolation },
    );
    expect(value).toEqual({
      results: [{ id: "demo_call_1", result: { city: "Oslo", sky: "blue" }, input: { city: "Oslo" }, attempts: 3 }],
      calls: ["Atlantis", "Atlantis", "Oslo"],
      text: '[demo] weather answered: {"city":"Oslo","sky":"blue"}',
      attempts: [1, 2, 3],
      blocking: "[demo] now answered: 3",
      refused: "ERR_STEP_ASYNC",
    });
  });
});

describe("hooks", () => {
  it("of a script are asked for a tool of the host's too, and the host's see what they give", async () => {
    const log: unknown[] = [];
    const { value, error } = await runChat(
      `const hooks = { beforeTool: (call) => ({ input: { n: call.input.n + 1 } }), afterTool: (call, { result }) => ({ result: [result, "script"] }) };
      export default await chat('call: double {"n": 1}', { tools: ["double"], hooks });`,
      {
        tools: { double: { input: { type: "object" }, run: ({ n }) => Number(n) * 2 } },
        hooks: {
          beforeTool: ({ name, input }, { attempt, runId }) => {
            log.push([name, input, attempt, typeof runId]);
            return { input: { n: Number(input["n"]) * 10 } };
          },
          afterTool: ({ input }, { result }) => {
            log.push([input, result]);
            return { result: `host ${String(result)}` };
          },
        },
        onApprove: ({ input }) => log.push(["approve", input]) > 0,
      },
    );
    expect(error).toBeUndefined();
    expect(value).toBe('[demo] double answered: ["host 40","script"]');
    expect(log).toEqual([
      ["double", { n: 2 }, 1, "string"],
      ["approve", { n: 20 }],
      [{ n: 20 }, 40],
    ]);
  });

  it("that have a call made again have it approved again", async () => {
    const approved: unknown[] = [];
    const { value } = await runChat(
      `let n = 0;
      const hooks = { afterTool: (call, outcome, { attempt }) => (attempt === 1 ? { retry: true, input: { path: "/etc/passwd" } } : undefined) };
      export default await chat('call: read {"path": "a"}', { tools: ["read"], hooks });`,
      {
        tools: { read: { input: { type: "object" }, run: ({ path }) => `read ${String(path)}` } },
        onApprove: ({ input }) => {
          approved.push(input["path"]);
          return input["path"] === "a";
        },
      },
    );
    expect(approved).toEqual(["a", "/etc/passwd"]);
    expect(value).toBe("[demo] read answered: Error: the call was not approved");
  });

  it("may mend an input that does not fit; what they give is checked likewise", async () => {
    const { value } = await runChat(
      `${WEATHER}
      export default [await ask({ beforeTool: ({ input }) => ({ input: { city: String(input.city) } }) }, 'weather {"city": 5}'),
        await ask({ beforeTool: () => ({ input: { city: 5 } }) }), await ask({ beforeTool: () => ({ input: {} }) }, "weather [1]")].map((r) => r.results[0].result);`,
    );
    expect(value).toEqual([
      { city: "5", sky: "blue" },
      "Error: the input does not fit: input.city: expected a string, found 5",
      "Error: the input does not fit: the arguments are not a JSON object: [1]",
    ]);
  });

  it("end the run when they throw, answer what is no answer, or ask again without end", async () => {
    const { value } = await runChat(
      `${WEATHER}
      const texts = [];
      for (const hooks of [{ beforeTool: () => { throw new Error("broken"); } }, { beforeTool: () => 5 }, { beforeTool: () => ({ refused: "x" }) }, { beforeTool: () => ({ input: {}, result: 1 }) },
        { beforeTool: () => ({ input: [] }) }, { beforeTool: () => ({ refuse: true }) }, { afterTool: () => ({ retry: 5 }) }, { afterTool: () => ({ result: 1, isError: "no" }) }, { afterTool: () => ({ retry: true }) }])
        texts.push((await ask(hooks)).text);
      export default texts;`,
    );
    expect(value).toEqual([
      "ERR_STEP: broken",
      'ERR_VALIDATION: Cannot use what hooks.beforeTool gave for "weather": expected nothing or an object, found number',
      'ERR_VALIDATION: Cannot use what hooks.beforeTool gave for "weather": it has no field "refused", did you mean "refuse"?',
      'ERR_VALIDATION: Cannot use what hooks.beforeTool gave for "weather": give one of input, refuse and result, not two',
      'ERR_VALIDATION: Cannot use what hooks.beforeTool gave for "weather": input must be an object',
      'ERR_VALIDATION: Cannot use what hooks.beforeTool gave for "weather": refuse must be the reason, a text',
      'ERR_VALIDATION: Cannot use what hooks.afterTool gave for "weather": retry must be true',
      'ERR_VALIDATION: Cannot use what hooks.afterTool gave for "weather": isError must be true or false',
      'ERR_LIMIT_TOOL_ATTEMPTS: Cannot call the tool "weather" again: hooks.afterTool has asked for it 10 times',
    ]);
  });

  it("that hang end the run after the tool's time; a call that is cancelled aborts their signal", async () => {
    const { value } = await runChat(
      `${WEATHER}
      let reason;
      const hangs = (_, { signal }) => new Promise(() => signal.addEventListener("abort", () => (reason = signal.reason.name)));
      const { text } = await ask({ beforeTool: hangs }, undefined, { toolTimeoutMs: 30 });
      const step = new ChatStepFactory().newStep({ tools: [weather], hooks: { beforeTool: (call, told) => { setTimeout(() => step.cancel(), 5); return hangs(call, told); } } });
      const types = []; for await (const { type } of step.events('call: weather {"city": "Rome"}')) types.push(type);
      export default { text, types, reason, calls };`,
    );
    expect(value).toEqual({
      text: "ERR_TIMEOUT: Cannot go on: hooks.beforeTool did not answer within 30 ms",
      types: ["start", "tool-call", "interrupt"],
      reason: "AbortError",
      calls: [],
    });
  });

  it("decide about one call at a time, and the calls run together", async () => {
    const { value } = await runChat(
      `let open = 0, most = 0, running = 0, together = 0; const ends = [];
      const wait = { name: "wait", input: { type: "object" }, run: () => new Promise((end) => { together = Math.max(together, ++running); ends.push(end); if (ends.length === 3) for (const each of ends) each("done"); }) };
      const beforeTool = async () => { most = Math.max(most, ++open); await new Promise((r) => setTimeout(r, 1)); open--; };
      const text = await chat('call: wait {"n": 1}\\ncall: wait {"n": 2}\\ncall: wait {"n": 3}', { tools: [wait], hooks: { beforeTool } });
      export default { most, together };`,
    );
    expect(value).toEqual({ most: 1, together: 3 });
  });

  it("are part of a session, and must be given again after JSON, like a function for its context", async () => {
    const { value } = await runChat(
      `const hooks = { beforeTool: () => ({ result: "hooked" }) };
      const now = { name: "now", run: () => "noon" };
      const compact = (messages) => messages;
      const a = new ChatSession({ tools: [now], hooks, context: { maxTokens: 5000, compact } });
      const first = (await a.next("call: now {}")).text;
      const json = JSON.parse(JSON.stringify(a));
      const say = (options) => { try { return ChatSession.from(json, options); } catch (e) { return e.message; } };
      const b = say({ tools: [now], hooks, context: { maxTokens: 5000, compact } });
      export default { first, functions: json.functions, options: Object.keys(json.options), context: json.options.context, missing: [say({ tools: [now], context: { maxTokens: 1, compact } }), say({ tools: [now], hooks })],
        again: (await b.next("call: now {}")).text };`,
    );
    const cannot = (what: string, how: string): string =>
      `Cannot restore the session: ${what} is a function, which JSON cannot hold; give it again: ChatSession.from(json, ${how})`;
    expect(value).toEqual({
      first: "[demo] now answered: hooked",
      functions: ["hooks.beforeTool", "context.compact", "now"],
      options: ["tools", "context"],
      context: { maxTokens: 5000 },
      missing: [
        cannot("hooks.beforeTool", "{ hooks: { beforeTool } }"),
        cannot("context.compact", "{ context: { maxTokens, compact } }"),
      ],
      again: "[demo] now answered: hooked",
    });
  });

  it.each([
    ["{ beforeTool: 5 }", "options.hooks.beforeTool: expected a function, found something else"],
    ["{ before: () => {} }", 'options.hooks.before: no such field, did you mean "beforeTool"?'],
  ])("that are %s are refused", async (hooks, text) => {
    const { error } = await runChat(`await chat("hi", { hooks: ${hooks} });`, {
      chatProvider: new ScriptedChat(["no"]),
    });
    expect(error).toMatchObject({ name: "ValidationError", message: expect.stringContaining(text) });
  });
});
