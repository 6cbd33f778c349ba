import { ATTRIBUTES } from "../../base/telemetry/conventions.ts";
import type { Attributes } from "../../base/telemetry/trace.ts";
import type { ToolCall } from "../../shared/chat-messages.ts";
import type { ChatRequest, ContentPart, PromptMessage } from "../chat-provider.ts";

/** Most characters of all texts in one attribute, and most messages and parts of one: the last messages count. */
const MAX_CHARS = 48_000;
const MAX_MESSAGES = 100;
const MAX_PARTS = 100;

/** What was asked, in the form that the conventions give messages. */
export function requestContents({ system, messages }: ChatRequest): Attributes {
  const room = new Room();
  const last = messages.slice(-MAX_MESSAGES).toReversed();
  return {
    [ATTRIBUTES.systemInstructions]: system === undefined ? undefined : JSON.stringify([textPart(system, new Room())]),
    [ATTRIBUTES.inputMessages]: JSON.stringify(last.map((message) => toMessage(message, room)).toReversed()),
  };
}

/** What was answered. */
export function answerContents(text: string, calls: readonly ToolCall[], finishReason: string): Attributes {
  const room = new Room();
  const parts = [...(text === "" ? [] : [textPart(text, room)]), ...callParts(calls, room)];
  return {
    [ATTRIBUTES.outputMessages]: JSON.stringify([{ role: "assistant", parts, finish_reason: finishReason }]),
  };
}

/** A value of any kind: a text as it is, all else as JSON. */
export function valueContents(value: unknown): string {
  return new Room().cut(typeof value === "string" ? value : (JSON.stringify(value) ?? ""));
}

/** What may still be told. */
class Room {
  #left = MAX_CHARS;

  cut(text: string): string {
    const whole = text.length <= this.#left;
    const kept = whole ? text : `${text.slice(0, this.#left).toWellFormed()}…`;
    this.#left -= whole ? text.length : this.#left;
    return kept;
  }

  /** A value, or the beginning of its JSON where there is no room for all of it. */
  value(value: unknown): unknown {
    const text = JSON.stringify(value) ?? "";
    const kept = this.cut(text);
    return kept === text ? value : kept;
  }
}

function toMessage({ role, content, name, toolCalls = [], toolCallId }: PromptMessage, room: Room): object {
  if (role === "tool") {
    const response = typeof content === "string" ? room.cut(content) : contentParts(content, room);
    return { role, parts: [{ type: "tool_call_response", id: toolCallId, response }] };
  }
  return {
    role: role === "developer" ? "system" : role,
    parts: [...contentParts(content, room), ...callParts(toolCalls, room)],
    ...(name === undefined ? {} : { name }),
  };
}

function contentParts(content: string | readonly ContentPart[], room: Room): object[] {
  if (typeof content === "string") return content === "" ? [] : [textPart(content, room)];
  return content.slice(0, MAX_PARTS).map((part) => contentPart(part, room));
}

function contentPart(part: ContentPart, room: Room): object {
  if (part.type === "text") return textPart(part.text, room);
  const [, mediaType] = /^data:([\w/+.-]+)[;,]/.exec(part.url.slice(0, 100)) ?? [];
  // The bytes of an image say little, and are many.
  return mediaType === undefined
    ? { type: "uri", modality: "image", uri: room.cut(part.url) }
    : { type: "blob", modality: "image", mime_type: mediaType, content: "" };
}

function textPart(text: string, room: Room): object {
  return { type: "text", content: room.cut(text) };
}

function callParts(calls: readonly ToolCall[], room: Room): object[] {
  return calls.slice(0, MAX_PARTS).map(({ id, name, input, inputText }) => ({
    type: "tool_call",
    id,
    name,
    arguments: input === undefined ? room.cut(inputText ?? "") : room.value(input),
  }));
}
