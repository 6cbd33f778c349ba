import type { ChatMessage, ConversationSnapshot, MessageImage, ToolCall } from "../../../src/shared/chat-messages.ts";
import { closestName } from "../../../src/shared/closest-name.ts";
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
import { ObjectKeys, StringSlice } from "../../../src/shared/primordials.ts";
import { markCopy } from "./conversation-images.ts";

const COMMON = ["type", "id", "parentID", "time", "lastUpdate", "metadata"];
const FIELDS = {
  "chat-message": [...COMMON, "role", "text", "images", "toolCalls"],
  "tool-use": [...COMMON, "toolID", "name", "input", "toolType"],
  "tool-result": [...COMMON, "toolID", "result"],
};
/** What a chat step's answer has beside: its text and the messages of its tools say the same. */
const ANSWERED = ["parsed", "toolRounds", "contextSummary"];

/** What a message may have, of whatever type it is. */
export const MESSAGE_FIELDS: readonly string[] = [
  ...FIELDS["chat-message"],
  ...FIELDS["tool-use"],
  ...FIELDS["tool-result"],
];

/** Fields by which others know what has another name here. */
const MEANT: Readonly<Record<string, string>> = bare({ content: "text", tool_call_id: "toolID" });

/** @throws {GeppettoError} ConversationError for a field that would be overlooked. One that is null counts as absent. */
export function refuseFields(record: Record<string, unknown>, known: readonly string[], path: string): void {
  const keys = ObjectKeys(record);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    const value = record[key];
    if (value === undefined || value === null || isIn(known, key) || isIn(ANSWERED, key)) continue;
    const meant = MEANT[key];
    const close = meant !== undefined && isIn(known, meant) ? meant : closestName(key, known);
    const advice = close === undefined ? "" : `, did you mean "${close}"?`;
    refuse(`${path}${StringSlice(key, 0, MAX_NAME)}: no such field${advice}`);
  }
}

/** As much of a name as is shown. */
const MAX_NAME = 100;

function isIn(names: readonly string[], name: string): boolean {
  for (let i = 0; i < names.length; i++) if (names[i] === name) return true;
  return false;
}

/** A snapshot's fields, checked; an error names the place. */
export function parseSnapshot(value: unknown): ConversationSnapshot {
  const record = readRecord(value, "the snapshot");
  const { type, current, messages } = record;
  if (type !== "conversation") refuse(`type must be "conversation", got ${showValue(type)}`);
  refuseFields(record, ["type", "current", "messages"], "");
  const read = (item: unknown, path: string): ChatMessage => parseMessage(readRecord(item, path), `${path}.`);
  return { type, current: readString(current, "current"), messages: readEach(messages, "messages", read) };
}

/** The message with these fields; `path` is what stands before their names in errors. Times may be `Date`s. */
export function parseMessage(record: Record<string, unknown>, path: string): ChatMessage {
  const { type, images, toolCalls } = record;
  if (type !== "chat-message" && type !== "tool-use" && type !== "tool-result")
    refuse(`${path}type must be "chat-message", "tool-use" or "tool-result", got ${showValue(type)}`);
  refuseFields(record, FIELDS[type], path);
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
  const record = readRecord(value, path);
  refuseFields(record, ["imageURL", "imageName", "mediaType", "detail"], `${path}.`);
  const { imageURL, imageName, mediaType, detail } = record;
  const image = bare({
    imageURL: readName(imageURL, `${path}.imageURL`),
    imageName: readString(imageName, `${path}.imageName`),
    mediaType: readString(mediaType, `${path}.mediaType`),
    detail: readString(detail, `${path}.detail`),
  });
  markCopy(record, image);
  return image;
}

function readToolCall(value: unknown, path: string): ToolCall {
  const record = readRecord(value, path);
  refuseFields(record, ["id", "name", "input", "inputText", "code"], `${path}.`);
  const { id, name, input, inputText, code } = record;
  const call = { id: readName(id, `${path}.id`), name: readName(name, `${path}.name`) };
  if (input !== undefined || inputText === undefined)
    return bare({ ...call, input: copyRecord(input, `${path}.input`) });
  const text = readString(inputText, `${path}.inputText`);
  return bare({ ...call, inputText: text, code: readString(code, `${path}.code`) });
}
