import { describe, expect, it } from "vitest";
import { HostMonitor } from "../attacks/host-monitor.ts";
import { patience } from "../machine/patience.ts";
import { mcpValue, runMcp, scripted } from "./run-mcp.ts";

const run = (code: string, mode = ""): Promise<unknown> => mcpValue(code, { servers: { test: scripted(mode) } });

describe("a hostile MCP server", () => {
  it("that dies in mid-call fails the calls under way, and is started again for the next", async () => {
    const code = `const first = await mcp.test.pid();
      const lost = await Promise.all([rejection(mcp.test.hang()), rejection(mcp.test.die())]);
      export default [lost, (await mcp.test.pid()) !== first]`;
    const died = (tool: string) => [
      "StepError",
      "ERR_MCP_SERVER",
      `Cannot call mcp.test.${tool}: the MCP server "test" has ended`,
    ];
    expect(await run(code)).toEqual([[died("hang"), died("die")], true]);
  });

  it("that dies again and again is left alone for a while", async () => {
    const code = `for (let i = 0; i < 5; i++) await rejection(mcp.test.die());
      export default await rejection(mcp.test.pid())`;
    expect(await run(code)).toEqual([
      "StepError",
      "ERR_MCP_SERVER",
      'Cannot call mcp.test.pid: the MCP server "test" has ended 5 times within a minute, and is not started again yet',
    ]);
  });

  it.each([
    ["dead", /cannot be started: has ended/],
    ["rude", /cannot be started: .*go \\u001b\[31maway/],
  ])("that is %s at its start is an error that says so", async (mode, message) => {
    const code = `export default await rejection(mcp.test.pid())`;
    expect(await run(code, mode)).toEqual(["StepError", "ERR_MCP_SERVER", expect.stringMatching(message)]);
  });

  it("that is no program is an error that says so", async () => {
    const servers = { test: { command: "/nowhere/no-such-program" } };
    const value = await mcpValue(`export default await rejection(mcp.test.pid())`, { servers });
    expect(value).toEqual(["StepError", "ERR_MCP_SERVER", expect.stringContaining("there is no such program")]);
  });

  it("that speaks nonsense between its messages is still understood", async () => {
    expect(await run(`export default await mcp.test.nonsense()`)).toBe("after nonsense");
  });

  it("that gives a result of another shape fails that call", async () => {
    const code = `export default [await rejection(mcp.test.wrong()), await mcp.test.add({ a: 1, b: 1 })]`;
    expect(await run(code)).toEqual([["StepError", "ERR_MCP_SERVER", expect.any(String)], "2"]);
  });

  it("that sends 50 MB in one message is ended, and the host keeps none of it", async () => {
    const code = `const lost = await rejection(mcp.test.huge({ bytes: 50_000_000 }));
      export default [lost, (await mcp.test.huge({ bytes: 1_000_000 })).length]`;
    expect(await run(code)).toEqual([
      [
        "StepError",
        "ERR_MCP_SERVER",
        'Cannot call mcp.test.huge: the MCP server "test" has sent a message of more than 10000000 bytes',
      ],
      1_000_000,
    ]);
  });

  it("that sends more values or levels than are read, in what it is asked for or not, holds nobody up", async () => {
    const monitor = await HostMonitor.start();
    const code = `const got = [];
      for (const [unit, where] of [["[],", "result"], ["1,", "result"], ['"a":0,', "log"], ["[", "log"], ["[", "result"]])
        got.push((await rejection(mcp.test.dense({ unit, where })))[2].replace(/^.*"test" /, ""));
      export default got`;
    const values = "has sent a message of more than 250000 values";
    const levels = "has sent a message of more than 10000 levels";
    const fields = "has sent a message of more than 20000 fields";
    expect(await run(code)).toEqual([values, values, fields, levels, levels]);
    const { longestStallMs } = await monitor.stop();
    expect(longestStallMs).toBeLessThan(patience(100));
  });

  it("that sends thousands of flaws, in what it answers or asks, holds nobody up", async () => {
    const monitor = await HostMonitor.start();
    const code = `const got = [];
      for (const kind of ["blocks", "block", "result", "value"])
        got.push((await rejection(mcp.test.flawed({ kind })))[2].replace(/^.*"test" /, "").slice(0, 70));
      export default got`;
    expect(await run(code)).toEqual([
      expect.stringContaining("has failed: Invalid result for tools/call"),
      "has sent an answer of which one part has more than 1000 values",
      "has sent a message of more than 1000 fields",
      "has sent a message of more than 20000 fields",
    ]);
    for (const [kind, reason] of [
      ["message", "has sent a message of more than 1000 fields"],
      ["question", "asks with too many values"],
    ]) {
      const one = `export default (await rejection(mcp.test.flawed({ kind: "${kind}" })))[2]`;
      expect(await mcpValue(one, { onElicit: async () => ({ action: "cancel" }) })).toContain(reason);
    }
    const { longestStallMs } = await monitor.stop();
    expect(longestStallMs).toBeLessThan(patience(200));
  });

  it("whose text is more JSON than is parsed for a script gives it as a text", async () => {
    const code = `const text = await mcp.test.dense({ unit: "1,", where: "text", bytes: 600_000 });
      export default [typeof text, JSON.parse(text).length > 200_000]`;
    expect(await run(code)).toEqual(["string", true]);
  });

  it("whose lines nobody can read is ended when they are too many", async () => {
    const code = `export default [await rejection(mcp.test.blanks()), await mcp.test.add({ a: 1, b: 1 })]`;
    expect(await run(code)).toEqual([
      ["StepError", "ERR_MCP_SERVER", expect.stringContaining("sends more than has been asked for")],
      "2",
    ]);
  });

  it("that floods with messages nobody has asked for is ended", async () => {
    const code = `export default [await rejection(mcp.test.flood()), await mcp.test.add({ a: 1, b: 1 })]`;
    expect(await run(code)).toEqual([
      [
        "StepError",
        "ERR_MCP_SERVER",
        expect.stringContaining("sends more than 10000 messages that nobody has asked for"),
      ],
      "2",
    ]);
  });

  it("that lists tools without end is an error", async () => {
    expect(await run(`export default await rejection(mcp.test.pid())`, "endless")).toEqual([
      "StepError",
      "ERR_MCP_SERVER",
      expect.stringContaining("pages"),
    ]);
  });

  it("that lists pages which are too large together is an error", async () => {
    expect(await run(`export default await rejection(mcp.test.pid())`, "vast")).toEqual([
      "StepError",
      "ERR_MCP_SERVER",
      'Cannot call mcp.test.pid: the MCP server "test" has a list of more than 20000000 bytes',
    ]);
  });

  it("that says how long its resources may be kept has none of them kept", async () => {
    const code = `const read = () => mcp.test.resources.read("test://count");
      export default [await read(), await read()]`;
    expect(await run(code)).toMatchObject([{ text: "1" }, { text: "2" }]);
  });

  it("that does not read is sent no more than a little", async () => {
    const servers = { test: scripted("", { timeoutMs: patience(1_500) }) };
    const code = `await mcp.test.deaf();
      const text = "x".repeat(1_000_000);
      export default await Promise.race(Array.from({ length: 24 }, () => rejection(mcp.test.say({ text }))))`;
    expect(await mcpValue(code, { servers })).toEqual([
      "StepError",
      "ERR_MCP_SERVER",
      'Cannot call mcp.test.say: the MCP server "test" does not read what it is sent',
    ]);
  });

  it("that has long ids repeated to it is ended", async () => {
    const code = `export default await rejection(mcp.test.call("long-id", {}))`;
    expect(await run(code)).toEqual([
      "StepError",
      "ERR_MCP_SERVER",
      expect.stringContaining("sends ids of more than 1000 characters"),
    ]);
  });

  it("that changes its list is asked for it again", async () => {
    const code = `const before = await rejection(mcp.test.other());
      await mcp.test.pid();
      export default [before[1], await mcp.test.other()]`;
    expect(await run(code, "changing")).toEqual(["ERR_MCP_NAME", "called other"]);
  });

  it("whose tools are named __proto__ and constructor pollutes nothing, and the tools can be called", async () => {
    const code = `const own = Object.getPrototypeOf({});
      export default [await mcp.test.call("__proto__"), await mcp.test.call("constructor"), mcp.test.__proto__, mcp.test.constructor,
        own === Object.prototype, ({}).polluted]`;
    expect(await run(code)).toEqual([
      "a tool named __proto__",
      "a tool named constructor",
      undefined,
      undefined,
      true,
      undefined,
    ]);
  });

  it("whose values have fields named __proto__ pollutes nothing", async () => {
    const code = `const value = await mcp.test.polluted();
      export default [({}).polluted, Object.hasOwn(value, "__proto__"), value.constructor]`;
    expect(await run(code)).toEqual([undefined, true, 1]);
  });

  it("whose value is nested thousands of levels deep fails that call", async () => {
    const code = `export default [await rejection(mcp.test.deep()), await mcp.test.add({ a: 1, b: 1 })]`;
    expect(await run(code)).toEqual([
      ["StepError", "ERR_MCP_SERVER", expect.stringContaining("nested too deeply")],
      "2",
    ]);
  });

  it("whose schema refers to itself without end harms no other tool, and trees can be checked", async () => {
    const code = `const looped = rejection(mcp.test.loops({ next: {} }));
      export default [(await looped)[0], await mcp.test.tree({ children: [{ children: [] }] }),
        (await rejection(mcp.test.tree({ children: [{ children: 1 }] })))[0], await mcp.test.add({ a: 1, b: 1 })]`;
    expect(await run(code)).toEqual(["ValidationError", "a tree", "ValidationError", "2"]);
  });

  it("whose schema takes for ever to check costs the host no time", async () => {
    const code = `const args = { a: "a".repeat(40) + "b" };
      export default [(await rejection(mcp.test.regexp(args)))[0], await mcp.test.add({ a: 1, b: 1 })]`;
    expect(await run(code)).toEqual(["ValidationError", "2"]);
  });

  it("is ended with its engine, even where it stays when its stdin ends", async () => {
    const { value } = await runMcp(`export default await mcp.test.pid()`, { servers: { test: scripted("stays") } });
    const isThere = (): boolean => {
      try {
        process.kill(Number(value), 0);
        return true;
      } catch {
        return false;
      }
    };
    await expect.poll(isThere).toBe(false);
  });

  it("has its stderr told in lines, bounded and made visible, and not to scripts", async () => {
    const lines: [string, string, boolean][] = [];
    await runMcp(`await mcp.test.pid()`, {
      servers: { test: scripted("loud") },
      onServerOutput: (server, text, { isLost }) => lines.push([server, text, isLost]),
    });
    expect(lines).toEqual([
      ["test", "I am \\u001b[31mloud", false],
      ["test", "and say more", false],
    ]);
  });
});
