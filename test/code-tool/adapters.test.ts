import { createSdkMcpServer } from "@anthropic-ai/claude-agent-sdk";
import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { AIMessage } from "@langchain/core/messages";
import { DynamicStructuredTool } from "@langchain/core/tools";
import { Agent, type AgentOutputItem, type Model, Runner, tool as agentsTool } from "@openai/agents";
import { generateText, stepCountIs } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeTool, type CodeTool, toAiSdk, toClaudeAgent, toLangChain, toOpenAIAgents } from "../../src/index.ts";
import { SHOP } from "./shop.ts";

const CODE = "return (await tools.orders.find({ id: JSON.parse(input()).id })).state";
const INPUT = { code: CODE, input: { id: 2 } };
const FOREVER = "await new Promise((resolve) => setTimeout(resolve, 600_000))";

let tool: CodeTool;
beforeAll(() => {
  tool = codeTool({ tools: SHOP, check: false, isolation: "thread" });
});
afterAll(() => tool.close());

describe("toAiSdk()", () => {
  it("is a tool that generateText() offers, calls and tells the model of", async () => {
    const usage = {
      inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 1, text: 1, reasoning: 0 },
    };
    const asked: unknown[] = [];
    const model = new MockLanguageModelV4({
      async doGenerate(options) {
        asked.push(options);
        const isFirst = asked.length === 1;
        const call = {
          type: "tool-call",
          toolCallId: "1",
          toolName: "run_code",
          input: JSON.stringify(INPUT),
        } as const;
        return {
          content: isFirst ? [call] : [{ type: "text", text: "It is sent." }],
          finishReason: { unified: isFirst ? "tool-calls" : "stop", raw: undefined },
          usage,
          warnings: [],
        };
      },
    });
    const { text } = await generateText({
      model,
      tools: { ...toAiSdk(tool) },
      prompt: "Is it sent?",
      stopWhen: stepCountIs(3),
    });
    expect(text).toBe("It is sent.");
    expect(asked[0]).toMatchObject({
      tools: [{ name: "run_code", inputSchema: { properties: { code: { type: "string" } }, required: ["code"] } }],
    });
    expect(JSON.stringify(asked[1])).toContain('{"type":"text","value":"Value: sent"}');
  });

  it("ends its code with the request", async () => {
    const controller = new AbortController();
    const running = toAiSdk(tool)["run_code"]!.execute({ code: FOREVER }, { abortSignal: controller.signal });
    controller.abort();
    expect(await running).toMatchObject({ ok: false, error: { code: "ERR_ABORTED" } });
  });
});

/** A tool whose code runs until its request is aborted, one at a time. */
function endless(): { tool: CodeTool; controller: AbortController; input: { code: string } } {
  const controller = new AbortController();
  const begun = { run: () => controller.abort(new Error("enough")) };
  const tool = codeTool({ tools: { begun }, session: true, check: false, isolation: "thread" });
  return { tool, controller, input: { code: `await tools.begun(); ${FOREVER}` } };
}

describe("a request that is aborted ends the code that it has run", () => {
  it("in the AI SDK", async () => {
    const { tool: mine, controller, input } = endless();
    await using _ = mine;
    const call = { type: "tool-call", toolCallId: "1", toolName: "run_code", input: JSON.stringify(input) } as const;
    const model = new MockLanguageModelV4({
      doGenerate: async () => ({
        content: [call],
        finishReason: { unified: "tool-calls", raw: undefined },
        usage: {
          inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
          outputTokens: { total: 1, text: 1, reasoning: 0 },
        },
        warnings: [],
      }),
    });
    const abortSignal = controller.signal;
    const asked = generateText({
      model,
      tools: { ...toAiSdk(mine) },
      prompt: "x",
      abortSignal,
      stopWhen: stepCountIs(3),
    });
    await asked.catch(() => {});
    expect((await mine.execute({ code: "7" })).value).toBe(7);
  });

  it("in the Claude Agent SDK's server", async () => {
    const { tool: mine, controller, input } = endless();
    await using _ = mine;
    const { instance } = createSdkMcpServer({ name: "code", tools: [toClaudeAgent(mine)] });
    const [near, far] = InMemoryTransport.createLinkedPair();
    const client = new Client({ name: "test", version: "1" });
    await Promise.all([instance.connect(far), client.connect(near)]);
    const asked = client.callTool({ name: "run_code", arguments: input }, { signal: controller.signal });
    await expect(asked).rejects.toThrow();
    expect((await mine.execute({ code: "7" })).value).toBe(7);
    await client.close();
  });

  it("in the OpenAI Agents SDK", async () => {
    const { tool: mine, controller, input } = endless();
    await using _ = mine;
    const model = {
      async getResponse() {
        const { Usage } = await import("@openai/agents");
        const call = { type: "function_call", callId: "1", name: "run_code", arguments: JSON.stringify(input) };
        return { usage: new Usage(), output: [{ ...call, status: "completed" }] as AgentOutputItem[] };
      },
      // oxlint-disable-next-line require-yield -- nobody streams
      async *getStreamedResponse() {
        throw new Error("not asked for");
      },
    } as Model;
    const agent = new Agent({ name: "analyst", model, tools: [agentsTool(toOpenAIAgents(mine))] });
    const asked = new Runner({ tracingDisabled: true }).run(agent, "x", { signal: controller.signal, maxTurns: 2 });
    await asked.catch(() => {});
    expect((await mine.execute({ code: "7" })).value).toBe(7);
  });

  it("in LangChain", async () => {
    const { tool: mine, controller, input } = endless();
    await using _ = mine;
    const call = { id: "1", name: "run_code", args: input, type: "tool_call" } as const;
    const asked = new DynamicStructuredTool(toLangChain(mine)).invoke(call, { signal: controller.signal });
    await Promise.resolve(asked).catch(() => {});
    expect((await mine.execute({ code: "7" })).value).toBe(7);
  });
});

describe("toOpenAIAgents()", () => {
  it("is a tool that an agent offers, calls and tells the model of", async () => {
    const requests: Parameters<Model["getResponse"]>[0][] = [];
    const model: Model = {
      async getResponse(request) {
        requests.push(request);
        const call = {
          type: "function_call",
          callId: "1",
          name: "run_code",
          arguments: JSON.stringify(INPUT),
          status: "completed",
        };
        const text = {
          type: "message",
          role: "assistant",
          status: "completed",
          content: [{ type: "output_text", text: "It is sent." }],
        };
        const output = [requests.length === 1 ? call : text] as AgentOutputItem[];
        const { Usage } = await import("@openai/agents");
        return { usage: new Usage(), output };
      },
      // oxlint-disable-next-line require-yield -- nobody streams
      async *getStreamedResponse() {
        throw new Error("not asked for");
      },
    };
    const agent = new Agent({ name: "analyst", model, tools: [agentsTool(toOpenAIAgents(tool))] });
    const { finalOutput } = await new Runner({ tracingDisabled: true }).run(agent, "Is it sent?");
    expect(finalOutput).toBe("It is sent.");
    expect(requests[0]!.tools[0]).toMatchObject({ name: "run_code", strict: false });
    expect(JSON.stringify(requests[1]!.input)).toContain("Value: sent");
  });
});

describe("toClaudeAgent()", () => {
  it("is a tool of a server in the process of the SDK, and says which results are errors", async () => {
    const { instance } = createSdkMcpServer({ name: "code", tools: [toClaudeAgent(tool)] });
    const [mine, theirs] = InMemoryTransport.createLinkedPair();
    const client = new Client({ name: "test", version: "1" });
    await Promise.all([instance.connect(theirs), client.connect(mine)]);
    const { tools } = await client.listTools();
    expect(tools).toMatchObject([{ name: "run_code", inputSchema: { required: ["code"] } }]);
    const call = (input: Record<string, unknown>) => client.callTool({ name: "run_code", arguments: input });
    expect(await call(INPUT)).toMatchObject({ content: [{ type: "text", text: "Value: sent" }] });
    expect(await call({ code: "null.x" })).toMatchObject({ isError: true });
    await client.close();
  });
});

describe("toLangChain()", () => {
  it("is a tool that a call of a model's invokes", async () => {
    const made = new DynamicStructuredTool(toLangChain(tool));
    const message = new AIMessage({
      content: "",
      tool_calls: [{ id: "1", name: "run_code", args: INPUT, type: "tool_call" }],
    });
    const answer: unknown = await made.invoke(message.tool_calls![0]!);
    expect(answer).toMatchObject({ content: "Value: sent", tool_call_id: "1" });
    await expect(made.invoke({ input: 1 })).rejects.toThrow(/schema/i);
  });

  it("ends its code with the signal of its caller", async () => {
    const controller = new AbortController();
    const running = toLangChain(tool).func({ code: FOREVER }, undefined, { signal: controller.signal });
    controller.abort();
    expect(await running).toContain("ERR_ABORTED");
  });
});
