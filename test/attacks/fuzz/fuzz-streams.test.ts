import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AnthropicMessages } from "../../../src/providers/anthropic/anthropic-messages.ts";
import type { ChatChunk, ChatProvider } from "../../../src/providers/chat-provider.ts";
import { OpenAIChat } from "../../../src/providers/openai/openai-chat.ts";
import { OpenAIResponses } from "../../../src/providers/openai/openai-responses.ts";
import { EventSplitter } from "../../../src/providers/sdk/event-splitter.ts";
import type { Fetch } from "../../../src/providers/sdk/watched-fetch.ts";
import { resolveProviderSettings } from "../../../src/providers/settings.ts";
import { GeppettoError } from "../../../src/shared/errors.ts";
import { fuzzBudget, FUZZ_TIMEOUT_MS } from "./fuzz-budget.ts";

/** Lines of event streams, and what is almost one. */
const line = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom("", "", "data: {}", "data:x", "data: [DONE]", ": ping", ":", "event: error"),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom("event: ping", "id:", "retry: 1", "error: no", "DATA: x", "data : y", "{}", "["),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 6 }).map((text) => text.replace(/[\r\n]/g, "")) },
);
const body = fc
  .array(fc.tuple(line, fc.constantFrom("\n", "\n", "\r\n", "\r")), { maxLength: 30 })
  .map((lines) => lines.map((parts) => parts.join("")).join(""));
/** Places at which bytes are cut. */
const cuts = fc.array(fc.nat(200), { maxLength: 8 });

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => Math.min(place, bytes.length)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

/** The data and name of each event that tells something, found with all of the text at hand. */
function eventsOf(text: string): [name: string, data: string][] {
  const events: [string, string][] = [];
  let [name, data, tells] = ["", "", false];
  for (const part of `${text.replace(/^\ufeff/, "")}\n\n`.replace(/\r\n?/g, "\n").split("\n")) {
    if (part === "") {
      if (tells) events.push([name, data]);
      [name, data, tells] = ["", "", false];
      continue;
    }
    const field = /^(data|event|id|retry|error)\s?: ?/i.exec(part);
    if (field === null) continue;
    const value = part.slice(field[0].length);
    if (field[1]!.toLowerCase() === "event") {
      name = value.trim();
      tells ||= name === "error";
    } else if (field[1]!.toLowerCase() === "data") {
      data ||= value;
      tells ||= value.trim() !== "";
    }
  }
  return events;
}

describe("the splitter of event streams", () => {
  it("finds the same events however the bytes are cut", { timeout: FUZZ_TIMEOUT_MS }, () =>
    fc.assert(
      fc.property(body, cuts, (text, places) => {
        const splitter = new EventSplitter();
        const events = cut(Buffer.from(text), places).flatMap((bytes) => splitter.push(bytes));
        const last = splitter.flush();
        if (last !== undefined) events.push(last);
        expect(events.map(({ name, data }) => [name, data])).toEqual(eventsOf(Buffer.from(text).toString()));
      }),
      fuzzBudget(2000),
    ),
  );
});

const KEYS =
  `id object model choices index delta content role tool_calls function name arguments finish_reason usage prompt_tokens
  completion_tokens error message code type status response item output item_id output_index content_index sequence_number
  text part summary_index refusal reasoning_content message_start content_block stop_reason input_tokens output_tokens
  partial_json thinking signature incomplete_details reason call_id input length __proto__ constructor toString`.split(
    /\s+/,
  );
const WORDS =
  `stop tool_calls length content_filter function_call message tool_use text_delta input_json_delta thinking_delta end_turn
  max_tokens response.created response.output_item.added response.output_item.done response.output_text.delta
  response.output_text.done response.function_call_arguments.delta response.function_call_arguments.done
  response.completed response.incomplete response.failed error ping message_start message_delta message_stop
  content_block_start content_block_delta content_block_stop completed in_progress output_text {} {"a":1 <think> </think>`.split(
    /\s+/,
  );
const leaf = fc.oneof(
  fc.constantFrom(...WORDS),
  fc.constantFrom(0, 1, -1, 2 ** 53, 1e300, 0.5, null, true),
  fc.string({ maxLength: 4 }),
);
const { value: event } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "medium", maxDepth: 5 },
    leaf,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...KEYS), tie("value"), { maxKeys: 6 }),
  ),
}));
const typed = fc.tuple(fc.constantFrom(...WORDS), fc.dictionary(fc.constantFrom(...KEYS), event, { maxKeys: 8 }));

/** Events that a server may send, of each API or of none. */
const sentEvent = fc.oneof(
  typed.map(([type, fields]) => ({ ...fields, type })),
  fc.dictionary(fc.constantFrom(...KEYS), event, { maxKeys: 8 }).map((delta) => ({
    choices: [{ index: 0, delta, finish_reason: null }],
  })),
  event,
);
const sentBody = fc
  .array(fc.tuple(fc.constantFrom("", "event: message_start\n", "event: error\n", "event: x\n"), sentEvent), {
    maxLength: 8,
  })
  .map((events) => events.map(([head, sent]) => `${head}data: ${JSON.stringify(sent)}\n\n`).join(""));

const answered = fc.record({
  text: fc.oneof(
    { weight: 3, arbitrary: sentBody },
    body,
    event.map((value) => JSON.stringify(value)),
  ),
  ending: fc.constantFrom("", "data: [DONE]\n\n", 'event: message_stop\ndata: {"type":"message_stop"}\n\n'),
  places: cuts,
  status: fc.constantFrom(200, 200, 200, 400, 429, 500),
  type: fc.constantFrom("text/event-stream", "application/json", "text/html", "x"),
});

type Class = new (settings: ReturnType<typeof resolveProviderSettings>, options: { fetch: Fetch }) => ChatProvider;
const PROVIDERS: [string, string, Class][] = [
  ["chat completions", "openai", OpenAIChat],
  ["responses", "openai", OpenAIResponses],
  ["messages", "anthropic", AnthropicMessages],
];

describe.each(PROVIDERS)("the reader of %s", (_, provider, Provider) => {
  it(
    "gives chunks, and an error of its own where it cannot, whatever a server sends",
    { timeout: FUZZ_TIMEOUT_MS },
    () =>
      fc.assert(
        fc.asyncProperty(answered, async ({ text, ending, places, status, type }) => {
          const parts = cut(Buffer.from(text + ending), places);
          const fetch: Fetch = () => {
            const stream = new ReadableStream<Uint8Array>({
              pull(controller) {
                const next = parts.shift();
                if (next === undefined) controller.close();
                else if (next.length > 0) controller.enqueue(next);
                else void this.pull?.(controller);
              },
            });
            return Promise.resolve(new Response(stream, { status, headers: { "content-type": type } }));
          };
          const given = { provider, model: "m", baseURL: "http://127.0.0.1:9/v1", apiKey: "sk-secret-key-1234" };
          const chat = new Provider(resolveProviderSettings(given, {}), { fetch });
          const chunks: ChatChunk[] = [];
          try {
            const messages = [{ role: "user" as const, content: "hello" }];
            const { signal } = new AbortController();
            for await (const chunk of chat.stream({ model: "m", messages }, { signal })) chunks.push(chunk);
            expect(chunks.at(-1)?.type).toBe("end");
          } catch (error) {
            expect(error, String((error as Error).stack)).toBeInstanceOf(GeppettoError);
            expect((error as Error).message).not.toContain("sk-secret");
          }
          for (const chunk of chunks) {
            if (chunk.type === "text" || chunk.type === "reasoning") expect(typeof chunk.delta).toBe("string");
            if (chunk.type === "tool-call") expect(typeof chunk.toolCall.name).toBe("string");
          }
        }),
        fuzzBudget(300),
      ),
  );
});
