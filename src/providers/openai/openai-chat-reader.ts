import { AnswerText } from "../answer/answer-text.ts";
import type { ChatChunk, ChatRequest, StopReason } from "../chat-provider.ts";
import { failureIn } from "../failures/failure-facts.ts";
import { countOf, listOf, recordOf, stringOf } from "../input/unknown-fields.ts";
import { brokenStream } from "../provider-error.ts";
import type { EventReader } from "../sdk/sdk-chat.ts";
import { stopReasonOf } from "../answer/stop-reason.ts";
import { readContent, readDetails } from "./message-content.ts";
import { UsageCounts } from "./openai-usage.ts";
import { ToolCallDrafts } from "./tool-call-drafts.ts";

type Fields = Record<string, unknown>;

/**
 * Turns the events of one chat completion into chunks; knows the dialects of the compatible servers. A whole answer
 * (`message` in place of `delta`) counts as one event.
 */
export class OpenAIChatReader implements EventReader {
  /** Has a finish reason come? */
  isFinished = false;
  eventCount = 0;
  failure: unknown;
  #finishReason: string | null = null;
  #engine: string;
  #responseId: string | undefined;
  #choice: number | undefined;
  /** The text so far, as it came, to compare a message with that comes later. */
  #streamed = "";
  /** The last whole message. */
  #message: Fields | undefined;
  /** It came beside a delta, which says the same. */
  #isBesideDelta = false;
  readonly #earlierCalls: number;
  readonly #usage = new UsageCounts();
  readonly #text: AnswerText;
  readonly #calls: ToolCallDrafts;
  readonly #provider: string;

  constructor({ model, messages }: Pick<ChatRequest, "model" | "messages">, provider: string) {
    this.#engine = model;
    this.#provider = provider;
    this.#text = new AnswerText(provider);
    this.#calls = new ToolCallDrafts(provider, this.#text);
    this.#earlierCalls = messages.reduce((count, { toolCalls }) => count + (toolCalls?.length ?? 0), 0);
  }

  *read(event: unknown): Generator<ChatChunk, void, undefined> {
    const data = recordOf(event);
    if (!data) {
      if (event !== null)
        this.failure = failureIn(event) ?? { message: `an event is not an object: ${JSON.stringify(event)}` };
      return;
    }
    this.eventCount++;
    const choices = (listOf(data["choices"]) ?? []).map(recordOf);
    this.failure = failureIn(data, choices.length > 0) ?? failureIn(data["x_groq"], true);
    if (this.failure !== undefined) return;
    this.#engine = stringOf(data["model"]) || this.#engine;
    this.#responseId ??= stringOf(data["id"]) || undefined;
    const choice = this.#ownChoice(choices);
    this.#readUsage(data, choice);
    if (choice) yield* this.#readChoice(choice);
  }

  /** The end has come, and says that the answer is not whole. The server's own text may have followed in another event. */
  get endFailure(): unknown {
    const reason = this.#finishReason;
    if (stopReasonOf(reason) !== "failure") return undefined;
    return { message: `the answer is not whole: its finish reason is "${reason}"`, type: reason };
  }

  takesWhole(answer: Fields): boolean {
    return listOf(answer["choices"]) !== undefined;
  }

  readWhole(answer: Fields): Iterable<ChatChunk> {
    return this.read(answer);
  }

  *end(): Generator<ChatChunk, void, undefined> {
    if (this.#message !== undefined) {
      const { content, refusal } = this.#message;
      if (this.#isBesideDelta && !this.#text.hasText && !this.#text.hasRefused) {
        yield* this.#readParts({ refusal }, content);
      }
      this.#calls.addWhole(callsOf(this.#message));
    }
    yield* this.#text.flush();
    const prefix = `call_${this.#responseId ?? "0"}_`;
    yield* this.#calls.toChunks((place) => `${prefix}${this.#earlierCalls + place}`);
    const usage = this.#usage.toUsage();
    yield {
      type: "end",
      stopReason: this.#stopReason(),
      providerStopReason: this.#finishReason,
      engine: this.#engine,
      ...(usage ? { usage } : {}),
      ...(this.#responseId ? { responseId: this.#responseId } : {}),
    };
  }

  /** One answer was asked for: the choice whose number comes first, 0 before others. */
  #ownChoice(choices: readonly (Fields | undefined)[]): Fields | undefined {
    const numberOf = (choice: Fields | undefined): number => countOf(choice?.["index"]) ?? 0;
    if (this.#choice === undefined && choices.length > 0) {
      const numbers = choices.map(numberOf);
      this.#choice = numbers.includes(0) ? 0 : numbers[0]!;
    }
    return choices.find((choice) => choice !== undefined && numberOf(choice) === this.#choice);
  }

  #readUsage(data: Fields, choice: Fields | undefined): void {
    const places = [
      data["usage"],
      recordOf(data["x_groq"])?.["usage"],
      data["usageMetadata"],
      choice?.["usage"],
      recordOf(choice?.["delta"])?.["usage"],
      recordOf(choice?.["message"])?.["usage"],
    ];
    for (const place of places) this.#usage.add(place);
  }

  *#readChoice(choice: Fields): Generator<ChatChunk, void, undefined> {
    const delta = recordOf(choice["delta"]);
    const message = recordOf(choice["message"]);
    if (message) {
      this.#message = message;
      this.#isBesideDelta = delta !== undefined;
      if (!delta) yield* this.#readMessage(message);
    }
    if (delta || !message) {
      const given = delta ?? {};
      yield* this.#readParts(given, given["content"] || choice["text"] || given["text"]);
      this.#readCalls(given);
    }
    this.failure ??= failureIn(choice, true);
    const reason = finishReasonOf(choice) || (delta && finishReasonOf(delta));
    if (!reason) return;
    this.isFinished = true;
    this.#finishReason = reason;
  }

  /** A message after deltas holds the whole answer so far, or only its end was streamed as a message. */
  *#readMessage(message: Fields): Generator<ChatChunk, void, undefined> {
    const { text } = readContent(message["content"], this.#provider);
    if (text.startsWith(this.#streamed)) {
      const rest = text.slice(this.#streamed.length);
      yield* this.#streamed === "" ? this.#readParts(message, message["content"]) : this.#readParts({}, rest);
    } else if (text !== "") {
      throw brokenStream(this.#provider, "the whole message at the end is not what was streamed before");
    }
  }

  #readParts(fields: Fields, content: unknown): readonly ChatChunk[] {
    const { text, reasoning, refusal } = readContent(content, this.#provider);
    const told = stringOf(fields["reasoning_content"]) || stringOf(fields["reasoning"]) || reasoning;
    const thoughts = this.#text.addReasoning(told || readDetails(fields["reasoning_details"]));
    this.#streamed += text;
    const texts = this.#text.add(text);
    const refusals = this.#text.addRefusal(stringOf(fields["refusal"]) || refusal);
    return thoughts.length + refusals.length === 0 ? texts : [...thoughts, ...texts, ...refusals];
  }

  #readCalls(delta: Fields): void {
    this.#calls.add(listOf(delta["tool_calls"]) ?? (recordOf(delta["tool_calls"]) ? [delta["tool_calls"]] : []));
    const legacy = recordOf(delta["function_call"]);
    if (legacy) this.#calls.add([{ index: 0, function: legacy }]);
  }

  #stopReason(): StopReason {
    const reason = stopReasonOf(this.#finishReason);
    if (this.#text.hasRefused && reason !== "content-filter") return "refusal";
    if (this.#calls.count > 0 && (reason === "stop" || reason === "unknown")) return "tool-calls";
    return reason === "failure" ? "unknown" : reason;
  }
}

function finishReasonOf(fields: Fields): string | undefined {
  return stringOf(fields["finish_reason"]) || stringOf(fields["finishReason"]) || stringOf(fields["done_reason"]);
}

function callsOf(message: Fields): unknown[] {
  const legacy = recordOf(message["function_call"]);
  return [...(listOf(message["tool_calls"]) ?? []), ...(legacy ? [{ function: legacy }] : [])];
}
