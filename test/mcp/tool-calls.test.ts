import { describe, expect, it } from "vitest";
import type { StepEvent } from "../../src/index.ts";
import { mcpValue, runMcp, scripted } from "./run-mcp.ts";

describe("mcp.SERVER.TOOL()", () => {
  it("gives structured content, JSON objects and lists as values, and every other text as it is", async () => {
    const code = `const { say, total, add } = mcp.test;
      const said = [];
      for (const text of ['{"a":1}', "[1]", "42", "true", "null", '"x"', "{not JSON", ""]) said.push(await say({ text }));
      export default [await total({ a: 1, b: 2 }), await add({ a: 1, b: 2 }), ...said]`;
    expect(await mcpValue(code)).toEqual([
      { sum: 3 },
      "3",
      { a: 1 },
      [1],
      "42",
      "true",
      "null",
      '"x"',
      "{not JSON",
      "",
    ]);
  });

  it("gives images and resources as objects, several parts as a list, and undefined for nothing", async () => {
    const picture = { type: "image", mimeType: "image/png", data: "iVBORw0KGgo=" };
    const parts = [
      "a picture",
      picture,
      { type: "resource", uri: "test://1", mimeType: "text/plain", text: "one" },
      { type: "resource_link", uri: "test://2", name: "two" },
    ];
    const code = `export default [await mcp.test.picture(), await mcp.test.parts(), await mcp.test.nothing()]`;
    expect(await mcpValue(code)).toEqual([picture, parts, undefined]);
  });

  it("refuses arguments that do not fit the tool's schema, and the server does not hear of them", async () => {
    const code = `export default [
      await rejection(mcp.test.add({ a: 1, b: "2" })),
      await rejection(mcp.test.add()),
      await rejection(mcp.test.add([1, 2])),
      await rejection(mcp.test.say({ text() {} })),
      await mcp.test.calls()]`;
    expect(await mcpValue(code)).toEqual([
      ["ValidationError", "ERR_VALIDATION", 'Cannot call mcp.test.add: args.b: expected a number, found "2"'],
      ["ValidationError", "ERR_VALIDATION", "Cannot call mcp.test.add: args.a: expected a number, found nothing"],
      ["ValidationError", "ERR_VALIDATION", "Cannot call mcp.test.add: its arguments must be an object"],
      ["ValidationError", "ERR_VALIDATION", expect.stringContaining("function")],
      "1",
    ]);
  });

  it("refuses what does not fit the schema of the tool's output", async () => {
    const code = `export default [await rejection(mcp.test.wrong_total()), await rejection(mcp.test.no_total())]`;
    const start = 'Cannot call mcp.test.wrong_total: the MCP server "test" has given what its tool does not promise';
    expect(await mcpValue(code)).toEqual([
      ["StepError", "ERR_MCP_SERVER", `${start}: result.sum: expected a number, found "six"`],
      ["StepError", "ERR_MCP_SERVER", expect.stringContaining("has not given the structured content")],
    ]);
  });

  it("rejects with the words of a tool that fails and of a server that refuses, made visible", async () => {
    const code = `export default [await rejection(mcp.test.fail()), await rejection(mcp.test.refuse())]`;
    expect(await mcpValue(code)).toEqual([
      ["StepError", "ERR_MCP_TOOL", "Cannot call mcp.test.fail: the disk is \\u001b[31mfull"],
      ["StepError", "ERR_MCP_TOOL", expect.stringContaining("not \\u202ewith me")],
    ]);
  });

  it("finds tools by identifier and by their own names; where two have one identifier that is an error", async () => {
    const code = `export default [
      await mcp.test["say-it"](),
      await rejection(mcp.test.say_it()),
      await mcp.test.call("say_it"),
      await mcp.test.call("say-it"),
      await rejection(mcp.test.ad({})),
      await rejection(mcp.test.call("no-such-thing"))]`;
    const clash = `Cannot call mcp.test.say_it: the server's tools "say-it" and "say_it" both have this name; call one as mcp.test.call("say-it", …)`;
    expect(await mcpValue(code)).toEqual([
      "say-it",
      ["ValidationError", "ERR_MCP_NAME", clash],
      "say_it",
      "say-it",
      ["ValidationError", "ERR_MCP_NAME", "Cannot call mcp.test.ad: the server has no such tool; did you mean add?"],
      ["ValidationError", "ERR_MCP_NAME", expect.stringContaining("it has add, total, wrong_total")],
    ]);
  });

  it("is withdrawn by a signal, before and during the call", async () => {
    const code = `const before = await rejection(mcp.test.add({ a: 1, b: 2 }, { signal: AbortSignal.abort(new Error("early")) }));
      const { signal, abort } = (() => { const c = new AbortController(); return { signal: c.signal, abort: (r) => c.abort(r) }; })();
      const hanging = rejection(mcp.test.hang({}, { signal }));
      await mcp.test.pid();
      abort(new Error("late"));
      export default [before, await hanging, await mcp.test.calls()]`;
    expect(await mcpValue(code)).toEqual([["Error", undefined, "early"], ["Error", undefined, "late"], "3"]);
  });

  it("ends when the server takes longer than it may", async () => {
    const servers = { test: scripted("", { timeoutMs: 3_000 }) };
    expect(await mcpValue(`export default await rejection(mcp.test.hang())`, { servers })).toEqual([
      "TimeoutError",
      "ERR_MCP_TIMEOUT",
      'Cannot call mcp.test.hang: the MCP server "test" has not answered within 3000 ms',
    ]);
  });

  it("is a run whose events name the server and the tool", async () => {
    const events: string[] = [];
    const onEvent = ({ type, step, meta }: StepEvent): void => void events.push(`${type} ${step.type} ${meta.engine}`);
    const outcome = await runMcp(`await mcp.test.add({ a: 1, b: 2 }); await mcp.test.fail().catch(() => {})`, {
      script: { onEvent },
    });
    expect(outcome.ok).toBe(true);
    expect(events).toEqual(["start mcp test.add", "final mcp test.add", "start mcp test.fail", "error mcp test.fail"]);
  });
});

describe("mcp", () => {
  it("has the servers that the host names, and says so for any other name", async () => {
    const code = `const thrown = (fn) => { try { return fn(); } catch (e) { return [e.name, e.code, e.message]; } };
      export default [thrown(() => mcp.tset), thrown(() => mcp.nothing.x()), mcp.then, mcp.test.then, String(mcp.test.add.name),
        thrown(() => { "use strict"; mcp.test.add = 1; })[0], thrown(() => { "use strict"; mcp.test = 1; })[0]]`;
    expect(await mcpValue(code)).toEqual([
      ["ConfigError", "ERR_CONFIG", "Cannot use mcp.tset: there is no such server; did you mean test?"],
      [
        "ConfigError",
        "ERR_CONFIG",
        "Cannot use mcp.nothing: there is no such server; the servers are test; the configuration or the host names them",
      ],
      undefined,
      undefined,
      "add",
      "TypeError",
      "TypeError",
    ]);
  });

  it("makes identifiers of the names of servers", async () => {
    const servers = { "my-server": scripted() };
    expect(await mcpValue(`export default await mcp.my_server.add({ a: 1, b: 1 })`, { servers })).toBe("2");
  });

  it.each([
    ["a clash", { "a-b": scripted(), a_b: scripted() }, /"a-b" is mcp.a_b already/],
    ["a name of its own", { search: scripted() }, /mcp.search is something else/],
    ["neither command nor url", { x: {} }, /either a command or a url/],
    ["both", { x: { command: "a", url: "http://localhost" } }, /either a command or a url/],
    ["an unknown field", { x: { command: "a", arg: [] } }, /no field "arg"; did you mean "args"/],
    ["a URL of another kind", { x: { url: "file:///etc" } }, /http or https/],
    ["a time that is none", { x: { command: "a", timeoutMs: -1 } }, /timeoutMs/],
  ])("refuses %s", async (_, servers, message) => {
    await expect(runMcp("1", { servers: servers as never })).rejects.toThrow(message);
  });

  it("may use only the servers that are allowed, and the error names the flag", async () => {
    const code = `export default await rejection(mcp.test.add({ a: 1, b: 2 }))`;
    expect(await mcpValue(code, { allowed: ["other"] })).toEqual([
      "PermissionError",
      "ERR_PERMISSION",
      "mcp access denied: test: it is not among the allowed servers; allow it with --allow-mcp=test",
    ]);
  });

  it("gives servers nothing of the environment but what their programs need, and what they are given", async () => {
    process.env["MCP_TEST_CANARY"] = "secret";
    const servers = { test: scripted("", { env: { OWN: "mine" } }) };
    const code = `const env = (name) => mcp.test.env({ name });
      export default [await env("MCP_TEST_CANARY"), await env("OWN"), (await env("PATH")) !== "not set"]`;
    try {
      expect(await mcpValue(code, { servers })).toEqual(["not set", "mine", true]);
    } finally {
      delete process.env["MCP_TEST_CANARY"];
    }
  });
});
