import { isSpecType } from "@modelcontextprotocol/client";
import { describe, expect, it } from "vitest";
import { shortenFlaws } from "../../src/mcp/messages/answer-shape.ts";

const TOOL = { name: "a", inputSchema: { type: "object", properties: Object.fromEntries([["x", { enum: [1, 2] }]]) } };
const TEXT = { type: "text", text: "a" };
const URI = { uri: "test://1", text: "one" };
const many = (count: number, value: unknown): unknown[] => Array.from({ length: count }, () => value);

describe("an answer with flaws", () => {
  it.each([
    ["tools", TOOL, { name: "a" }],
    ["content", TEXT, { type: "text" }],
    ["contents", URI, { uri: "test://1" }],
    ["resources", { uri: "test://1", name: "one" }, {}],
    ["resourceTemplates", { uriTemplate: "test://{n}", name: "any" }, []],
    ["prompts", { name: "greet" }, null],
    ["messages", { role: "user", content: TEXT }, { role: "user", content: {} }],
  ])("has only the first one left of its %s", (name, good, flawed) => {
    const whole = { [name]: many(2_000, good), isError: false };
    expect(shortenFlaws(whole, isSpecType)).toBeUndefined();
    expect(whole[name]).toHaveLength(2_000);
    const answer = { [name]: [...many(10, good), ...many(2_000, flawed)] };
    expect(shortenFlaws(answer, isSpecType)).toBeUndefined();
    expect(answer).toEqual({ [name]: [flawed] });
  });

  it("is refused where a part, or the rest, has more values than any", () => {
    const reason = "has sent an answer of which one part has more than 1000 values";
    for (const large of [
      { content: [{ ...TEXT, annotations: { audience: many(1_001, "user") } }] },
      { content: [], capabilities: many(1_001, {}) },
      { tools: [{ ...TOOL, inputSchema: { type: "object", required: many(10_001, 1) } }] },
    ])
      expect(shortenFlaws(large, isSpecType)).toBe(reason);
  });

  it("may hold any value of its own", () => {
    const value = { content: [TEXT], structuredContent: { a: many(5_000, 1) }, _meta: { b: many(5_000, 1) } };
    expect(shortenFlaws(structuredClone(value), isSpecType)).toBeUndefined();
    const tools = [{ ...TOOL, inputSchema: { type: "object", properties: { a: { enum: many(5_000, 1) } } } }];
    expect(shortenFlaws({ tools }, isSpecType)).toBeUndefined();
  });
});
