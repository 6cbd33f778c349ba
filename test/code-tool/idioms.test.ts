import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeTool, type CodeTool } from "../../src/index.ts";
import { patience } from "../machine/patience.ts";
import { HINTED } from "./idioms-that-need-a-hint.ts";
import { WORKING } from "./idioms-that-work.ts";
import { SHOP } from "./shop.ts";

let tool: CodeTool;
beforeAll(() => {
  tool = codeTool({ tools: SHOP, session: true, check: false, limits: { wallMs: patience(2_000), memoryMB: 32 } });
});
afterAll(() => tool.close());

describe("what models write", () => {
  it("is looked at in two hundred ways", () => {
    expect(new Set([...WORKING, ...HINTED].map(([code]) => code)).size).toBeGreaterThanOrEqual(200);
  });

  it.each(WORKING)("works: %s", async (code, value) => {
    const { error, ...result } = await tool.execute({ code });
    expect(error).toBeUndefined();
    expect(result.value).toEqual(value);
  });

  it.each(HINTED)("is answered by one line that says what to use: %s", async (code, hint) => {
    const { ok, error } = await tool.execute({ code });
    expect(ok).toBe(false);
    expect(error?.hint, error?.message).toContain(hint);
    expect(error!.hint).not.toMatch(/\n|--\w/);
  });
});
