/** The zod schemas behind chat-input.ts, apart so that zod loads with the first input. */
import { z } from "zod";
import { ROLES } from "../../shared/chat-messages.ts";
import type { CheckedMessage } from "./checked-message.ts";
import type { ContentPart } from "../chat-provider.ts";
import { recordOf } from "./unknown-fields.ts";

type Schema<T> = z.ZodType<T>;

/** Any object that is not a list, as it is: zod's own record looks at each of its fields and copies them all. */
const record = z
  .unknown()
  .check(({ value, issues }) => {
    if (recordOf(value) === undefined) issues.push({ code: "invalid_type", expected: "record", input: value });
  })
  .transform((value) => value as Record<string, unknown>);

const toolCall = z.object({ id: z.string(), name: z.string().min(1), input: record });
const role = z.enum(ROLES);
const detail = z.string().optional();

const part: Schema<ContentPart> = z.preprocess(
  // OpenAI's own form of an image is what many have at hand.
  (value) => {
    const image = value as { type?: unknown; image_url?: unknown; imageURL?: unknown; url?: unknown } | null;
    if (image?.type !== "image_url" && image?.type !== "image") return value;
    const nested = image.image_url as { url?: unknown; detail?: unknown } | string | undefined;
    if (image.type === "image_url") {
      return typeof nested === "object" ? { type: "image", ...nested } : { type: "image", url: nested };
    }
    return { ...image, url: image.url ?? image.imageURL };
  },
  z.discriminatedUnion("type", [
    z.object({ type: z.literal("text"), text: z.string() }),
    z
      .object({
        type: z.literal("image"),
        url: z.string().regex(/^(?:https?:|data:image\/|image-reference:)/, "an https: or data: URL"),
        detail,
      })
      .transform(({ type, url, detail }) => ({ type, url, ...(detail === undefined ? {} : { detail }) })),
  ]),
);

const image = z.object({ imageURL: z.string(), detail });

const flatText = z
  .object({
    type: z.literal("chat-message"),
    role,
    text: z.string(),
    images: z.array(image).optional(),
    toolCalls: z.array(toolCall).optional(),
  })
  .transform(({ role, text, images, toolCalls }): CheckedMessage => {
    const pictures = (images ?? []).map(({ imageURL, detail }): ContentPart => ({
      type: "image",
      url: imageURL,
      ...(detail ? { detail } : {}),
    }));
    const content = pictures.length === 0 ? text : [{ type: "text" as const, text }, ...pictures];
    return { kind: "text", role, content, toolCalls: toolCalls ?? [] };
  });

const toolUse = z
  .object({
    type: z.literal("tool-use"),
    toolID: z.string(),
    name: z.string().min(1),
    input: record,
  })
  .transform(({ toolID, name, input }): CheckedMessage => ({ kind: "tool-use", call: { id: toolID, name, input } }));

const toolResult = z
  .object({ type: z.literal("tool-result"), toolID: z.string(), result: z.string() })
  .transform(({ toolID, result }): CheckedMessage => ({ kind: "tool-result", toolId: toolID, result }));

const plain = z
  .object({
    role,
    content: z.union([z.string(), z.array(part)]),
    toolCalls: z.array(toolCall).optional(),
    toolCallId: z.string().optional(),
  })
  .transform(({ role, content, toolCalls, toolCallId }): CheckedMessage => ({
    kind: "text",
    role,
    content,
    toolCalls: toolCalls ?? [],
    toolCallId,
  }));

const flat = z.discriminatedUnion("type", [flatText, toolUse, toolResult]);

/** A message in the flat shape of conversations, which has a `type`, or as `{role, content}`. */
export const messageSchema: { safeParse(value: unknown): ReturnType<Schema<CheckedMessage>["safeParse"]> } = {
  safeParse: (value) => {
    const isFlat = typeof value === "object" && value !== null && "type" in value && value.type !== "message";
    return (isFlat ? flat : plain).safeParse(value);
  },
};

export const snapshotSchema: Schema<{ current: string; messages: { id: string; parentID: string }[] }> = z.object({
  current: z.string(),
  messages: z.array(z.looseObject({ id: z.string().min(1), parentID: z.string() })),
});

const toolDefinition = z.object({
  name: z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/, "a name of letters, digits, _, - and ."),
  description: z.string().optional(),
  input: record.default({ type: "object", properties: {} }),
  timeoutMs: z.number().positive().optional(),
});

export const optionsSchema: Schema<unknown> = z.strictObject({
  provider: z.string().min(1).optional(),
  model: z.string().min(1).optional(),
  temperature: z.number().min(0).max(2).optional(),
  maxTokens: z.int().min(1).optional(),
  topP: z.number().min(0).max(1).optional(),
  stop: z
    .union([z.string().min(1), z.array(z.string().min(1))])
    .transform((stop) => (typeof stop === "string" ? [stop] : stop))
    .optional(),
  system: z.string().optional(),
  seed: z.int().optional(),
  tools: z.array(z.union([z.string().min(1), toolDefinition])).optional(),
  toolChoice: z.union([z.enum(["auto", "none", "required"]), z.object({ name: z.string().min(1) })]).optional(),
  maxToolRounds: z.int().min(1).optional(),
  toolTimeoutMs: z.number().positive().optional(),
  responseFormat: record.optional(),
});
