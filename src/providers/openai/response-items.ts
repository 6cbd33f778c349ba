import { type AnswerText, MAX_CALLS, tooLarge } from "../answer/answer-text.ts";
import { JSON_LIMITS } from "../answer/json-progress.ts";
import { argumentsTextOf, toToolCallChunk } from "../answer/tool-arguments.ts";
import type { ToolCallChunk } from "../chat-provider.ts";
import { countOf, listOf, recordOf, stringOf } from "../input/unknown-fields.ts";
import { brokenStream } from "../provider-error.ts";

type Fields = Record<string, unknown>;
export type TextKind = "text" | "refusal" | "reasoning";

/** One item of an answer's output as it comes together. */
class ResponseItem {
  id = "";
  callId = "";
  name = "";
  isCall = false;
  isTold = false;
  argumentParts: string[] = [];
  argumentChars = 0;
  /** What was streamed, by kind and place. */
  readonly texts = new Map<string, string>();

  get argumentsText(): string {
    return this.argumentParts.join("");
  }

  /** May an event be about this item that says no more than this? */
  mayBe(isCall: boolean, callId: string): boolean {
    return !this.isTold && this.isCall === isCall && (callId === "" || this.callId === "" || this.callId === callId);
  }

  textOf(kind: TextKind): string {
    return [...this.texts].map(([key, text]) => (key.startsWith(kind) ? text : "")).join("");
  }
}

/**
 * The items of an answer of the responses API. Each text and each call may be told three times: in deltas, when it is
 * done, and in the whole answer at the end. What was not told before is taken; what differs was lost on the way.
 */
export class ResponseItems {
  readonly #provider: string;
  readonly #answer: AnswerText;
  readonly #items: ResponseItem[] = [];
  readonly #byIndex = new Map<number, ResponseItem>();
  readonly #ids = new Set<string>();
  callCount = 0;

  constructor(provider: string, answer: AnswerText) {
    this.#provider = provider;
    this.#answer = answer;
  }

  /** The item that an event is about; it begins where there is none yet. An event that does not say goes on with the last. */
  at(event: Fields, isCall = false): ResponseItem {
    const id = stringOf(event["item_id"]) ?? stringOf(recordOf(event["item"])?.["id"]) ?? "";
    const index = countOf(event["output_index"]);
    const callId = stringOf(recordOf(event["item"])?.["call_id"]) ?? "";
    const isAnonymous = id === "" && index === undefined;
    const last = isAnonymous ? this.#items.findLast((open) => open.mayBe(isCall, callId)) : undefined;
    // A server may give an item another id in each event, but not two items one index.
    const item =
      (id === "" ? undefined : this.#items.find((candidate) => candidate.id === id)) ??
      (index === undefined ? last : this.#byIndex.get(index)) ??
      this.begin();
    item.id ||= id;
    if (index !== undefined && !this.#byIndex.has(index)) this.#byIndex.set(index, item);
    return item;
  }

  /** Notes what an item says of a call. */
  noteCall(item: ResponseItem, fields: Fields): void {
    item.isCall = true;
    item.callId = stringOf(fields["call_id"]) || item.callId;
    item.name = stringOf(fields["name"]) || item.name;
  }

  addArguments(item: ResponseItem, delta: unknown): void {
    const text = argumentsTextOf(delta);
    item.isCall = true;
    item.argumentParts.push(text);
    item.argumentChars += text.length;
    this.#answer.count(text.length);
    if (item.argumentChars > JSON_LIMITS.chars) {
      throw tooLarge(this.#provider, `the arguments of a tool call have more than ${JSON_LIMITS.chars} characters`);
    }
  }

  /** The arguments as a whole: taken where none came in pieces. */
  setArguments(item: ResponseItem, given: unknown): void {
    const whole = argumentsTextOf(given);
    if (whole === "" || whole === item.argumentsText) return;
    if (item.argumentsText !== "") throw this.#lost("the arguments of a tool call");
    item.argumentParts = [];
    this.addArguments(item, whole);
  }

  /** What of a text has not been told yet, now that it is known as a whole. */
  rest(item: ResponseItem, kind: TextKind, place: unknown, given: unknown): string {
    const whole = stringOf(given) ?? "";
    const key = `${kind} ${countOf(place) ?? 0}`;
    const streamed = item.texts.get(key) ?? "";
    if (whole === "" || whole === streamed) return "";
    if (streamed !== "") throw this.#lost(kind === "text" ? "a text" : `a ${kind}`);
    item.texts.set(key, whole);
    return whole;
  }

  addText(item: ResponseItem, kind: TextKind, place: unknown, delta: unknown): void {
    const key = `${kind} ${countOf(place) ?? 0}`;
    item.texts.set(key, (item.texts.get(key) ?? "") + (stringOf(delta) ?? ""));
  }

  /** What of this kind is in whole items and has not been told; `items` are all items, or those of one event. */
  restOf(kind: TextKind, wholes: readonly Fields[], items: readonly ResponseItem[] = this.#items): string {
    const whole = wholes.map((item) => wholeText(item, kind)).join("");
    const streamed = items.map((item) => item.textOf(kind)).join("");
    // Reasoning is shown in parts, or left out, at a server's discretion.
    if (whole === "" || (streamed !== "" && kind === "reasoning")) return "";
    // Some servers trim what they sum up.
    if (streamed.trim() === whole.trim()) return "";
    if (streamed !== "") throw this.#lost(kind === "text" ? "a text" : `a ${kind}`);
    if (items.length === 0) items = [this.begin()];
    items[0]!.texts.set(`${kind} 0`, whole);
    return whole;
  }

  /** The call of a whole item, unless it was told before. */
  *call(item: ResponseItem, makeId: (place: number) => string): Generator<ToolCallChunk, void, undefined> {
    if (item.isTold || !item.isCall) return;
    item.isTold = true;
    if (item.name === "") {
      throw brokenStream(
        this.#provider,
        `the answer holds a tool call without a name (item ${item.id || "without id"})`,
      );
    }
    if (this.callCount >= MAX_CALLS) throw tooLarge(this.#provider, `it has more than ${MAX_CALLS} tool calls`);
    const given = item.callId || item.id;
    const id = given === "" || this.#ids.has(given) ? makeId(this.callCount) : given;
    this.#ids.add(id);
    this.callCount++;
    yield toToolCallChunk(id, item.name, item.argumentsText);
  }

  /** The item behind one of the whole answer's, by any of its names. */
  find({ id, call_id: callId, name, arguments: args }: Fields): ResponseItem | undefined {
    return (
      this.#items.find((item) => (callId && item.callId === callId) || (id && item.id === id)) ??
      (callId
        ? undefined
        : this.#items.find((item) => item.isCall && item.name === name && item.argumentsText === args))
    );
  }

  /** Calls that have begun, and that nobody has told to be done. */
  get openCalls(): ResponseItem[] {
    return this.#items.filter((item) => item.isCall && !item.isTold);
  }

  begin(): ResponseItem {
    // Calls have a bound of their own; this one is for items that hold nothing.
    if (this.#items.length > MAX_CALLS * 4) throw tooLarge(this.#provider, `it has more than ${MAX_CALLS * 4} items`);
    const item = new ResponseItem();
    this.#items.push(item);
    return item;
  }

  #lost(what: string): Error {
    return brokenStream(
      this.#provider,
      `the stream lost or doubled a delta: ${what} as a whole is not what was streamed`,
    );
  }
}

function wholeText(item: Fields, kind: TextKind): string {
  if (item["type"] === "reasoning")
    return kind === "reasoning"
      ? partsText([...(listOf(item["summary"]) ?? []), ...(listOf(item["content"]) ?? [])], "text")
      : "";
  if (item["type"] !== "message" || kind === "reasoning") return "";
  const { content } = item;
  if (typeof content === "string") return kind === "text" ? content : "";
  return partsText(listOf(content) ?? [], kind);
}

function partsText(parts: readonly unknown[], field: "text" | "refusal"): string {
  return parts.map((part) => stringOf(recordOf(part)?.[field]) ?? "").join("");
}
