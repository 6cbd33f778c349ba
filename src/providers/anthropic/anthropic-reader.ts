import type { ChatChunk, StopReason, Usage } from "../chat-provider.ts";
import { toToolCallChunk } from "../input/tool-input.ts";
import { countOf, listOf, recordOf, stringOf } from "../input/unknown-fields.ts";
import { WholeText } from "../input/whole-text.ts";

const STOP_REASONS: Record<string, StopReason> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  tool_use: "tool-calls",
  refusal: "refusal",
};

interface ToolDraft {
  id: string;
  name: string;
  /** What the opening event held already; most servers send {} there and the rest in pieces. */
  input: unknown;
  inputText: string;
}

/** Turns the events of one Anthropic message into chunks. Blocks that are not text, thinking or tool use are left out. */
export class AnthropicReader {
  /** Has `message_stop` come? */
  isFinished = false;
  eventCount = 0;
  #stopReason: string | null = null;
  #usage: Record<string, unknown> = {};
  #engine: string;
  #responseId: string | undefined;
  #callCount = 0;
  readonly #drafts = new Map<number, ToolDraft>();
  /** Thinking as it came, with its signatures, for the answer to its tool calls. */
  readonly #thoughts = new Map<number, Record<string, unknown>>();
  readonly #text = new WholeText();
  readonly #reasoning = new WholeText();

  constructor(askedModel: string) {
    this.#engine = askedModel;
  }

  *read(event: unknown): Generator<ChatChunk, void, undefined> {
    const data = recordOf(event);
    if (!data) return;
    this.eventCount++;
    const index = countOf(data["index"]) ?? 0;
    switch (data["type"]) {
      case "message_start":
        this.#readMessage(recordOf(data["message"]) ?? {});
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
        this.#mergeUsage(data["usage"]);
        break;
      case "message_stop":
        this.isFinished = true;
        break;
    }
  }

  /** The same for an answer that came as one document. */
  *readWhole(message: Record<string, unknown>): Generator<ChatChunk, void, undefined> {
    this.eventCount++;
    this.#readMessage(message);
    for (const [index, block] of (listOf(message["content"]) ?? []).entries()) {
      yield* this.#openBlock(index, recordOf(block) ?? {});
      yield* this.#closeBlock(index);
    }
    this.#stopReason = stringOf(message["stop_reason"]) ?? null;
    this.isFinished = true;
  }

  *end(): Generator<ChatChunk, void, undefined> {
    const reasoning = this.#reasoning.flush();
    if (reasoning) yield { type: "reasoning", delta: reasoning };
    const text = this.#text.flush();
    if (text) yield { type: "text", delta: text };
    const usage = toUsage(this.#usage);
    const reason = STOP_REASONS[this.#stopReason ?? ""] ?? "unknown";
    yield {
      type: "end",
      stopReason: this.#callCount > 0 && reason === "stop" ? "tool-calls" : reason,
      providerStopReason: this.#stopReason,
      engine: this.#engine,
      ...(usage ? { usage } : {}),
      ...(this.#responseId ? { responseId: this.#responseId } : {}),
      ...(this.#thoughts.size > 0 && this.#callCount > 0
        ? { thoughts: { provider: "anthropic", items: [...this.#thoughts.values()] } }
        : {}),
    };
  }

  #readMessage(message: Record<string, unknown>): void {
    this.#engine = stringOf(message["model"]) || this.#engine;
    this.#responseId = stringOf(message["id"]) || undefined;
    this.#mergeUsage(message["usage"]);
  }

  /** Counts are cumulative: a later one replaces an earlier one. */
  #mergeUsage(usage: unknown): void {
    for (const [key, value] of Object.entries(recordOf(usage) ?? {})) if (value !== null) this.#usage[key] = value;
  }

  *#openBlock(index: number, block: Record<string, unknown>): Generator<ChatChunk, void, undefined> {
    if (block["type"] === "thinking" || block["type"] === "redacted_thinking") this.#thoughts.set(index, { ...block });
    if (block["type"] === "text") yield* this.#addText(block["text"]);
    else if (block["type"] === "thinking") yield* this.#addReasoning(block["thinking"]);
    else if (block["type"] === "tool_use") {
      const [id, name] = [stringOf(block["id"]) ?? "", stringOf(block["name"]) ?? ""];
      this.#drafts.set(index, { id, name, input: block["input"], inputText: "" });
    }
  }

  *#readDelta(index: number, delta: Record<string, unknown>): Generator<ChatChunk, void, undefined> {
    if (delta["type"] === "text_delta") yield* this.#addText(delta["text"]);
    else if (delta["type"] === "thinking_delta") {
      this.#extendThought(index, "thinking", delta["thinking"]);
      yield* this.#addReasoning(delta["thinking"]);
    } else if (delta["type"] === "signature_delta") this.#extendThought(index, "signature", delta["signature"]);
    else if (delta["type"] === "input_json_delta") {
      const draft = this.#drafts.get(index);
      if (draft) draft.inputText += stringOf(delta["partial_json"]) ?? "";
    }
  }

  #extendThought(index: number, field: "thinking" | "signature", more: unknown): void {
    const thought = this.#thoughts.get(index);
    if (thought) thought[field] = (stringOf(thought[field]) ?? "") + (stringOf(more) ?? "");
  }

  *#closeBlock(index: number): Generator<ChatChunk, void, undefined> {
    const draft = this.#drafts.get(index);
    if (!draft) return;
    this.#drafts.delete(index);
    const id = draft.id || `call_${this.#responseId ?? "0"}_${this.#callCount}`;
    this.#callCount++;
    yield toToolCallChunk(id, draft.name, draft.inputText || JSON.stringify(draft.input ?? {}));
  }

  *#addText(value: unknown): Generator<ChatChunk, void, undefined> {
    const delta = this.#text.push(stringOf(value) ?? "");
    if (delta) yield { type: "text", delta };
  }

  *#addReasoning(value: unknown): Generator<ChatChunk, void, undefined> {
    const delta = this.#reasoning.push(stringOf(value) ?? "");
    if (delta) yield { type: "reasoning", delta };
  }
}

function toUsage(usage: Record<string, unknown>): Usage | undefined {
  const inputTokens = countOf(usage["input_tokens"]);
  const outputTokens = countOf(usage["output_tokens"]);
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const cacheCreationInputTokens = countOf(usage["cache_creation_input_tokens"]);
  const cacheReadInputTokens = countOf(usage["cache_read_input_tokens"]);
  const reasoningTokens = countOf(recordOf(usage["output_tokens_details"])?.["thinking_tokens"]);
  const counts = [inputTokens, outputTokens, cacheCreationInputTokens, cacheReadInputTokens];
  return {
    inputTokens: inputTokens ?? 0,
    outputTokens: outputTokens ?? 0,
    ...(cacheCreationInputTokens === undefined ? {} : { cacheCreationInputTokens }),
    ...(cacheReadInputTokens === undefined ? {} : { cacheReadInputTokens }),
    ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
    totalTokens: counts.reduce<number>((sum, count) => sum + (count ?? 0), 0),
  };
}
