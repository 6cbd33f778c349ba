import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseChatInput } from "../../src/providers/input/chat-input.ts";
import {
  type AnswerServer,
  chunk,
  DONE,
  finish,
  startAnswerServer,
  stream,
} from "../providers/answers/answer-server.ts";
import { runChat } from "./run-chat.ts";
import { timed } from "../machine/machine-watch.ts";

const TOOL = `const x = { name: "x", input: { type: "object" }, run: () => 1 };`;
const told = (prompt: string) =>
  `${TOOL} export default await chat(${prompt}, { tools: [x] }).then(String, (e) => e.code).then((text) => text.slice(0, 120));`;

describe("arguments of tool calls that are made to hurt", () => {
  let server: AnswerServer;
  beforeAll(async () => {
    server = await startAnswerServer();
  });
  afterAll(() => server.close());

  it.each([
    [`'call: x {"a":[' + "[],".repeat(5e6) + '1]}'`, "ERR_ANSWER_TOO_LARGE"],
    [
      `'call: x {"a":[' + "[],".repeat(3e5) + '1]}'`,
      "[demo] x answered: Error: the input does not fit: the arguments are made of more than 100000 values",
    ],
    [
      `'call: x {"a":' + "[".repeat(4e5) + "]".repeat(4e5) + "}"`,
      "[demo] x answered: Error: the input does not fit: the arguments are nested deeper than 128 levels",
    ],
    [`"call: x {}\\n".repeat(1e5)`, "ERR_ANSWER_TOO_LARGE"],
    [
      `"call: x " + "{".repeat(9e5)`,
      "[demo] x answered: Error: the input does not fit: the arguments are nested deeper than 128 levels",
    ],
  ])("by a script, through the demo model, cost it an error: %s", async (prompt, expected) => {
    const { value, error } = await runChat(told(prompt), { isolation: "process" });
    expect(error).toBeUndefined();
    expect(value).toContain(expected);
  });

  it("by a model, 190 MB of them, cost an error and little memory", async () => {
    const piece = stream(chunk({ tool_calls: [{ index: 0, function: { arguments: "[],".repeat(20_000) } }] }));
    let sent = 0;
    server.play((response) => {
      response.writeHead(200, { "content-type": "text/event-stream", connection: "close" });
      response.write(
        stream(chunk({ tool_calls: [{ index: 0, id: "c", function: { name: "x", arguments: '{"a":[' } }] })),
      );
      const more = (): void => {
        while (!response.destroyed && sent < 190e6) {
          sent += piece.length;
          if (!response.write(piece)) return void response.once("drain", () => setImmediate(more));
        }
        response.end();
      };
      more();
    });
    const before = process.memoryUsage().rss;
    const chat = { provider: "openai", baseURL: `${server.origin}/v1`, model: "m" };
    const { value } = await runChat(told(`"go"`), { chat });
    expect(value).toBe("ERR_ANSWER_TOO_LARGE");
    expect(sent).toBeLessThan(50e6);
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  });

  it("by a model, many and slow to check, do not keep a cancel waiting", async () => {
    const calls = Array.from({ length: 200 }, (_, index) => ({
      index,
      id: `${index}`,
      function: { name: "slow", arguments: `{"a":"${"a".repeat(40)}!"}` },
    }));
    server.play(stream(chunk({ tool_calls: calls }), finish("tool_calls"), DONE));
    const { result, allow } = await timed(() =>
      runChat(
        `const slow = { name: "slow", input: { properties: { a: { type: "string", pattern: "^(?=(a+)+$)a" } } }, run: () => 1 };
      const began = performance.now();
      await chat("go", { tools: [slow], signal: AbortSignal.timeout(300) }).catch((e) => e);
      export default performance.now() - began;`,
        { chat: { provider: "openai", baseURL: `${server.origin}/v1`, model: "m" } },
      ),
    );
    expect(result.value).toBeLessThan(allow(5000));
  });
});

describe("histories that are made to hurt", () => {
  it("are refused beyond 20,000 messages and 1,000 parts before anybody looks at them", async () => {
    const message = { role: "user", content: "x" };
    await expect(parseChatInput(Array.from({ length: 20_001 }, () => message))).rejects.toThrow(
      "messages: expected at most 20000 messages, found 20001",
    );
    const content = Array.from({ length: 1001 }, () => ({ type: "text", text: "x" }));
    await expect(parseChatInput([{ role: "user", content }])).rejects.toThrow(
      "messages[0].content: expected at most 1000 items, found 1001",
    );
  });

  it("of the longest that is taken hold up nobody", async () => {
    const calls = Array.from({ length: 10_000 }, () => [
      { type: "function_call", call_id: "same", name: "a", arguments: "{}" },
      { type: "function_call_output", call_id: "same", output: "1" },
    ]);
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const before = process.cpuUsage();
    const { result, allow } = await timed(() => parseChatInput(calls.flat()));
    clearInterval(timer);
    expect(result.messages).toHaveLength(20_000);
    // Of the time that passed on a crowded machine the most was not ours.
    expect(process.cpuUsage(before).user).toBeLessThan(5_000_000);
    expect(longest).toBeLessThan(allow(1000));
  });
});
