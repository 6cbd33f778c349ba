import { describe, expect, it } from "vitest";
import { type McpElicitation, MemoryJournal, RuntimeEngine, setupDefaults } from "../../src/index.ts";
import { mcpValue, scripted } from "./run-mcp.ts";

describe("onElicit", () => {
  it("answers what a server asks, and gets its texts as they are", async () => {
    const asked: McpElicitation[] = [];
    const tenants: string[] = [];
    const value = await mcpValue(`export default await mcp.test.ask()`, {
      onElicit: (question, { tenant }) => {
        asked.push(question);
        tenants.push(tenant);
        return { action: "accept", content: { name: "Ada" } };
      },
      script: { tenant: "anna" },
    });
    expect(value).toEqual({ action: "accept", content: { name: "Ada" } });
    expect(asked).toEqual([
      {
        server: "test",
        mode: "form",
        message: "Who \u001b[1mare you?",
        schema: { type: "object", properties: { name: { type: "string" } }, required: ["name"] },
      },
    ]);
    expect(tenants).toEqual(["anna"]);
  });

  it("that declines or fails is told to the server as that", async () => {
    const code = `export default await mcp.test.ask()`;
    expect(await mcpValue(code, { onElicit: () => ({ action: "decline" }) })).toEqual({ action: "decline" });
    const lost: string[] = [];
    const fails = {
      onElicit: () => Promise.reject(new Error("nobody is there")),
      onServerOutput: (_: string, text: string, { isLost }: { isLost: boolean }) => void (isLost && lost.push(text)),
    };
    expect(await mcpValue(code, fails)).toEqual({ action: "cancel" });
    expect(lost).toEqual(["onElicit failed: nobody is there"]);
  });

  it("is not offered where there is none", async () => {
    const value = await mcpValue(`export default (await mcp.test.ask()).code`);
    expect(value).toBeLessThan(0);
  });
});

describe("onApprove", () => {
  it("is asked before each call, and a call that it refuses does not reach the server", async () => {
    const asked: unknown[] = [];
    const code = `export default [await mcp.test.add({ a: 1, b: 2 }), await rejection(mcp.test.say({ text: "x" })), await mcp.test.calls()]`;
    const value = await mcpValue(code, {
      onApprove: ({ name, input }) => {
        asked.push([name, input]);
        return name !== "test.say";
      },
    });
    expect(value).toEqual([
      "3",
      ["PermissionError", "ERR_PERMISSION", "Cannot call mcp.test.say: the call was not approved"],
      "2",
    ]);
    expect(asked).toEqual([
      ["test.add", { a: 1, b: 2 }],
      ["test.say", { text: "x" }],
      ["test.calls", {}],
    ]);
  });
});

describe("an execution that lasts", () => {
  it("is suspended until a call is approved, and makes no call a second time", async () => {
    await using journal = new MemoryJournal();
    const code = `const first = await mcp.test.pid();
      const sum = await mcp.test.add({ a: 1, b: 2 });
      export default [first, sum, (await mcp.search("adds")).length]`;
    const attempt = async (answer?: boolean) => {
      await using engine: RuntimeEngine = new RuntimeEngine({
        isolation: "thread",
        permissions: { mcp: true },
        setup: [
          setupDefaults({
            mcp: {
              servers: { test: scripted() },
              onServerOutput: () => {},
              onApprove: async ({ name }) => name !== "test.add" || (await engine.askApproval("May it add?")).approved,
            },
          }),
        ],
      });
      await engine.start();
      if (answer !== undefined) await journal.approve("it", { approved: answer, by: "anna" });
      return await engine.runScript({ code }, { journal, id: "it", suspendAfterMs: 0 });
    };
    const begun = await attempt();
    expect(begun.end).toBe("suspended");
    const { value, ok } = await attempt(true);
    const [first, sum, found] = value as [string, string, number];
    expect({ ok, sum, found }).toEqual({ ok: true, sum: "3", found: 1 });
    // The first call was made by the first attempt, whose server has ended.
    expect(() => process.kill(Number(first), 0)).toThrow();
  });
});
