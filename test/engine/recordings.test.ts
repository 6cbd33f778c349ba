import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RuntimeEngine, setupDefaults } from "../../src/index.ts";
import { loadRecordings, type Recording, type ReplayServer, sharedFolder, startReplay } from "../providers/replay.ts";
import { Output } from "./engine-harness.ts";
import { deliveredText, expectWellFormed, WATCH, type Watched } from "./watch-events.ts";

const STOP_REASONS: Record<string, string> = {
  stop: "stop",
  end_turn: "stop",
  length: "length",
  max_tokens: "length",
  tool_calls: "tool-calls",
  tool_use: "tool-calls",
};
const KEY = "test-key-12345";

const chats = loadRecordings().filter(({ api }) => api === "chat.completions" || api === "messages");
const finals = chats.filter(({ expectedOutcome }) => expectedOutcome === "final");
const streams = finals.filter(({ file }) => file.endsWith(".sse"));
const failures = chats.filter(({ expectedOutcome }) => expectedOutcome === "error");

describe.skipIf(!sharedFolder)(
  "recorded traffic through the whole stack, from the SDK to the script's callback",
  () => {
    let server: ReplayServer;
    let engine: RuntimeEngine;
    const output = new Output();

    beforeAll(async () => {
      server = await startReplay();
      const env = {
        OPENAI_BASE_URL: server.openaiBaseURL,
        ANTHROPIC_BASE_URL: server.anthropicBaseURL,
        OPENAI_API_KEY: KEY,
        ANTHROPIC_API_KEY: KEY,
      };
      engine = new RuntimeEngine({ console: output, setup: [setupDefaults({ chat: { provider: "openai" }, env })] });
      await engine.start();
    });
    afterAll(async () => {
      await engine.close();
      await server.close();
    });

    async function play({ api, name }: Recording, switches = "", act = ""): Promise<Watched[]> {
      const options = { provider: api === "messages" ? "anthropic" : "openai", model: name + switches };
      const { value, error } = await engine.runScript({
        code: `${WATCH}
        const conversation = new Conversation();
        conversation.addMessage("user", "hi");
        const step = new ChatStepFactory().newStep(${JSON.stringify(options)});
        export default await watch(step, conversation, (event, id) => { ${act} });`,
      });
      expect(error).toBeUndefined();
      expect(engine.stats()).toMatchObject({ runs: 0, ops: 0, timers: 0, topics: 0 });
      expect(JSON.stringify(value)).not.toContain(KEY);
      return expectWellFormed(value);
    }

    function expectFinal(events: Watched[], recording: Recording): void {
      const text = recording.expectedText ?? "";
      const final = events.at(-1)!;
      expect(final).toMatchObject({ type: "final", text });
      expect(deliveredText(events)).toBe(text);
      expect(text.isWellFormed()).toBe(true);
      const calls = events.flatMap((event) => (event.type === "tool-call" ? [event.toolCall] : []));
      expect(calls).toEqual(recording.expectedToolCalls ?? []);
      expect(events.map(({ type }) => type)).not.toContain("tool-result");
      const [message] = (final as { results: { text: string; role: string; metadata: object }[] }).results;
      expect(message).toMatchObject({ type: "chat-message", role: "assistant", text });
      const reason = recording.expectedStopReason ?? null;
      const { metadata } = final.step;
      expect(metadata).toMatchObject({
        engine: recording.expectedModel,
        stopReason: reason === null ? "tool-calls" : STOP_REASONS[reason],
        eventCount: events.length,
        durationMs: expect.any(Number) as number,
      });
      expect(message!.metadata).toMatchObject({ stopReason: metadata.stopReason, engine: metadata.engine });
      const usage = recording.expectedUsage;
      if (!usage) expect(metadata.usage).toBeUndefined();
      else {
        expect(metadata.usage).toMatchObject({
          inputTokens: usage["prompt_tokens"] ?? usage["input_tokens"],
          outputTokens: usage["completion_tokens"] ?? usage["output_tokens"],
        });
      }
    }

    it.each(finals)("$name ends as its sidecar says", async (recording) => {
      expectFinal(await play(recording), recording);
    });

    it.each(streams.filter(({ bytes }) => bytes < 30_000))("$name ends the same in other pieces", async (recording) => {
      for (const switches of ["+crlf+ping=1", "+burst"]) expectFinal(await play(recording, switches), recording);
    });

    it.each(streams.filter(({ bytes }) => bytes < 3000))("$name ends the same byte by byte", async (recording) => {
      expectFinal(await play(recording, "+split=1"), recording);
    });

    it.each(failures)("$name is one error event with a code and the provider's words", async (recording) => {
      const events = await play(recording);
      const last = events.at(-1) as Extract<Watched, { type: "error" }>;
      expect(last.type).toBe("error");
      expect(last.code).toMatch(/^ERR_[A-Z_]+$/);
      const words = recording.expectedError!.message.split(" ").slice(0, 3).join(" ");
      expect(last.error).toContain(words.replace(/:$/, ""));
    });

    it.each(["oai-chat-text-gpt4o", "ant-text-sonnet45"])(
      "%s that breaks off is an error event, never final",
      async (name) => {
        const recording = chats.find((candidate) => candidate.name === name)!;
        for (const fault of ["+eof", "+cut", "+cutmid", "+garbage"]) {
          const events = await play(recording, fault);
          expect([fault, events.at(-1)?.type]).toEqual([fault, "error"]);
        }
      },
    );

    it.each(["oai-chat-text-gpt4o", "ant-text-sonnet45"])(
      "%s that a script cancels ends in interrupt with the text delivered, and the socket is closed",
      async (name) => {
        const recording = chats.find((candidate) => candidate.name === name)!;
        const events = await play(recording, "+forever", "if (event.seq === 5) step.cancel(id)");
        expect(events).toHaveLength(7);
        expect(events.at(-1)).toMatchObject({ type: "interrupt", text: deliveredText(events) });
        await expect.poll(() => server.requests.at(-1)?.closedByClient).toBe(true);
      },
    );

    it("the key reaches the provider and nothing else", async () => {
      const [recording] = streams;
      await play(recording!);
      expect(server.requests.at(-1)!.headers["authorization"]).toBe(`Bearer ${KEY}`);
      expect(output.out + output.err).not.toContain(KEY);
    });
  },
);
