import type { ChatChunk, StopReason, Usage } from "../chat-provider.ts";
import { toUsage } from "./openai-usage.ts";
import { toToolCallChunk } from "../input/tool-input.ts";
import { listOf, recordOf, stringOf } from "../input/unknown-fields.ts";
import { WholeText } from "../input/whole-text.ts";

const INCOMPLETE_REASONS: Record<string, StopReason> = {
  max_output_tokens: "length",
  content_filter: "content-filter",
};

/** Turns the events of one answer of OpenAI's responses API into chunks. Hosted tools' items are left out. */
export class OpenAIResponsesReader {
  /** Has the last event come: completed, incomplete or failed? */
  isFinished = false;
  eventCount = 0;
  /** What a failed answer, or an error event, says. */
  failure: Record<string, unknown> | undefined;
  #engine: string;
  #responseId: string | undefined;
  #status: string | null = null;
  #incompleteReason = "";
  #usage: Usage | undefined;
  #callCount = 0;
  #hasRefused = false;
  readonly #thoughts: unknown[] = [];
  readonly #text = new WholeText();
  readonly #reasoning = new WholeText();

  constructor(askedModel: string) {
    this.#engine = askedModel;
  }

  *read(event: unknown): Generator<ChatChunk, void, undefined> {
    const data = recordOf(event);
    const type = stringOf(data?.["type"]);
    if (!data || type === undefined) return;
    this.eventCount++;
    switch (type) {
      case "response.created":
      case "response.in_progress":
        this.#readResponse(recordOf(data["response"]) ?? {});
        break;
      case "response.output_text.delta":
        yield* this.#addText(data["delta"]);
        break;
      case "response.refusal.delta":
        yield* this.#addRefusal(data["delta"]);
        break;
      case "response.reasoning_summary_text.delta":
      case "response.reasoning_text.delta":
        yield* this.#addReasoning(data["delta"]);
        break;
      case "response.output_item.done":
        yield* this.#closeItem(recordOf(data["item"]) ?? {});
        break;
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
        this.#finish(recordOf(data["response"]) ?? {});
        break;
      case "error":
        this.failure = recordOf(data["error"]) ?? data;
        break;
    }
  }

  /** The same for an answer that came as one document. */
  *readWhole(response: Record<string, unknown>): Generator<ChatChunk, void, undefined> {
    this.eventCount++;
    for (const item of listOf(response["output"]) ?? []) {
      const record = recordOf(item) ?? {};
      for (const part of listOf(record["content"]) ?? []) {
        const { type, text, refusal } = recordOf(part) ?? {};
        if (type === "output_text") yield* this.#addText(text);
        if (type === "refusal") yield* this.#addRefusal(refusal);
      }
      yield* this.#closeItem(record);
    }
    this.#finish(response);
  }

  *end(): Generator<ChatChunk, void, undefined> {
    const reasoning = this.#reasoning.flush();
    if (reasoning) yield { type: "reasoning", delta: reasoning };
    const text = this.#text.flush();
    if (text) yield { type: "text", delta: text };
    yield {
      type: "end",
      stopReason: this.#stopReason(),
      providerStopReason: this.#status,
      engine: this.#engine,
      ...(this.#usage ? { usage: this.#usage } : {}),
      ...(this.#responseId ? { responseId: this.#responseId } : {}),
      ...(this.#thoughts.length > 0 && this.#callCount > 0
        ? { thoughts: { provider: "openai-responses", items: this.#thoughts } }
        : {}),
    };
  }

  #stopReason(): StopReason {
    if (this.#status === "incomplete") return INCOMPLETE_REASONS[this.#incompleteReason] ?? "unknown";
    if (this.#hasRefused) return "refusal";
    if (this.#callCount > 0) return "tool-calls";
    return this.#status === "completed" ? "stop" : "unknown";
  }

  #readResponse(response: Record<string, unknown>): void {
    this.#engine = stringOf(response["model"]) || this.#engine;
    this.#responseId = stringOf(response["id"]) || this.#responseId;
  }

  #finish(response: Record<string, unknown>): void {
    this.isFinished = true;
    this.#readResponse(response);
    this.#status = stringOf(response["status"]) ?? null;
    this.#incompleteReason = stringOf(recordOf(response["incomplete_details"])?.["reason"]) ?? "";
    this.#usage = toUsage(response["usage"], "input", "output");
    if (this.#status === "failed" || this.#status === "cancelled") {
      this.failure = recordOf(response["error"]) ?? { message: `the answer was ${this.#status}` };
    }
  }

  *#closeItem(item: Record<string, unknown>): Generator<ChatChunk, void, undefined> {
    if (item["type"] === "reasoning" && stringOf(item["encrypted_content"])) this.#thoughts.push(item);
    if (item["type"] !== "function_call") return;
    const id =
      stringOf(item["call_id"]) || stringOf(item["id"]) || `call_${this.#responseId ?? "0"}_${this.#callCount}`;
    this.#callCount++;
    yield toToolCallChunk(id, stringOf(item["name"]) ?? "", stringOf(item["arguments"]) ?? "");
  }

  *#addText(value: unknown): Generator<ChatChunk, void, undefined> {
    const delta = this.#text.push(stringOf(value) ?? "");
    if (delta) yield { type: "text", delta };
  }

  *#addRefusal(value: unknown): Generator<ChatChunk, void, undefined> {
    const delta = stringOf(value);
    if (!delta) return;
    this.#hasRefused = true;
    yield { type: "refusal", delta };
  }

  *#addReasoning(value: unknown): Generator<ChatChunk, void, undefined> {
    const delta = this.#reasoning.push(stringOf(value) ?? "");
    if (delta) yield { type: "reasoning", delta };
  }
}
