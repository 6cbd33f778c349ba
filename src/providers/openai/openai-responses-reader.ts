import { AnswerText } from "../answer/answer-text.ts";
import type { ChatChunk, ChatRequest, StopReason } from "../chat-provider.ts";
import { failureIn } from "../failures/failure-facts.ts";
import { listOf, recordOf, stringOf } from "../input/unknown-fields.ts";
import type { EventReader } from "../sdk/sdk-chat.ts";
import { stopReasonOf } from "../answer/stop-reason.ts";
import { UsageCounts } from "./openai-usage.ts";
import { ResponseItems, type TextKind } from "./response-items.ts";
import { SequenceCheck } from "./sequence-check.ts";

type Fields = Record<string, unknown>;

/** What each kind of text is called in the events: of a delta, and of the whole. */
const TEXT_EVENTS: Record<string, { kind: TextKind; whole: string; place: string }> = {
  output_text: { kind: "text", whole: "text", place: "content_index" },
  refusal: { kind: "refusal", whole: "refusal", place: "content_index" },
  reasoning_summary_text: { kind: "reasoning", whole: "text", place: "summary_index" },
  reasoning_text: { kind: "reasoning", whole: "text", place: "content_index" },
};

/** Turns the events of one answer of OpenAI's responses API into chunks. Hosted tools' items are left out. */
export class OpenAIResponsesReader implements EventReader {
  /** Has the last event come: completed, incomplete or failed? */
  isFinished = false;
  eventCount = 0;
  /** What a failed answer, or an error event, says. */
  failure: unknown;
  #engine: string;
  #responseId: string | undefined;
  #status: string | null = null;
  #incompleteReason = "";
  readonly #thoughts: unknown[] = [];
  readonly #usage = new UsageCounts();
  readonly #text: AnswerText;
  readonly #items: ResponseItems;
  readonly #sequence: SequenceCheck;
  readonly #earlierCalls: number;

  constructor({ model, messages }: Pick<ChatRequest, "model" | "messages">, provider: string) {
    this.#engine = model;
    this.#text = new AnswerText(provider);
    this.#items = new ResponseItems(provider, this.#text);
    this.#sequence = new SequenceCheck(provider);
    this.#earlierCalls = messages.reduce((count, { toolCalls }) => count + (toolCalls?.length ?? 0), 0);
  }

  *read(event: unknown): Generator<ChatChunk, void, undefined> {
    const data = recordOf(event);
    if (!data) return;
    const type = stringOf(data["type"]) ?? "";
    this.eventCount++;
    this.failure = failureIn(data, type.startsWith("response."));
    if (this.failure !== undefined) return;
    this.#sequence.see(data);
    const [, name = "", step] = /^response\.(\w+)\.(delta|done|added)$/.exec(type) ?? [];
    const text = TEXT_EVENTS[name];
    if (text !== undefined && step === "delta") yield* this.#addDelta(text, data);
    else if (text !== undefined && step === "done") {
      yield* this.#tell(
        text.kind,
        this.#items.rest(this.#items.at(data), text.kind, data[text.place], data[text.whole]),
      );
    } else if (name === "function_call_arguments" && step === "delta") {
      this.#items.addArguments(this.#items.at(data, true), data["delta"]);
    } else if (name === "function_call_arguments" && step === "done") {
      const item = this.#items.at(data, true);
      this.#items.noteCall(item, data);
      this.#items.setArguments(item, data["arguments"]);
    } else if (name === "output_item") yield* this.#readItem(data, step === "done");
    else if (/^response\.(?:created|in_progress|queued)$/.test(type))
      this.#readResponse(recordOf(data["response"]) ?? {});
    else if (/^response\.(?:completed|incomplete|failed|cancelled)$/.test(type)) {
      yield* this.#finish(recordOf(data["response"]) ?? {}, type.slice("response.".length));
    }
  }

  takesWhole(answer: Fields): boolean {
    return answer["object"] === "response" || listOf(answer["output"]) !== undefined;
  }

  *readWhole(response: Fields): Generator<ChatChunk, void, undefined> {
    this.eventCount++;
    const status = stringOf(response["status"]);
    // An answer that goes on in the background, which nobody has asked for.
    if (status === "queued" || status === "in_progress") {
      this.failure = { message: `the answer is not whole: its status is "${status}"` };
    } else yield* this.#finish(response, "completed");
  }

  *end(): Generator<ChatChunk, void, undefined> {
    for (const item of this.#items.openCalls) yield* this.#items.call(item, this.#makeId);
    yield* this.#text.flush();
    const usage = this.#usage.toUsage();
    yield {
      type: "end",
      stopReason: this.#stopReason(),
      providerStopReason: this.#status,
      engine: this.#engine,
      ...(usage ? { usage } : {}),
      ...(this.#responseId ? { responseId: this.#responseId } : {}),
      ...(this.#thoughts.length > 0 && this.#items.callCount > 0
        ? { thoughts: { provider: "openai-responses", items: this.#thoughts } }
        : {}),
    };
  }

  readonly #makeId = (place: number): string => `call_${this.#responseId ?? "0"}_${this.#earlierCalls + place}`;

  #stopReason(): StopReason {
    const reason = stopReasonOf(this.#incompleteReason);
    if (this.#status === "incomplete") return reason === "failure" ? "unknown" : reason;
    if (this.#text.hasRefused) return "refusal";
    if (this.#items.callCount > 0) return "tool-calls";
    return this.#status === "completed" ? "stop" : "unknown";
  }

  #readResponse(response: Fields): void {
    this.#engine = stringOf(response["model"]) || this.#engine;
    this.#responseId = stringOf(response["id"]) || this.#responseId;
    this.#usage.add(response["usage"]);
  }

  *#finish(response: Fields, type: string): Generator<ChatChunk, void, undefined> {
    this.isFinished = true;
    this.#readResponse(response);
    this.#status = stringOf(response["status"]) ?? type;
    this.#incompleteReason = stringOf(recordOf(response["incomplete_details"])?.["reason"]) ?? "";
    if (this.#status === "failed" || this.#status === "cancelled") {
      this.failure = recordOf(response["error"]) ?? { message: `the answer was ${this.#status}` };
      return;
    }
    const whole = itemsOf(response);
    for (const kind of ["reasoning", "text", "refusal"] as const)
      yield* this.#tell(kind, this.#items.restOf(kind, whole));
    for (const item of whole) {
      this.#noteThought(item);
      if (item["type"] !== "function_call") continue;
      const known = this.#items.find(item) ?? this.#items.begin();
      this.#items.noteCall(known, item);
      this.#items.setArguments(known, item["arguments"]);
      yield* this.#items.call(known, this.#makeId);
    }
  }

  *#readItem(data: Fields, isDone: boolean): Generator<ChatChunk, void, undefined> {
    const fields = recordOf(data["item"]) ?? {};
    const item = this.#items.at(data, fields["type"] === "function_call");
    if (fields["type"] === "function_call") this.#items.noteCall(item, fields);
    if (!isDone) return;
    for (const kind of ["reasoning", "text", "refusal"] as const) {
      yield* this.#tell(kind, this.#items.restOf(kind, [fields], [item]));
    }
    this.#noteThought(fields);
    if (fields["type"] !== "function_call") {
      item.isTold = true;
      return;
    }
    this.#items.setArguments(item, fields["arguments"]);
    yield* this.#items.call(item, this.#makeId);
  }

  /** A thinking model's encrypted reasoning, which it wants to have back. */
  #noteThought(item: Fields): void {
    if (item["type"] !== "reasoning" || !stringOf(item["encrypted_content"])) return;
    const isKnown = this.#thoughts.some((thought) => recordOf(thought)?.["id"] === item["id"]);
    if (!isKnown) this.#thoughts.push(item);
  }

  *#addDelta({ kind, place }: { kind: TextKind; place: string }, data: Fields): Generator<ChatChunk, void, undefined> {
    const delta = stringOf(data["delta"]) ?? "";
    this.#items.addText(this.#items.at(data), kind, data[place], delta);
    yield* this.#tell(kind, delta);
  }

  *#tell(kind: TextKind, delta: string): Generator<ChatChunk, void, undefined> {
    if (kind === "text") yield* this.#text.add(delta);
    else if (kind === "refusal") yield* this.#text.addRefusal(delta);
    else yield* this.#text.addReasoning(delta);
  }
}

/** The items of a whole answer. Some servers write the text alone, as the vendor's SDK shows it. */
function itemsOf({ output, output_text: text }: Fields): Fields[] {
  const items = (listOf(output) ?? []).map((item) => recordOf(item) ?? {});
  if (items.length > 0 || typeof text !== "string") return items;
  return [{ type: "message", content: [{ type: "output_text", text }] }];
}
