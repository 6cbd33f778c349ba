/** The zod schemas of a chat's options. */
import { z } from "zod";
import type { CHAT_OPTIONS } from "../../shared/chat-messages.ts";
import { REASONING_EFFORTS, type ToolChoice, type ToolDefinition } from "../chat-provider.ts";
import { anyRecord, boundedList, chosen, closedObject, refused } from "./closed-object.ts";
import { recordOf } from "./unknown-fields.ts";

/** Tools of one request. */
const MAX_TOOLS = 1000;

/** The names under which a tool's schema may stand, ours first. */
const SCHEMA_FIELDS = ["input", "parameters", "inputSchema", "input_schema", "schema"] as const;
const schemas = Object.fromEntries(SCHEMA_FIELDS.map((field) => [field, anyRecord.optional()])) as Record<
  (typeof SCHEMA_FIELDS)[number],
  z.ZodOptional<typeof anyRecord>
>;
const ownTool = closedObject("field", {
  name: z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/, "a name of letters, digits, _, - and ."),
  description: z.string().optional(),
  ...schemas,
  strict: z.boolean().optional(),
  timeoutMs: z.number().positive().optional(),
  type: z.enum(["function", "custom"]).optional(),
}).transform((given, context): ToolDefinition => {
  const { name, description, strict, timeoutMs } = given;
  const [first, second] = SCHEMA_FIELDS.filter((field) => given[field] !== undefined);
  if (second !== undefined) {
    const message = `no second schema beside "${first}"`;
    context.addIssue({ code: "custom", path: [second], message, params: { isWhole: true }, input: given[second] });
    return z.NEVER;
  }
  return {
    name,
    ...(description === undefined ? {} : { description }),
    input: (first && given[first]) ?? { type: "object", properties: {} },
    ...(strict === undefined ? {} : { strict }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
});
/** As OpenAI's chat API has them. */
const wrappedTool = closedObject("field", {
  type: z.literal("function"),
  function: ownTool,
  timeoutMs: z.number().positive().optional(),
}).transform(({ function: tool, timeoutMs }): ToolDefinition => ({ ...tool, ...(timeoutMs ? { timeoutMs } : {}) }));

const tool = chosen((value): z.ZodType<string | ToolDefinition> => {
  const record = recordOf(value);
  if (record === undefined) return z.string().min(1);
  return record["function"] === undefined ? ownTool : wrappedTool;
});

const MODES = { auto: "auto", none: "none", required: "required", any: "required" } as const;
const mode = z.enum(["auto", "none", "required", "any"]).transform((word) => MODES[word]);
const named = closedObject("field", { name: z.string().min(1), type: z.enum(["function", "tool"]).optional() });
const toolChoice = chosen((value): z.ZodType<ToolChoice> => {
  const record = recordOf(value);
  if (record === undefined) return mode;
  if (record["function"] !== undefined) {
    return closedObject("field", { type: z.literal("function"), function: named }).transform(
      ({ function: { name } }) => ({ name }),
    );
  }
  if (record["name"] === undefined && Object.hasOwn(MODES, String(record["type"]))) {
    return closedObject("field", { type: mode }).transform(({ type }) => type);
  }
  return named.transform(({ name }) => ({ name }));
});

const responseFormat = chosen((value): z.ZodType<Record<string, unknown>> => {
  const type = recordOf(value)?.["type"];
  if (type === "json_schema") {
    const inner = closedObject("field", { schema: anyRecord, name: z.string().optional() }, [
      "strict",
      "description",
      "type",
    ]);
    return chosen((given): z.ZodType<Record<string, unknown>> =>
      recordOf(given)?.["json_schema"] === undefined
        ? inner.transform(toTitled)
        : closedObject("field", { type: z.string(), json_schema: inner }).transform(({ json_schema }) =>
            toTitled(json_schema),
          ),
    );
  }
  if (type === "json_object" || type === "text")
    return refused(`expected a JSON schema, found one of type ${JSON.stringify(type)}`);
  return anyRecord;
});

function toTitled({
  name,
  schema,
}: {
  name?: string | undefined;
  schema: Record<string, unknown>;
}): Record<string, unknown> {
  return name === undefined || "title" in schema ? schema : { title: name, ...schema };
}

/** What stands for a function of the script's. */
const isFunction = (value: unknown): boolean => recordOf(value)?.["function"] === true;
const hook = chosen((value): z.ZodType<boolean> =>
  isFunction(value) ? anyRecord.transform(() => true) : refused("expected a function, found something else"),
).optional();
const compact = chosen((value): z.ZodType<"truncate" | "summarize" | "function"> =>
  isFunction(value)
    ? anyRecord.transform(() => "function" as const)
    : typeof value === "string"
      ? z.enum(["truncate", "summarize"])
      : refused(`expected "truncate", "summarize" or a function`),
).optional();

const options: Record<(typeof CHAT_OPTIONS)[number], z.ZodType> = {
  provider: z.string().min(1).optional(),
  model: z.string().min(1).optional(),
  temperature: z.number().min(0).max(2).optional(),
  maxTokens: z.int().min(1).optional(),
  topP: z.number().min(0).max(1).optional(),
  stop: chosen((value): z.ZodType<string[]> =>
    Array.isArray(value)
      ? z.array(z.string().min(1))
      : z
          .string()
          .min(1)
          .transform((word) => [word]),
  ).optional(),
  system: z.string().optional(),
  seed: z.int().optional(),
  tools: boundedList(tool, MAX_TOOLS).optional(),
  toolChoice: toolChoice.optional(),
  maxToolRounds: z.int().min(1).optional(),
  toolTimeoutMs: z.number().positive().optional(),
  reasoning: closedObject("field", {
    effort: z.enum(REASONING_EFFORTS).optional(),
    budgetTokens: z.int().min(1).optional(),
  }).optional(),
  responseFormat: responseFormat.optional(),
  context: closedObject("field", { maxTokens: z.int().min(1), compact }).optional(),
  hooks: closedObject("field", { beforeTool: hook, afterTool: hook }).optional(),
};

export const optionsSchema: z.ZodType = closedObject("option", options);
