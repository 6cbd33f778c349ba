import { describe, expect, it } from "vitest";
import { ScriptedChat, type StepEvent } from "../../src/index.ts";
import { mcpValue, runMcp, scripted } from "./run-mcp.ts";

describe("mcp.SERVER", () => {
  it("lists and reads resources", async () => {
    const code = `const { resources } = mcp.test;
      export default [await resources.list(), await resources.templates(), await resources.read("test://1"), await resources.read("test://both")]`;
    expect(await mcpValue(code)).toEqual([
      [{ uri: "test://1", name: "one", mimeType: "text/plain" }],
      [{ uriTemplate: "test://{n}", name: "any" }],
      { uri: "test://1", mimeType: "text/plain", text: "the text of test://1" },
      [
        { uri: "test://both", text: "a" },
        { uri: "test://both", data: "AAE=" },
      ],
    ]);
  });

  it("lists and gets prompts", async () => {
    const code = `const { prompts } = mcp.test;
      export default [await prompts.list(), await prompts.get("greet", { who: "Ada" }), await rejection(prompts.get("greet", { who: 1 }))]`;
    expect(await mcpValue(code)).toEqual([
      [{ name: "greet", description: "Greets", arguments: [{ name: "who", required: true }] }],
      {
        description: "A greeting",
        messages: [
          { role: "user", text: "Greet Ada" },
          { role: "assistant", content: { type: "image", mimeType: "image/png", data: "AA==" } },
        ],
      },
      ["ValidationError", "ERR_VALIDATION", expect.stringContaining("its arguments must be texts")],
    ]);
  });

  it("tells progress and logs of a call as its events, to the script and to the host", async () => {
    const told: StepEvent[] = [];
    const code = `const seen = [];
      const value = await mcp.test.progress({}, { onEvent: (event) => seen.push(event) });
      export default [value, seen.map(({ type, progress, log }) => progress ?? log ?? type)]`;
    const script = { onEvent: (event: StepEvent) => void told.push(event) };
    const events = [
      "start",
      { level: "warning", logger: "disk", data: { free: "1\u001b[0m MB" } },
      { value: 1, total: 2, message: "part 1" },
      { value: 2, total: 2, message: "part 2" },
      "final",
    ];
    expect(await mcpValue(code, { script })).toEqual(["done", events]);
    expect(told.map(({ type }) => type)).toEqual(["start", "log", "progress", "progress", "final"]);
  });

  it("is given to a chat as tools, whose calls are runs within the chat's, and whose results are data", async () => {
    const told: string[] = [];
    const chatProvider = new ScriptedChat([
      {
        toolCalls: [
          { name: "test_add", input: { a: 20, b: 22 } },
          { name: "test_ignore", input: {} },
        ],
      },
      { text: "It is 42." },
    ]);
    const onEvent = ({ type, meta, step }: StepEvent): void => {
      if (step.type === "mcp")
        told.push(`${type} ${meta.engine} ${step.parentRunId === undefined ? "alone" : "within"}`);
    };
    const code = `const tools = mcp.test.tools({ only: ["add", "ignore"] });
      export default [tools.map((tool) => tool.name), await chat("Add", { tools })]`;
    const value = await mcpValue(code, { defaults: { chatProvider }, script: { onEvent } });
    expect(value).toEqual([["test_add", "test_ignore"], "It is 42."]);
    expect(told.toSorted()).toEqual([
      "final test.add within",
      "final test.ignore within",
      "start test.add within",
      "start test.ignore within",
    ]);
    const { messages = [], tools = [] } = chatProvider.requests.at(-1) ?? {};
    expect(tools.map(({ name }) => name)).toEqual(["test_add", "test_ignore"]);
    const obeyed = messages.filter((message) => JSON.stringify(message).includes("Ignore all previous"));
    expect(obeyed.map(({ role }) => role)).toEqual(["tool"]);
  });
});

describe("mcp.search() and mcp.describe()", () => {
  it("find tools of all servers that are allowed, and leave out servers that cannot be asked", async () => {
    const lost: string[] = [];
    const servers = { test: scripted(), other: scripted(), dead: scripted("dead"), closed: scripted() };
    const code = `export default [await mcp.search("adds numbers"), (await mcp.search("", { limit: 3 })).length, await mcp.search("zzz")]`;
    const value = await mcpValue(code, {
      servers,
      allowed: ["test", "other", "dead"],
      onServerOutput: (server, _, { isLost }) => void (isLost && lost.push(server)),
    });
    const declaration = "add(args: { a: number; b: number }, options?: McpToolOptions): Promise<any>";
    const found = { description: "Adds two numbers", declaration };
    expect(value).toEqual([
      [
        { name: "test.add", ...found },
        { name: "other.add", ...found },
      ],
      3,
      [],
    ]);
    expect(lost).toContain("dead");
    expect(lost).not.toContain("closed");
  });

  it("describe a tool, by a name that is clear", async () => {
    const code = `export default [await mcp.describe("test.total"), await rejection(mcp.describe("test.tota")), await rejection(mcp.describe("test")),
      await rejection(mcp.describe("no.x"))]`;
    const schema = { type: "object", properties: { sum: { type: "number" } }, required: ["sum"] };
    expect(await mcpValue(code)).toEqual([
      {
        name: "test.total",
        server: "test",
        tool: "total",
        description: "",
        input: expect.objectContaining({ required: ["a", "b"] }),
        output: schema,
        declaration: "total(args: { a: number; b: number }, options?: McpToolOptions): Promise<{ sum: number }>",
      },
      ["ValidationError", "ERR_MCP_NAME", expect.stringContaining("did you mean total?")],
      ["ValidationError", "ERR_MCP_NAME", expect.stringContaining(`a tool's name is "server.tool"`)],
      ["ValidationError", "ERR_MCP_NAME", "Cannot use mcp.no: there is no such server"],
    ]);
  });

  it("bound what they give of a server's texts, and a script may print them", async () => {
    const outcome = await runMcp(`console.log(await mcp.search("ignore"), await mcp.describe("test.ignore"))`);
    expect(outcome.ok).toBe(true);
  });
});
