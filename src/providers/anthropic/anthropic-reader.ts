import { AnswerText, MAX_CALLS, tooLarge } from "../answer/answer-text.ts";
import { JSON_LIMITS } from "../answer/json-progress.ts";
import { argumentsTextOf, toToolCallChunk } from "../answer/tool-arguments.ts";
import type { ChatChunk, ChatRequest } from "../chat-provider.ts";
import { failureIn } from "../failures/failure-facts.ts";
import { countOf, listOf, recordOf, stringOf } from "../input/unknown-fields.ts";
import { brokenStream } from "../provider-error.ts";
import type { EventReader } from "../sdk/sdk-chat.ts";
import { stopReasonOf } from "../answer/stop-reason.ts";
import { toAnthropicUsage } from "./anthropic-usage.ts";

type Fields = Record<string, unknown>;

interface ToolDraft {
  id: string;
  name: string;
  /** What the opening event held already; most servers send {} there and the rest in pieces. */
  input: unknown;
  parts: string[];
  chars: number;
}

const EVENT_TYPES = new Set([
  "message_start",
  "message_delta",
  "message_stop",
  "content_block_start",
  "content_block_delta",
  "content_block_stop",
  "ping",
]);

/** Turns the events of one Anthropic message into chunks. Blocks that are not text, thinking or tool use are left out. */
export class AnthropicReader implements EventReader {
  /** Has `message_stop` come? */
  isFinished = false;
  eventCount = 0;
  failure: unknown;
  #stopReason: string | null = null;
  #usage: Fields = {};
  #engine: string;
  #responseId: string | undefined;
  #callCount = 0;
  /** The blocks that the opening event holds already, where servers send the whole message in it. */
  #opening: unknown[] = [];
  /** Blocks that have begun. */
  readonly #begun = new Set<number>();
  readonly #drafts = new Map<number, ToolDraft>();
  /** Thinking as it came, with its signatures, for the answer to its tool calls. */
  readonly #thoughts: Fields[] = [];
  readonly #thoughtAt = new Map<number, Fields>();
  readonly #text: AnswerText;
  readonly #provider: string;
  readonly #earlierCalls: number;

  constructor({ model, messages }: Pick<ChatRequest, "model" | "messages">, provider: string) {
    this.#engine = model;
    this.#provider = provider;
    this.#text = new AnswerText(provider);
    this.#earlierCalls = messages.reduce((count, { toolCalls }) => count + (toolCalls?.length ?? 0), 0);
  }

  /** The end has come, and says that the answer is not whole. */
  get endFailure(): unknown {
    if (stopReasonOf(this.#stopReason) !== "failure") return undefined;
    return { message: `the answer is not whole: its stop reason is "${this.#stopReason}"`, type: this.#stopReason };
  }

  *read(event: unknown): Generator<ChatChunk, void, undefined> {
    const data = recordOf(event);
    if (!data) return;
    this.eventCount++;
    this.failure = failureIn(data, EVENT_TYPES.has(stringOf(data["type"]) ?? ""));
    if (this.failure !== undefined) return;
    const index = countOf(data["index"]) ?? 0;
    this.#mergeUsage(data["usage"]);
    switch (data["type"]) {
      case "message_start":
        this.#readMessage(recordOf(data["message"]) ?? {});
        this.#opening = listOf(recordOf(data["message"])?.["content"]) ?? [];
        break;
      case "content_block_start":
        yield* this.#openBlock(index, recordOf(data["content_block"]) ?? {});
        break;
      case "content_block_delta":
        yield* this.#readDelta(index, recordOf(data["delta"]) ?? {});
        break;
      case "content_block_stop":
        yield* this.#closeBlock(index);
        break;
      case "message_delta":
        this.#stopReason = stringOf(recordOf(data["delta"])?.["stop_reason"]) ?? this.#stopReason;
        break;
      case "message_stop":
        this.isFinished = true;
        break;
    }
  }

  takesWhole(answer: Fields): boolean {
    return answer["type"] === "message" || listOf(answer["content"]) !== undefined;
  }

  *readWhole(message: Fields): Generator<ChatChunk, void, undefined> {
    this.eventCount++;
    this.#readMessage(message);
    yield* this.#readBlocks(listOf(message["content"]) ?? []);
    this.#stopReason = stringOf(message["stop_reason"]) ?? null;
    this.isFinished = true;
  }

  *end(): Generator<ChatChunk, void, undefined> {
    if (this.#begun.size === 0) yield* this.#readBlocks(this.#opening);
    for (const index of this.#drafts.keys()) yield* this.#closeBlock(index);
    yield* this.#text.flush();
    const usage = toAnthropicUsage(this.#usage);
    const reason = stopReasonOf(this.#stopReason);
    const stopReason = reason === "failure" ? "unknown" : reason;
    yield {
      type: "end",
      stopReason:
        this.#callCount > 0 && (stopReason === "stop" || stopReason === "unknown") ? "tool-calls" : stopReason,
      providerStopReason: this.#stopReason,
      engine: this.#engine,
      ...(usage ? { usage } : {}),
      ...(this.#responseId ? { responseId: this.#responseId } : {}),
      ...(this.#thoughts.length > 0 && this.#callCount > 0
        ? { thoughts: { provider: "anthropic", items: this.#thoughts } }
        : {}),
    };
  }

  #readMessage(message: Fields): void {
    this.#engine = stringOf(message["model"]) || this.#engine;
    this.#responseId = stringOf(message["id"]) || undefined;
    this.#mergeUsage(message["usage"]);
  }

  *#readBlocks(blocks: readonly unknown[]): Generator<ChatChunk, void, undefined> {
    for (const [index, block] of blocks.entries()) {
      yield* this.#openBlock(index, recordOf(block) ?? {});
      yield* this.#closeBlock(index);
    }
  }

  /** Counts are cumulative: a later one replaces an earlier one, but for a zero. */
  #mergeUsage(usage: unknown): void {
    for (const [key, value] of Object.entries(recordOf(usage) ?? {})) {
      if (value !== null && (value !== 0 || this.#usage[key] === undefined)) this.#usage[key] = value;
    }
  }

  *#openBlock(index: number, block: Fields): Generator<ChatChunk, void, undefined> {
    // A server that numbers all blocks alike begins one while another is open.
    yield* this.#closeBlock(index);
    this.#begun.add(index);
    const { type } = block;
    this.#thoughtAt.delete(index);
    if (type === "thinking" || type === "redacted_thinking") {
      const thought = { ...block };
      this.#thoughts.push(thought);
      this.#thoughtAt.set(index, thought);
    }
    if (type === "text") yield* this.#text.add(block["text"]);
    else if (type === "thinking") yield* this.#text.addReasoning(block["thinking"]);
    else if (type === "tool_use") {
      if (this.#callCount + this.#drafts.size >= MAX_CALLS) {
        throw tooLarge(this.#provider, `it has more than ${MAX_CALLS} tool calls`);
      }
      const [id, name] = [stringOf(block["id"]) ?? "", stringOf(block["name"]) ?? ""];
      this.#drafts.set(index, { id, name, input: block["input"], parts: [], chars: 0 });
    }
  }

  *#readDelta(index: number, delta: Fields): Generator<ChatChunk, void, undefined> {
    const { type } = delta;
    if (type === "text_delta") yield* this.#text.add(delta["text"]);
    else if (type === "thinking_delta") {
      this.#extendThought(index, "thinking", delta["thinking"]);
      yield* this.#text.addReasoning(delta["thinking"]);
    } else if (type === "signature_delta") this.#extendThought(index, "signature", delta["signature"]);
    else if (type === "input_json_delta") this.#extendInput(index, argumentsTextOf(delta["partial_json"]));
  }

  #extendThought(index: number, field: "thinking" | "signature", more: unknown): void {
    const thought = this.#thoughtAt.get(index);
    if (thought) thought[field] = (stringOf(thought[field]) ?? "") + (stringOf(more) ?? "");
  }

  #extendInput(index: number, text: string): void {
    const draft = this.#drafts.get(index);
    if (draft === undefined) {
      // Of a hosted tool's block nothing is told; arguments of no block at all belong to a call that is lost.
      if (this.#begun.has(index) || text === "") return;
      throw brokenStream(this.#provider, `the answer holds arguments for block ${index}, which has not begun`);
    }
    this.#text.count(text.length);
    draft.parts.push(text);
    draft.chars += text.length;
    if (draft.chars > JSON_LIMITS.chars) {
      throw tooLarge(this.#provider, `the arguments of a tool call have more than ${JSON_LIMITS.chars} characters`);
    }
  }

  *#closeBlock(index: number): Generator<ChatChunk, void, undefined> {
    const draft = this.#drafts.get(index);
    if (!draft) return;
    this.#drafts.delete(index);
    if (draft.name === "") {
      throw brokenStream(this.#provider, `the answer holds a tool call without a name (block ${index})`);
    }
    const id = draft.id || `call_${this.#responseId ?? "0"}_${this.#earlierCalls + this.#callCount}`;
    this.#callCount++;
    yield toToolCallChunk(id, draft.name, draft.parts.join("") || argumentsTextOf(draft.input));
  }
}
