/** The zod schemas of events, apart so that zod loads with the first event that is parsed. */
import { z } from "zod";
import type { ChatEvent } from "./chat-events.ts";

const meta = z.looseObject({ messageId: z.string(), parentId: z.string(), engine: z.string() });

const step = z.looseObject({
  stepId: z.string(),
  type: z.string(),
  inputType: z.string(),
  outputType: z.string(),
  metadata: z.record(z.string(), z.unknown()),
  parentRunId: z.string().optional(),
});

const common = { meta, step, seq: z.int().min(0), time: z.number() };
const notice = {
  text: z.string(),
  meta: meta.optional(),
  step: step.optional(),
  seq: z.int().min(0).optional(),
  time: z.number().optional(),
};

const toolCall = z.looseObject({
  id: z.string(),
  name: z.string(),
  input: z.record(z.string(), z.unknown()).optional(),
  inputText: z.string().optional(),
  code: z.string().optional(),
});
const toolResult = z.looseObject({ id: z.string(), result: z.unknown() });

type EventSchemas = { [T in ChatEvent["type"]]: z.ZodType<Extract<ChatEvent, { type: T }>> };

/** One schema per type of event; fields that it does not know are kept. */
export const eventSchemas: EventSchemas = {
  start: z.looseObject({ type: z.literal("start"), ...common }),
  partial: z.looseObject({
    type: z.literal("partial"),
    delta: z.string(),
    completion: z.string(),
    ...common,
  }),
  reasoning: z.looseObject({ type: z.literal("reasoning"), delta: z.string(), ...common }),
  "tool-call": z.looseObject({ type: z.literal("tool-call"), toolCall, ...common }),
  "tool-result": z.looseObject({ type: z.literal("tool-result"), toolResult, ...common }),
  progress: z.looseObject({
    type: z.literal("progress"),
    progress: z.looseObject({ value: z.number(), total: z.number().optional(), message: z.string().optional() }),
    ...common,
  }),
  log: z.looseObject({
    type: z.literal("log"),
    log: z.looseObject({ level: z.string(), logger: z.string().optional(), data: z.unknown() }),
    ...common,
  }),
  context: z.looseObject({
    type: z.literal("context"),
    context: z.looseObject({
      action: z.enum(["truncate", "summarize", "function"]),
      maxTokens: z.number(),
      tokensBefore: z.number(),
      tokensAfter: z.number(),
      messagesBefore: z.int().min(0),
      messagesAfter: z.int().min(0),
      summary: z.string().optional(),
    }),
    ...common,
  }),
  final: z.looseObject({
    type: z.literal("final"),
    text: z.string(),
    result: z.unknown(),
    results: z.array(z.unknown()),
    ...common,
  }),
  error: z.looseObject({ type: z.literal("error"), error: z.string(), code: z.string(), ...common }),
  interrupt: z.looseObject({ type: z.literal("interrupt"), text: z.string(), ...common }),
  text: z.looseObject({ type: z.literal("text"), ...notice }),
  status: z.looseObject({ type: z.literal("status"), ...notice }),
} as unknown as EventSchemas;
