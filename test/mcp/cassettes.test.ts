import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Cassette, recordingMcp, redactorFor, replayingMcp, ScriptedChat, type StepEvent } from "../../src/index.ts";
import { parseRecording } from "../../src/recordings/cassette/recording.ts";
import { runScript } from "../../src/testing.ts";
import { type McpRun, mcpValue, scripted } from "./run-mcp.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "geppetto-mcp-"));
  file = join(folder, "mcp.cassette.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SECRET = "hunter2-hunter2-hunter2";
const KEY = "sk-test-0123456789abcdefghij";
const redact = redactorFor([SECRET]);

async function recorded(code: string, options: McpRun = {}): Promise<unknown> {
  await using cassette = await Cassette.open(file, { redact });
  return await mcpValue(code, { ...options, wrapMcp: (source) => recordingMcp(source, cassette) });
}

/** Without any server, unless options say otherwise. */
async function replayed(code: string, options: McpRun = {}): Promise<unknown> {
  const cassette = await Cassette.open(file, { readOnly: true, redact });
  return await mcpValue(code, { servers: {}, ...options, wrapMcp: (source) => replayingMcp(source, cassette) });
}

describe("A cassette of what scripts ask MCP servers", () => {
  it("gives the same answers and errors again, with no server there, and in the order of then", async () => {
    const code = `const { test } = mcp;
      const seen = [await test.calls(), await test.calls(), await test.total({ a: 1, b: 2 }), await test.parts(), await test.nothing()];
      seen.push(await rejection(test.fail()), await rejection(test.refuse()), await rejection(test.add({ a: 1 })), await rejection(test.ad()));
      seen.push(await rejection(test.die()), await test.call("say-it"), await test.polluted());
      seen.push(await test.resources.list(), await test.resources.templates(), await test.resources.read("test://both"));
      seen.push(await test.prompts.list(), await test.prompts.get("greet", { who: "Ada" }));
      seen.push(await mcp.search("adds"), await mcp.describe("test.total"), await rejection(mcp.describe("test.tota")));
      export default seen`;
    const first = await recorded(code);
    expect(first).toMatchObject({ 0: "1", 1: "2", 2: { sum: 3 }, 4: undefined, 5: { 1: "ERR_MCP_TOOL" } });
    expect(await replayed(code)).toEqual(first);
  });

  it("tells the progress and the logs of then as events, before the value", async () => {
    const code = `const seen = [];
      const value = await mcp.test.progress({}, { onEvent: (event) => seen.push(event) });
      export default [value, seen.map(({ type, progress, log }) => progress ?? log ?? type)]`;
    const first = await recorded(code);
    expect(first).toMatchObject({ 0: "done", 1: { length: 5 } });
    const told: StepEvent[] = [];
    expect(await replayed(code, { script: { onEvent: (event) => void told.push(event) } })).toEqual(first);
    expect(told.map(({ type }) => type)).toEqual(["start", "log", "progress", "progress", "final"]);
  });

  it("answers a changed script, which may ask in another order", async () => {
    await recorded(`await mcp.test.add({ a: 1, b: 2 }); await mcp.test.add({ a: 3, b: 4 });`);
    const code = `export default [await mcp.test.call("add", { b: 4, a: 3 }), await mcp.test.add({ b: 2, a: 1 })]`;
    expect(await replayed(code)).toEqual(["7", "3"]);
  });

  it("answers what models call", async () => {
    const chatProvider = () =>
      new ScriptedChat([{ toolCalls: [{ name: "test_add", input: { a: 20, b: 22 } }] }, { text: "It is 42." }]);
    const code = `export default await chat("Add", { tools: mcp.test.tools({ only: ["add"] }) })`;
    expect(await recorded(code, { defaults: { chatProvider: chatProvider() } })).toBe("It is 42.");
    const chat = chatProvider();
    expect(await replayed(code, { defaults: { chatProvider: chat } })).toBe("It is 42.");
    expect(chat.requests.at(-1)!.messages.at(-1)).toMatchObject({ role: "tool", content: "42" });
  });

  it("has no answer to another call: the error names the nearest and what differs", async () => {
    await recorded(`await mcp.test.add({ a: 1, b: 2 })`);
    expect(await replayed(`export default await rejection(mcp.test.add({ a: 1, b: 3 }))`)).toEqual([
      "ReplayError",
      "ERR_REPLAY_MISS",
      "Cannot replay an answer: the call of mcp.test.add was not recorded; the nearest of 1 in mcp.cassette.json is recording 1, where args.b differs: recorded 2, asked 3",
    ]);
  });

  it("allows no script what it may not use, and records nothing of it", async () => {
    await recorded(`await mcp.test.pid()`);
    const code = `export default await rejection(mcp.test.pid())`;
    const denied = { 0: "PermissionError", 1: "ERR_PERMISSION" };
    expect(await recorded(code, { allowed: [] })).toMatchObject(denied);
    expect(await replayed(code, { allowed: [] })).toMatchObject(denied);
    expect((await Cassette.open(file, { readOnly: true })).recordings).toHaveLength(1);
  });

  it("holds no secret, wherever a server or a script says it", async () => {
    const servers = { test: scripted("", { env: { KEY: SECRET } }) };
    const told: StepEvent[] = [];
    const code = `const { test } = mcp;
      const own = await test.env({ name: "KEY" });
      const named = await test.say({ text: JSON.stringify({ [own]: [{ ${JSON.stringify(KEY)}: own }] }) });
      await test.tells({ text: own });
      await rejection(test.fails({ text: own + ${JSON.stringify(KEY)} }));
      await test.resources.read("test://" + own);
      await test.prompts.get("greet", { who: own });
      await mcp.search(own);
      export default Object.keys(named)[0] === own`;
    const script = { onEvent: (event: StepEvent) => void told.push(event) };
    expect(await recorded(code, { servers, script })).toBe(true);
    expect(JSON.stringify(told)).toContain(SECRET);
    const kept = readFileSync(file, "utf8");
    expect(kept.split("\n").filter((line) => line.includes("[redacted]")).length).toBeGreaterThan(6);
    for (const secret of [SECRET, KEY]) expect(kept).not.toContain(secret);
    const again = code.replaceAll(KEY, "[redacted]");
    expect(await replayed(again)).toBe(true);
  });

  it("ends where the script withdrew its call, which it does again", async () => {
    const code = `const abort = new AbortController();
      const hanging = rejection(mcp.test.hang({}, { signal: abort.signal }));
      await mcp.test.pid();
      abort.abort(new Error("late"));
      export default await hanging`;
    expect(await recorded(code)).toEqual(["Error", undefined, "late"]);
    expect(await replayed(code)).toEqual(["Error", undefined, "late"]);
  });

  it("gives scripts no server of a name that is something else", async () => {
    const request = { provider: "mcp", tool: "x", args: {} };
    const rest = { recordedAt: "2026-01-01T00:00:00Z", end: "complete", told: [] };
    const lines = ["search", "__proto__", "then", "fine"].map((model, id) => ({
      id: String(id),
      request: { model, ...request },
      value: model,
      ...rest,
    }));
    writeFileSync(
      file,
      [{ format: "geppetto-cassette/2" }, ...lines].map((line) => `${JSON.stringify(line)}\n`).join(""),
    );
    const code = `export default [await mcp.fine.x(), typeof mcp.search, mcp.then, ({}).x]`;
    expect(await replayed(code)).toEqual(["fine", "function", undefined, undefined]);
  });

  it.each([
    ["what was told that is no list", { told: 1 }],
    ["what was told that is nothing", { told: [null] }],
    ["progress that is none", { told: [{ type: "progress", progress: { value: "1" } }] }],
    ["a log that is none", { told: [{ type: "log" }] }],
  ])("with %s is refused", (_, parts) => {
    const rest = { id: "a", recordedAt: "2026-01-01T00:00:00Z", request: { provider: "mcp", model: "x" } };
    expect(() => parseRecording({ ...rest, end: "complete", ...parts })).toThrow(/^what its server told/);
  });
});

describe("runScript() of geppetto-js/testing with MCP servers", () => {
  it("asks them once, and nobody from then on; in CI a call that was not recorded fails", async () => {
    const { CI } = process.env;
    delete process.env["CI"];
    try {
      const code = `
        const texts = ["c", "a", "b"];
        const order = [];
        await Promise.all(texts.map((text) => mcp.test.say({ text }).then((said) => order.push(said, Date.now() % 1000))));
        await new Promise((go) => setTimeout(go, 60_000));
        console.log(await mcp.test.pid(), order.join(" "), Date.now());`;
      const options = { cassette: file, permissions: { mcp: ["test"] } };
      const first = await runScript(code, { ...options, mcp: { servers: { test: scripted() } } });
      expect(first).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\d+ c 0 a 0 b 0 1767225660000\n$/) });
      const dead = { test: scripted("dead") };
      for (const isolation of ["thread", "process"] as const)
        for (const servers of [dead, {}])
          expect((await runScript(code, { ...options, isolation, mcp: { servers } })).stdout).toBe(first.stdout);
      process.env["CI"] = "true";
      const other = await runScript(code.replace('"a"', '"d"'), { ...options, mcp: { servers: dead } });
      expect(other.error).toMatchObject({ name: "ReplayError", code: "ERR_REPLAY_MISS" });
    } finally {
      if (CI !== undefined) process.env["CI"] = CI;
    }
  });

  it("keeps no key that servers are given", async () => {
    const { CI } = process.env;
    delete process.env["CI"];
    try {
      const mcp = { servers: { test: scripted("", { env: { API_KEY: SECRET } }) } };
      const code = `console.log(await mcp.test.env({ name: "API_KEY" }))`;
      const { stdout } = await runScript(code, { cassette: file, permissions: { mcp: true }, mcp });
      expect(stdout).toBe(`${SECRET}\n`);
      expect(readFileSync(file, "utf8")).toMatch(/"value":"\[redacted\]"/);
    } finally {
      if (CI !== undefined) process.env["CI"] = CI;
    }
  });
});
