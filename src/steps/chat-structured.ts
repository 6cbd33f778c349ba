import { abortable } from "../base/abortable.ts";
import { jsonExcess } from "../providers/answer/json-progress.ts";
import type { ChatRequest } from "../providers/chat-provider.ts";
import { compileJsonSchema, type JsonSchemaCheck, type JsonSchemaOptions } from "../providers/schema/json-schema.ts";
import { GeppettoError } from "../shared/errors.ts";
import { ask, type Conclusion, type RoundsOptions } from "./chat-rounds.ts";
import { addUsage } from "./chat-usage.ts";
import type { StepContext } from "./step.ts";

/** Reads answers that are to fit a JSON schema. */
export interface AnswerFormat {
  schema: Record<string, unknown>;
  check: JsonSchemaCheck;
}

type Reading = { value: unknown } | { flaw: string };

const MAX_SHOWN = 500;

/** @throws {GeppettoError} ValidationError for an invalid schema. */
export async function createAnswerFormat(
  schema: Record<string, unknown>,
  options: JsonSchemaOptions,
): Promise<AnswerFormat> {
  return { schema, check: await compileJsonSchema(schema, "responseFormat", options) };
}

/**
 * The value of an answer that was to fit a schema. An answer that does not is sent back once, with what is wrong with
 * it. A refusal has no value and is nobody's mistake.
 *
 * @returns the conclusion, with the repaired answer where there is one, and its value.
 * @throws {GeppettoError} ValidationError with ERR_RESPONSE_FORMAT and the text, when the second answer does not fit.
 */
export async function concludeParsed(
  conclusion: Conclusion,
  format: AnswerFormat,
  { provider, request, fit }: Pick<RoundsOptions, "provider" | "request" | "fit">,
  context: StepContext,
): Promise<{ conclusion: Conclusion; parsed?: unknown }> {
  const { answer, messages } = conclusion;
  const { stopReason } = answer.end;
  if (stopReason === "refusal" || stopReason === "content-filter" || answer.calls.length > 0) return { conclusion };
  const first = await read(answer.text, format, context);
  if ("value" in first) return { conclusion, parsed: first.value };
  // Tools have run: what is asked for now is the document.
  const { tools: _, toolChoice: __, ...rest } = request;
  const repair: ChatRequest = {
    ...rest,
    messages: [
      ...messages,
      { role: "assistant", content: answer.text },
      {
        role: "user",
        content: `That is not the JSON that was asked for: ${first.flaw}. Answer again, with the JSON alone.`,
      },
    ],
  };
  const second = await ask(provider, fit === undefined ? repair : await fit(repair, context), context);
  const reading = await read(second.text, format, context);
  const usage = addUsage(conclusion.usage, second.end.usage);
  if ("value" in reading) {
    return { conclusion: { ...conclusion, answer: second, messages: repair.messages, usage }, parsed: reading.value };
  }
  const cut = second.end.stopReason === "length" ? ", and it was cut off at the token limit" : "";
  const shown = second.text.length > MAX_SHOWN ? `${second.text.slice(0, MAX_SHOWN).toWellFormed()}…` : second.text;
  throw new GeppettoError(
    "ValidationError",
    `Cannot read the answer as responseFormat requires it: ${reading.flaw}${cut}: ${shown}`,
    { code: "ERR_RESPONSE_FORMAT" },
  );
}

async function read(text: string, { check }: AnswerFormat, { signal }: StepContext): Promise<Reading> {
  const json = unfenced(text.trim());
  if (json === "") return { flaw: "it is empty" };
  const excess = jsonExcess(json);
  if (excess !== undefined) return { flaw: `it is ${excess}` };
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return { flaw: "it is not JSON" };
  }
  const flaw = await abortable(check(value, "answer", signal), signal);
  return flaw === undefined ? { value } : { flaw };
}

const FENCE = "```";

/** What stands in the one block of code that is the whole text, else the text. */
function unfenced(text: string): string {
  const begin = text.indexOf("\n");
  const head = text.slice(0, begin).trim().toLowerCase();
  const isFenced =
    (head === FENCE || head === `${FENCE}json`) && text.endsWith(FENCE) && begin < text.length - FENCE.length;
  return isFenced ? text.slice(begin, -FENCE.length).trim() : text;
}
