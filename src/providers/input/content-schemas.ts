/** The zod schemas of what a message holds: parts of text, images, calls and results, in the words of every vendor. */
import { z } from "zod";
import type { ToolCall } from "../../shared/chat-messages.ts";
import { toToolCallChunk } from "../answer/tool-arguments.ts";
import type { ContentPart } from "../chat-provider.ts";
import { anyRecord, boundedList, chosen, closedObject, refused } from "./closed-object.ts";
import { recordOf, stringOf } from "./unknown-fields.ts";

/** One part of a message's content. */
export type CheckedPart =
  | ContentPart
  | { type: "call"; call: ToolCall }
  | { type: "result"; toolId: string; result: string; isError: boolean | undefined }
  | { type: "thought"; item: Record<string, unknown> };

/** Parts of one message, or calls in it. */
export const MAX_PARTS = 1000;

/** What answers carry beside a text. */
const TEXT_NOTES = ["annotations", "logprobs", "citations"];

const text = closedObject("field", { type: z.string(), text: z.string() }, TEXT_NOTES).transform(
  ({ text }): CheckedPart => ({ type: "text", text }),
);
const refusal = closedObject("field", { type: z.string(), refusal: z.string() }).transform(
  ({ refusal }): CheckedPart => ({ type: "text", text: refusal }),
);
const url = z.string().regex(/^(?:https?:|data:image\/|image-reference:)/, "an https: or data: URL");
const detail = z.string().optional();
const nested = closedObject("field", { url, detail });
const source = chosen((value): z.ZodType<string> => {
  if (recordOf(value)?.["type"] === "url")
    return closedObject("field", { type: z.string(), url }).transform(({ url }) => url);
  return closedObject("field", {
    type: z.literal("base64"),
    media_type: z.string().regex(/^image\//, "an image type"),
    data: z.string(),
  }).transform(({ media_type, data }) => `data:${media_type};base64,${data}`);
});
const image = closedObject(
  "field",
  {
    type: z.string(),
    url: url.optional(),
    imageURL: url.optional(),
    // OpenAI's own forms are what many have at hand.
    image_url: chosen((value): z.ZodType<string | z.infer<typeof nested>> =>
      recordOf(value) ? nested : url,
    ).optional(),
    source: source.optional(),
    detail,
  },
  ["imageName", "mediaType"],
).transform((given, context): CheckedPart => {
  const { image_url: foreign } = given;
  const found = given.url ?? given.imageURL ?? given.source ?? (typeof foreign === "object" ? foreign.url : foreign);
  if (found === undefined) {
    const path = [given.type === "image" ? "url" : "image_url"];
    context.addIssue({ code: "invalid_type", expected: "string", path, input: undefined });
    return z.NEVER;
  }
  const wanted = given.detail ?? (typeof foreign === "object" ? foreign.detail : undefined);
  return { type: "image", url: found, ...(wanted === undefined ? {} : { detail: wanted }) };
});

const toolUse = closedObject("field", { type: z.string(), id: z.string(), name: z.string().min(1), input: anyRecord }, [
  "caller",
]).transform(({ id, name, input }): CheckedPart => ({ type: "call", call: { id, name, input } }));

/** A result is a text: what a tool says to a model. */
export const resultText: z.ZodType<string> = chosen((value) =>
  typeof value === "string"
    ? z.string()
    : boundedList(text, MAX_PARTS).transform((parts) => parts.map(textOfPart).join("")),
);
const toolResult = closedObject("field", {
  type: z.string(),
  tool_use_id: z.string(),
  content: resultText.default(""),
  is_error: z.boolean().optional(),
}).transform(({ tool_use_id, content, is_error }): CheckedPart => ({
  type: "result",
  toolId: tool_use_id,
  result: content,
  isError: is_error,
}));
const thought = anyRecord.transform((item): CheckedPart => ({ type: "thought", item }));

const PARTS: Record<string, z.ZodType<CheckedPart>> = {
  text,
  input_text: text,
  output_text: text,
  image,
  image_url: image,
  input_image: image,
  refusal,
  tool_use: toolUse,
  tool_result: toolResult,
  thinking: thought,
  redacted_thinking: thought,
};
const KINDS = Object.keys(PARTS)
  .map((kind) => JSON.stringify(kind))
  .join(" or ");

const part = chosen((value): z.ZodType<CheckedPart> => {
  if (recordOf(value) === undefined) return anyRecord.transform((): CheckedPart => ({ type: "text", text: "" }));
  const type = stringOf(recordOf(value)?.["type"]);
  const schema = type !== undefined && Object.hasOwn(PARTS, type) ? PARTS[type] : undefined;
  return schema ?? refused(`expected ${KINDS}, found ${JSON.stringify(type) ?? "nothing"}`, ["type"]);
});

/** A text, or a list of parts. */
export const content: z.ZodType<string | CheckedPart[]> = chosen((value): z.ZodType<string | CheckedPart[]> =>
  Array.isArray(value) ? boundedList(part, MAX_PARTS) : z.union([z.string(), z.array(part)]),
);

const ownCall = closedObject("field", {
  id: z.string(),
  name: z.string().min(1),
  input: anyRecord.optional(),
  inputText: z.string().optional(),
  code: z.string().optional(),
}).transform((call, context): ToolCall => {
  const { id, name, input, inputText } = call;
  if (input !== undefined) return { id, name, input };
  if (inputText !== undefined) return { id, name, inputText, code: call.code ?? "ERR_TOOL_INPUT" };
  context.addIssue({ code: "invalid_type", expected: "record", path: ["input"], input });
  return z.NEVER;
});

const functionFields = { name: z.string().min(1), arguments: z.string().default("") };
/** OpenAI's legacy form of a call. */
export const functionCall: z.ZodType<ToolCall> = closedObject("field", functionFields).transform(
  ({ name, arguments: given }) => toToolCallChunk(`function_${name}`, name, given).toolCall,
);
const foreignCall = closedObject(
  "field",
  { id: z.string(), type: z.literal("function").default("function"), function: closedObject("field", functionFields) },
  ["index"],
).transform(({ id, function: { name, arguments: given } }) => toToolCallChunk(id, name, given).toolCall);

/** A call in our own form, or in OpenAI's. */
export const toolCall: z.ZodType<ToolCall> = chosen((value) =>
  recordOf(value)?.["function"] === undefined && recordOf(value)?.["type"] === undefined ? ownCall : foreignCall,
);

function textOfPart(given: CheckedPart): string {
  return given.type === "text" ? given.text : "";
}
