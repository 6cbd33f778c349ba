import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { expectGolden, runScript, ScriptedChat, VirtualClock } from "geppetto-js/testing";
import { OpenAIServer } from "../recordings/openai-server.ts";
import { NOWHERE, TestFolder } from "./test-folder.ts";

const folder = new TestFolder();
afterAll(() => folder.remove());

const path = (name: string): string => join(folder.path, name);

beforeEach(() => void vi.stubEnv("CI", ""));
afterEach(() => void vi.unstubAllEnvs());

describe("runScript()", () => {
  it("gives what a script prints, its result, its events and its exit code", async () => {
    const { stdout, stderr, result, events, exitCode, error, output } = await runScript(
      `console.log(process.argv.slice(2), input()); console.warn("note");
       await doubleStep.startAsync(21);
       export default { n: 1 };`,
      { args: ["a"], input: "text" },
    );
    expect({ stdout, stderr, result, exitCode, error }).toEqual({
      stdout: "[ 'a' ] text\n",
      stderr: "note\n",
      result: { n: 1 },
      exitCode: 0,
      error: undefined,
    });
    expect(output).toBe("[ 'a' ] text\n{ n: 1 }\n");
    expect(events.map(({ type }) => type)).toEqual(["start", "final"]);
  });

  it("takes a path, a file URL, source code, and what runScript of an engine takes", async () => {
    folder.files({
      "part.ts": `export const text: string = "of a file";`,
      "a.ts": `import { text } from "./part.ts"; console.log(text);`,
    });
    for (const script of [path("a.ts"), pathToFileURL(path("a.ts")), { file: path("a.ts") }])
      expect(await runScript(script)).toMatchObject({ stdout: "of a file\n", exitCode: 0 });
    expect(await runScript({ code: `console.log(import.meta.url)`, name: "own.js" })).toMatchObject({
      stdout: "file:///own.js\n",
    });
    await expect(runScript("nowhere.js")).rejects.toThrow("Cannot run nowhere.js: there is no such file");
  });

  it("gives a script that fails as a result", async () => {
    const { exitCode, error, stdout } = await runScript(`console.log("before"); throw new TypeError("no tea");`);
    expect({ exitCode, stdout, name: error?.name, message: error?.message }).toEqual({
      exitCode: 1,
      stdout: "before\n",
      name: "TypeError",
      message: "no tea",
    });
    expect(await runScript("process.exit(7)")).toMatchObject({ exitCode: 7 });
    expect(await runScript("let let")).toMatchObject({ exitCode: 65 });
    expect(await runScript("for (;;);", { limits: { wallMs: 500 } })).toMatchObject({ exitCode: 124 });
  });

  it("has nobody who answers: the script does not wait in vain", async () => {
    const waits = ['execution.approve("x")', 'execution.receive("x")', 'execution.approve("x", { timeout: "1s" })'];
    const code = waits.map((wait) => `console.log(await ${wait}.catch((error) => error.code));`).join("\n");
    expect((await runScript(code)).stdout).toBe("ERR_NOT_DURABLE\n".repeat(3));
  });

  it("is the same each time, with a seed and a beginning of its own, in both kinds of isolation", async () => {
    const code = `console.log(Date.now(), Math.random(), crypto.randomUUID()); await new Promise((r) => setTimeout(r, 86_400_000)); console.log(new Date().toISOString());`;
    const first = await runScript(code, { now: "2026-03-01T09:00:00Z" });
    expect(first.stdout).toContain("2026-03-02T09:00:00.000Z");
    expect((await runScript(code, { now: Date.UTC(2026, 2, 1, 9), isolation: "thread" })).stdout).toBe(first.stdout);
    expect((await runScript(code, { now: "2026-03-01T09:00:00Z", seed: 2 })).stdout).not.toBe(first.stdout);
    const berlin = await runScript("console.log(new Date().getTimezoneOffset())", { timeZone: "Europe/Berlin" });
    expect(berlin.stdout).toBe("-60\n");
  });

  it("gives a script functions of the host's", async () => {
    const seen: unknown[] = [];
    const { stdout } = await runScript(
      `console.log(await orders.find(7), await orders.fail().catch((e) => e.message));`,
      {
        ops: {
          "orders.find": async (id: number) => {
            seen.push(id);
            return { id };
          },
          "orders.fail": () => {
            throw new Error("sold out");
          },
        },
      },
    );
    expect({ stdout, seen }).toEqual({ stdout: "{ id: 7 } sold out\n", seen: [7] });
  });

  it("ends a script whose signal aborts", async () => {
    const abort = new AbortController();
    const running = runScript("await go(); for (;;);", { ops: { go: () => abort.abort() }, signal: abort.signal });
    expect(await running).toMatchObject({ exitCode: 130 });
  });

  describe("with a cassette", () => {
    let server: OpenAIServer;
    beforeAll(async () => {
      server = await OpenAIServer.start();
    });
    afterAll(() => server.stop());

    it("asks once and replays from then on; in CI it asks nobody", async () => {
      const chat = (baseURL: string) => ({
        provider: "openai",
        model: "m",
        apiKey: "sk-canary-0123456789abcdef",
        baseURL,
      });
      const options = { cassette: path("asks.cassette.json") };
      const code = `console.log(await chat("hello"));`;
      expect(await runScript(code, { ...options, chat: chat(server.baseURL) })).toMatchObject({ stdout: "hello\n" });
      expect(folder.read("asks.cassette.json")).not.toContain("canary");
      vi.stubEnv("CI", "true");
      expect(await runScript(code, { ...options, chat: chat(NOWHERE) })).toMatchObject({ stdout: "hello\n" });
      const missed = await runScript(`await chat("other")`, { ...options, chat: chat(server.baseURL) });
      expect(missed).toMatchObject({ exitCode: 79, error: { code: "ERR_REPLAY_MISS" } });
      expect(server.requests).toBe(1);
    });

    it("that cannot be used rejects", async () => {
      folder.files({ "bad.cassette.json": `{"format":"geppetto-cassette/9"}` });
      await expect(runScript("1", { cassette: path("bad.cassette.json") })).rejects.toMatchObject({
        code: "ERR_CASSETTE",
      });
    });
  });
});

describe("ScriptedChat", () => {
  it("answers from a list: texts, deltas, tool calls, errors, and what a function makes of the request", async () => {
    const chat = new ScriptedChat([
      { toolCalls: [{ name: "clock", input: { zone: "UTC" } }] },
      "It is noon.",
      ["del", "tas"],
      new Error("the model is gone"),
      ({ messages }) => `${messages.length} message`,
    ]);
    const { stdout, events, exitCode } = await runScript(
      `const tools = [{ name: "clock", input: { type: "object" }, run: ({ zone }) => "12:00 " + zone }];
       console.log(String((await new ChatStepFactory().newStep({ tools }).startAsync("time?"))[0]));
       for await (const delta of new ChatStepFactory().newStep().stream("x")) console.log(delta);
       console.log(await chat("y").catch((error) => error.message));
       console.log(await chat("z"));`,
      { chat },
    );
    expect(stdout).toBe("It is noon.\ndel\ntas\nthe model is gone\n1 message\n");
    expect(exitCode).toBe(0);
    expect(events.find(({ type }) => type === "tool-call")).toMatchObject({
      toolCall: { id: "call-1", name: "clock" },
    });
    expect(chat.requests).toHaveLength(5);
    expect(chat.requests[1]!.messages.at(-1)).toMatchObject({
      role: "tool",
      toolCallId: "call-1",
      content: "12:00 UTC",
    });
  });

  it("has no answer when its list is at its end", async () => {
    const { exitCode, error } = await runScript(`await chat("x")`, { chat: new ScriptedChat([]) });
    expect(exitCode).not.toBe(0);
    expect(error?.code).toBe("ERR_SCRIPT_EXHAUSTED");
  });

  it("pauses in the script's own time", async () => {
    const { stdout } = await runScript(`const t = Date.now(); await chat("x"); console.log(Date.now() - t);`, {
      chat: new ScriptedChat([{ text: ["a", "b"], delayMs: 3_600_000 }]),
    });
    expect(stdout).toBe("7200000\n");
  });
});

describe("VirtualClock", () => {
  it("stands still until it is told to go on, and does what is due in order, each at its time", async () => {
    const clock = new VirtualClock({ now: "2026-03-01T09:00:00Z" });
    const seen: [string, number][] = [];
    const start = clock.now();
    const note = (name: string): void => void seen.push([name, clock.now() - start]);
    clock.setTimeout(() => note("late"), 300);
    clock.setTimeout(() => {
      note("early");
      clock.setTimeout(() => note("between"), 100);
    }, 100);
    const stop = clock.setTimeout(() => note("never"), 150);
    stop();
    const slept = clock.sleep(250).then(() => note("slept"));
    expect([clock.pending, seen]).toEqual([3, []]);
    await clock.advance(99);
    expect(seen).toEqual([]);
    await clock.advance(1_000);
    await slept;
    expect(seen).toEqual([
      ["early", 100],
      ["between", 200],
      ["slept", 250],
      ["late", 300],
    ]);
    expect([clock.now() - start, clock.pending]).toEqual([1_099, 0]);
  });

  it("lets go of a sleep whose signal aborts", async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    const slept = clock.sleep(1_000, abort.signal);
    abort.abort(new Error("enough"));
    await expect(slept).rejects.toThrow("enough");
    expect(clock.pending).toBe(0);
  });

  it("refuses times that cannot be", async () => {
    expect(() => new VirtualClock({ now: "soon" })).toThrow("Cannot make a clock that begins at soon");
    await expect(new VirtualClock().advance(-1)).rejects.toThrow("expected milliseconds from 0");
  });

  it("has the time of the script that it works for, which nobody need steer", async () => {
    const clock = new VirtualClock({ now: "2026-03-01T09:00:00Z" });
    const { stdout } = await runScript(
      `await new Promise((resolve) => setTimeout(resolve, 1_000));
       console.log(await remind(3_600_000), Date.now() - started);`.replace("started", String(clock.now())),
      {
        now: clock,
        ops: {
          remind: async (ms: number) => {
            await clock.sleep(ms);
            return new Date(clock.now()).toISOString();
          },
        },
      },
    );
    expect(stdout).toBe("2026-03-01T10:00:01.000Z 3601000\n");
  });
});

describe("expectGolden()", () => {
  it("writes a golden that is missing, compares it from then on, and takes a change over where that is asked for", async () => {
    const file = path("text.golden");
    await expectGolden("one\ntwo\n", file);
    expect(folder.read("text.golden")).toBe("one\ntwo\n");
    await expectGolden("one\ntwo\n", file);
    await expect(expectGolden("one\nthree\n", file)).rejects.toMatchObject({
      name: "AssertionError",
      message: expect.stringContaining("-two\n+three") as string,
      actual: "one\nthree\n",
      expected: "one\ntwo\n",
    });
    await expectGolden("one\nthree\n", pathToFileURL(file), { update: true });
    expect(folder.read("text.golden")).toBe("one\nthree\n");
  });

  it("takes what came of a script, and keeps secrets out", async () => {
    await expectGolden(
      await runScript(`console.log("key sk-abcdefghijklmnop"); export default 1;`),
      path("script.golden"),
    );
    expect(folder.read("script.golden")).toBe("key [redacted]\n1\n");
  });

  it("writes nothing in CI, whatever is asked for", async () => {
    vi.stubEnv("CI", "true");
    folder.files({ "ci.golden": "old" });
    await expect(expectGolden("x", path("missing.golden"), { update: true })).rejects.toThrow(
      "There is no missing.golden",
    );
    await expect(expectGolden("new", path("ci.golden"), { update: true })).rejects.toThrow("-old");
    expect([folder.has("missing.golden"), folder.read("ci.golden")]).toEqual([false, "old"]);
  });

  it("takes CRLF for the end of a line, and refuses what is not UTF-8", async () => {
    folder.files({ "crlf.golden": "one\r\ntwo\r\n", "bad.golden": Buffer.from([0x61, 0xff]) });
    await expectGolden("one\ntwo\n", path("crlf.golden"));
    await expect(expectGolden("one", path("bad.golden"))).rejects.toMatchObject({ code: "ERR_GOLDEN" });
  });
});
