/** The zod schemas of messages, apart from chat-input.ts so that zod loads with the first input. */
import { z } from "zod";
import { ROLES } from "../../shared/chat-messages.ts";
import { toToolCallChunk } from "../answer/tool-arguments.ts";
import type { ContentPart, ProviderThoughts } from "../chat-provider.ts";
import type { CheckedMessage } from "./checked-message.ts";
import { anyRecord, boundedList, chosen, closedObject, refused } from "./closed-object.ts";
import { type CheckedPart, content, functionCall, MAX_PARTS, resultText, toolCall } from "./content-schemas.ts";
import { recordOf, stringOf } from "./unknown-fields.ts";

type Messages = z.ZodType<CheckedMessage[]>;

const role = z.enum(ROLES);
/** What every message of a conversation has, and no model is told. */
const KEPT = ["id", "parentID", "time", "lastUpdate", "metadata"];
const image = closedObject("field", { imageURL: z.string(), detail: z.string().optional() }, [
  "imageName",
  "mediaType",
]);

const flatText: Messages = closedObject(
  "field",
  {
    type: z.string(),
    role,
    text: z.string(),
    images: boundedList(image, MAX_PARTS).optional(),
    toolCalls: boundedList(toolCall, MAX_PARTS).optional(),
  },
  [...KEPT, "parsed", "toolRounds"],
).transform(({ role, text, images = [], toolCalls = [] }) => {
  const pictures = images.map(({ imageURL, detail }): ContentPart => ({
    type: "image",
    url: imageURL,
    ...(detail ? { detail } : {}),
  }));
  const content = pictures.length === 0 ? text : [{ type: "text" as const, text }, ...pictures];
  return [{ kind: "text", role, content, toolCalls }];
});

const flatUse: Messages = closedObject(
  "field",
  { type: z.string(), toolID: z.string(), name: z.string().min(1), input: anyRecord },
  [...KEPT, "toolType"],
).transform(({ toolID, name, input }) => [{ kind: "tool-use", call: { id: toolID, name, input } }]);

const flatResult: Messages = closedObject(
  "field",
  { type: z.string(), toolID: z.string(), result: z.string() },
  KEPT,
).transform(({ toolID, result }) => [{ kind: "tool-result", toolId: toolID, result }]);

/** What the SDKs' own answers carry beside what a model is told again. */
const ANSWERED =
  "id type annotations audio reasoning_content reasoning reasoning_details model status phase parsed stop_reason stop_sequence stop_details usage container".split(
    " ",
  );

const plain: Messages = closedObject(
  "field",
  {
    role,
    content: content.optional(),
    name: z.string().min(1).optional(),
    toolCalls: boundedList(toolCall, MAX_PARTS).optional(),
    tool_calls: boundedList(toolCall, MAX_PARTS).optional(),
    toolCallId: z.string().optional(),
    tool_call_id: z.string().optional(),
    function_call: functionCall.optional(),
    refusal: z.string().optional(),
    isError: z.boolean().optional(),
  },
  ANSWERED,
).transform((given, context): CheckedMessage[] => {
  const { role, name, refusal } = given;
  const isAnswer = role === "assistant";
  const body = given.content ?? (isAnswer ? (refusal ?? "") : undefined);
  if (body === undefined) {
    context.addIssue({ code: "custom", path: ["content"], message: "a string or a list", input: undefined });
    return z.NEVER;
  }
  const parts: CheckedPart[] = typeof body === "string" ? [] : body;
  const own = parts.filter((part) => part.type === "text" || part.type === "image");
  const text = typeof body === "string" ? body : own;
  const foreign = [...(given.tool_calls ?? []), ...(given.function_call ? [given.function_call] : [])];
  const called = parts.filter((part) => part.type === "call").map(({ call }) => call);
  const results = parts
    .filter((part) => part.type === "result")
    .map(({ toolId, result, isError }): CheckedMessage => ({ kind: "tool-result", toolId, result, isError }));
  const message: CheckedMessage = {
    kind: "text",
    role,
    content: text,
    toolCalls: [...(given.toolCalls ?? []), ...foreign, ...called],
    keepsCalls: foreign.length + called.length > 0,
    toolCallId: given.toolCallId ?? given.tool_call_id,
    name,
    thoughts: thoughtsOf(parts),
  };
  // A user's message that holds results only says nothing itself.
  return results.length > 0 && own.length === 0 && parts.length > 0 ? results : [...results, message];
});

/** OpenAI's legacy form of a result: it belongs to the last call of that name. */
const functionResult: Messages = closedObject(
  "field",
  { role: z.literal("function"), name: z.string().min(1), content: resultText.default("") },
  ["id"],
).transform(({ name, content }) => [{ kind: "tool-result", toolId: `function_${name}`, result: content }]);

const responseCall: Messages = closedObject(
  "field",
  { type: z.string(), call_id: z.string(), name: z.string().min(1), arguments: z.string().default("") },
  ["id", "status"],
).transform(({ call_id, name, arguments: given }) => [
  { kind: "tool-use", call: toToolCallChunk(call_id, name, given).toolCall },
]);

const responseResult: Messages = closedObject("field", { type: z.string(), call_id: z.string(), output: resultText }, [
  "id",
  "status",
]).transform(({ call_id, output }) => [{ kind: "tool-result", toolId: call_id, result: output }]);

/** Reasoning belongs to the answer that follows; it is shown to nobody and not sent again. */
const responseReasoning: Messages = anyRecord.transform(() => []);

const TYPES: Record<string, Messages> = {
  "chat-message": flatText,
  "tool-use": flatUse,
  "tool-result": flatResult,
  message: plain,
  function_call: responseCall,
  function_call_output: responseResult,
  reasoning: responseReasoning,
};
const KINDS = Object.keys(TYPES)
  .map((type) => JSON.stringify(type))
  .join(" or ");

/**
 * A message in the flat shape of conversations, as `{role, content}`, or in the shape of a vendor's own history. One may
 * hold several: results beside a text.
 */
export const messageSchema: Messages = chosen((value): Messages => {
  const { type, role } = recordOf(value) ?? {};
  if (type === undefined || type === null) return role === "function" ? functionResult : plain;
  const known = stringOf(type);
  const schema = known !== undefined && Object.hasOwn(TYPES, known) ? TYPES[known] : undefined;
  return schema ?? refused(`expected ${KINDS}, found ${JSON.stringify(type)}`, ["type"]);
});

/** The fields by which a snapshot's thread is found; its messages are checked one by one. */
export const snapshotSchema: z.ZodType<{ current: string; messages: { id: string; parentID: string }[] }> =
  closedObject(
    "field",
    {
      current: z.string(),
      messages: z.array(z.looseObject({ id: z.string().min(1), parentID: z.string() })),
    },
    ["type"],
  );

/** Anthropic's signed thoughts, which it wants to have back with the calls that they led to. */
function thoughtsOf(parts: readonly CheckedPart[]): ProviderThoughts | undefined {
  const items = parts.filter((part) => part.type === "thought").map(({ item }) => item);
  return items.length === 0 ? undefined : { provider: "anthropic", items };
}
