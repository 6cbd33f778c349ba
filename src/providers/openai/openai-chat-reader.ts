import type { ChatChunk, StopReason, Usage } from "../chat-provider.ts";
import { toUsage } from "./openai-usage.ts";
import { toToolCallChunk } from "../input/tool-input.ts";
import { countOf, listOf, recordOf, stringOf } from "../input/unknown-fields.ts";
import { WholeText } from "../input/whole-text.ts";

interface CallDraft {
  id: string;
  name: string;
  argumentsText: string;
  index: number | undefined;
}

const STOP_REASONS: Record<string, StopReason> = {
  stop: "stop",
  length: "length",
  tool_calls: "tool-calls",
  function_call: "tool-calls",
  content_filter: "content-filter",
};

/**
 * Turns the events of one chat completion into chunks; knows the dialects of the compatible servers. A whole answer
 * (`message` in place of `delta`) counts as one event.
 */
export class OpenAIChatReader {
  /** Has a finish reason come? */
  isFinished = false;
  eventCount = 0;
  #finishReason: string | null = null;
  #usage: Usage | undefined;
  #engine: string;
  #responseId: string | undefined;
  #hasRefused = false;
  readonly #calls: CallDraft[] = [];
  readonly #text = new WholeText();
  readonly #reasoning = new WholeText();

  constructor(askedModel: string) {
    this.#engine = askedModel;
  }

  *read(event: unknown): Generator<ChatChunk, void, undefined> {
    const data = recordOf(event);
    if (!data) return;
    this.eventCount++;
    this.#engine = stringOf(data["model"]) || this.#engine;
    this.#responseId ??= stringOf(data["id"]) || undefined;
    this.#usage =
      toUsage(data["usage"], "prompt", "completion") ??
      toUsage(recordOf(data["x_groq"])?.["usage"], "prompt", "completion") ??
      this.#usage;
    const choice = listOf(data["choices"])
      ?.map(recordOf)
      .find((candidate) => candidate && (candidate["index"] ?? 0) === 0);
    if (!choice) return;
    const finishReason = stringOf(choice["finish_reason"]);
    if (finishReason) {
      this.isFinished = true;
      this.#finishReason = finishReason;
    }
    const delta = recordOf(choice["delta"]) ?? recordOf(choice["message"]);
    if (delta) yield* this.#readDelta(delta);
  }

  /** What is still to come when the stream is over: the tool calls, whole, and the end. */
  *end(): Generator<ChatChunk, void, undefined> {
    const reasoning = this.#reasoning.flush();
    if (reasoning) yield { type: "reasoning", delta: reasoning };
    const text = this.#text.flush();
    if (text) yield { type: "text", delta: text };
    for (const [position, { id, name, argumentsText }] of this.#calls.entries()) {
      yield toToolCallChunk(id || `call_${this.#responseId ?? "0"}_${position}`, name, argumentsText);
    }
    yield {
      type: "end",
      stopReason: this.#stopReason(),
      providerStopReason: this.#finishReason,
      engine: this.#engine,
      ...(this.#usage ? { usage: this.#usage } : {}),
      ...(this.#responseId ? { responseId: this.#responseId } : {}),
    };
  }

  *#readDelta(delta: Record<string, unknown>): Generator<ChatChunk, void, undefined> {
    const thought =
      stringOf(delta["reasoning_content"]) || stringOf(delta["reasoning"]) || thinkingOf(delta["content"]);
    const reasoning = thought && this.#reasoning.push(thought);
    if (reasoning) yield { type: "reasoning", delta: reasoning };
    const text = this.#text.push(textOf(delta["content"]));
    if (text) yield { type: "text", delta: text };
    const refusal = stringOf(delta["refusal"]);
    if (refusal) {
      this.#hasRefused = true;
      yield { type: "refusal", delta: refusal };
    }
    for (const fragment of listOf(delta["tool_calls"]) ?? []) this.#readCall(recordOf(fragment) ?? {});
    const legacyCall = recordOf(delta["function_call"]);
    if (legacyCall) this.#readCall({ index: 0, function: legacyCall });
  }

  #readCall(fragment: Record<string, unknown>): void {
    const fields = recordOf(fragment["function"]) ?? {};
    const id = stringOf(fragment["id"]) ?? "";
    const name = stringOf(fields["name"]) ?? "";
    const index = countOf(fragment["index"]);
    const open = index === undefined ? this.#calls.at(-1) : this.#calls.findLast((call) => call.index === index);
    // A new id with a name at a used index is another call; a new id alone is a server that numbers fragments.
    const isNew = !open || (id !== "" && open.id !== "" && id !== open.id && name !== "");
    const call = isNew ? { id, name, argumentsText: "", index } : open;
    if (isNew) this.#calls.push(call);
    call.id ||= id;
    call.name ||= name;
    const given = fields["arguments"];
    if (typeof given === "string") call.argumentsText += given;
    else if (recordOf(given)) call.argumentsText = JSON.stringify(given);
  }

  #stopReason(): StopReason {
    const reason = STOP_REASONS[this.#finishReason ?? ""] ?? "unknown";
    if (this.#hasRefused && reason !== "content-filter") return "refusal";
    if (this.#calls.length > 0 && (reason === "stop" || reason === "unknown")) return "tool-calls";
    return reason;
  }
}

/** `content` is a string, null, or, with Mistral, a list of parts. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  return joinParts(content, "text");
}

function thinkingOf(content: unknown): string {
  return (listOf(content) ?? [])
    .map(recordOf)
    .map((part) =>
      part?.["type"] === "thinking" ? (stringOf(part["thinking"]) ?? joinParts(part["thinking"], "text")) : "",
    )
    .join("");
}

function joinParts(parts: unknown, type: string): string {
  return (listOf(parts) ?? [])
    .map(recordOf)
    .map((part) => (part?.["type"] === type ? (stringOf(part["text"]) ?? "") : ""))
    .join("");
}
