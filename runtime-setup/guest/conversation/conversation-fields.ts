import type { ChatMessage, ConversationSnapshot, MessageImage, ToolCall } from "../../../src/shared/chat-messages.ts";
import {
  bare,
  copyRecord,
  define,
  readEach,
  readName,
  readRecord,
  readRole,
  readString,
  readTime,
  refuse,
  showValue,
} from "../../../src/shared/conversation-tree.ts";

/** A snapshot's fields, checked; an error names the place. */
export function parseSnapshot(value: unknown): ConversationSnapshot {
  const { type, current, messages } = readRecord(value, "the snapshot");
  if (type !== "conversation") refuse(`type must be "conversation", got ${showValue(type)}`);
  const read = (item: unknown, path: string): ChatMessage => parseMessage(readRecord(item, path), `${path}.`);
  return { type, current: readString(current, "current"), messages: readEach(messages, "messages", read) };
}

/** The message with these fields; `path` is what stands before their names in errors. Times may be `Date`s. */
export function parseMessage(record: Record<string, unknown>, path: string): ChatMessage {
  const { type, images, toolCalls } = record;
  if (type !== "chat-message" && type !== "tool-use" && type !== "tool-result")
    refuse(`${path}type must be "chat-message", "tool-use" or "tool-result", got ${showValue(type)}`);
  const fields = {
    id: readName(record["id"], `${path}id`),
    parentID: readString(record["parentID"], `${path}parentID`),
    time: readTime(record["time"], `${path}time`),
    lastUpdate: readTime(record["lastUpdate"], `${path}lastUpdate`),
    metadata: copyRecord(record["metadata"], `${path}metadata`),
  };
  if (type === "chat-message") {
    const role = readRole(record["role"], `${path}role`);
    const message = bare<ChatMessage>({ ...fields, type, role, text: readString(record["text"], `${path}text`) });
    if (images !== undefined) define(message, "images", readEach(images, `${path}images`, readImage));
    if (toolCalls !== undefined) define(message, "toolCalls", readEach(toolCalls, `${path}toolCalls`, readToolCall));
    return message;
  }
  const toolID = readName(record["toolID"], `${path}toolID`);
  if (type === "tool-use") {
    const name = readName(record["name"], `${path}name`);
    const input = copyRecord(record["input"], `${path}input`);
    return bare({ ...fields, type, toolID, name, input, toolType: readName(record["toolType"], `${path}toolType`) });
  }
  return bare({ ...fields, type, toolID, result: readString(record["result"], `${path}result`) });
}

function readImage(value: unknown, path: string): MessageImage {
  const { imageURL, imageName, mediaType, detail } = readRecord(value, path);
  return bare({
    imageURL: readName(imageURL, `${path}.imageURL`),
    imageName: readString(imageName, `${path}.imageName`),
    mediaType: readString(mediaType, `${path}.mediaType`),
    detail: readString(detail, `${path}.detail`),
  });
}

function readToolCall(value: unknown, path: string): ToolCall {
  const { id, name, input, inputText, code } = readRecord(value, path);
  const call = { id: readName(id, `${path}.id`), name: readName(name, `${path}.name`) };
  if (input !== undefined || inputText === undefined)
    return bare({ ...call, input: copyRecord(input, `${path}.input`) });
  const text = readString(inputText, `${path}.inputText`);
  return bare({ ...call, inputText: text, code: readString(code, `${path}.code`) });
}
