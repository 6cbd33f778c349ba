import { valuesFromOutside } from "../base/calls/outside.ts";
import type {
  ChatProvider,
  ChatRequest,
  EndChunk,
  PromptMessage,
  ToolCallChunk,
  Usage,
} from "../providers/chat-provider.ts";
import type { ToolRound } from "../shared/chat-messages.ts";
import { GeppettoError } from "../shared/errors.ts";
import type { ToolBox } from "./chat-tools.ts";
import { addUsage } from "./chat-usage.ts";
import type { StepContext } from "./step.ts";
import type { ToolOutcome } from "./tool-outcome.ts";
import { isObject } from "../shared/is-object.ts";

export interface RoundsOptions {
  provider: ChatProvider;
  request: ChatRequest;
  tools: ToolBox;
  /** Rounds of tool calls that are made before the run gives up. */
  maxToolRounds: number;
  /** Makes a request fit into what the model takes. */
  fit?: ((request: ChatRequest, context: StepContext) => Promise<ChatRequest>) | undefined;
}

/** One answer of the model. */
export interface Answer {
  text: string;
  reasoning: string;
  refusal: string;
  calls: ToolCallChunk[];
  end: EndChunk;
}

export interface Conclusion {
  answer: Answer;
  /** All that was sent and answered before the last answer. */
  messages: PromptMessage[];
  rounds: ToolRound[];
  /** Sums over all answers so far. */
  usage: Usage | undefined;
}

/** How often the same call may come before the run ends. */
const MAX_SAME_CALLS = 3;

/**
 * Asks the model, makes the calls that it wants and asks again, until it answers without calls, or calls a tool that
 * the script answers for. Publishes each piece of text, each call and each result.
 *
 * A tool that had to be called (`toolChoice`) had to be called once: from the second round on the model is free.
 *
 * @throws {GeppettoError} LimitError with ERR_LIMIT_TOOL_ROUNDS after `maxToolRounds` rounds, ERR_LIMIT_TOOL_REPEATS when
 *   the same call with the same input comes in a third round.
 */
export async function answerInRounds(options: RoundsOptions, context: StepContext): Promise<Conclusion> {
  const { provider, tools, maxToolRounds, fit } = options;
  let { request } = options;
  const rounds: ToolRound[] = [];
  const seen = new Map<string, number>();
  let usage: Usage | undefined;
  for (;;) {
    if (fit !== undefined) request = await fit(request, context);
    const answer = await ask(provider, request, context);
    usage = addUsage(usage, answer.end.usage);
    const { calls } = answer;
    if (
      calls.length === 0 ||
      tools.definitions.length === 0 ||
      calls.some(({ toolCall }) => tools.isOpen(toolCall.name))
    ) {
      return { answer, messages: request.messages, rounds, usage };
    }
    const refusal =
      refuseRepeats(calls, seen) ?? (rounds.length < maxToolRounds ? undefined : tooManyRounds(maxToolRounds));
    if (refusal !== undefined) {
      // Whoever was told of a call is told what came of it.
      await tools.decline(calls, refusal.code, context);
      throw refusal;
    }
    const outcomes = await tools.run(calls, context);
    rounds.push(toRound(answer, outcomes));
    request = nextRequest(request, answer, outcomes);
  }
}

/** One question, one answer. */
export async function ask(provider: ChatProvider, request: ChatRequest, context: StepContext): Promise<Answer> {
  const answer: Omit<Answer, "end"> = { text: "", reasoning: "", refusal: "", calls: [] };
  let end: EndChunk | undefined;
  const { signal, runId } = context;
  const asked = { name: context.meta.engine || provider.name, effect: "none", signal } as const;
  for await (const chunk of valuesFromOutside(asked, () => provider.stream(request, { signal, runId }))) {
    switch (chunk.type) {
      case "text":
        answer.text += chunk.delta;
        await context.publish({ type: "partial", delta: chunk.delta });
        break;
      case "reasoning":
        answer.reasoning += chunk.delta;
        await context.publish({ type: "reasoning", delta: chunk.delta });
        break;
      case "refusal":
        answer.refusal += chunk.delta;
        break;
      case "tool-call":
        answer.calls.push(chunk);
        await context.publish({ type: "tool-call", toolCall: chunk.toolCall });
        break;
      case "end":
        end = chunk;
        break;
    }
  }
  return { ...answer, end: end! };
}

function nextRequest(
  request: ChatRequest,
  { text, calls, end }: Answer,
  outcomes: readonly ToolOutcome[],
): ChatRequest {
  const asked: PromptMessage = { role: "assistant", content: text, toolCalls: calls.map(({ toolCall }) => toolCall) };
  if (end.thoughts) asked.thoughts = end.thoughts;
  const results = calls.map(({ toolCall }, index): PromptMessage => {
    const { text: content, isError } = outcomes[index]!;
    return { role: "tool", toolCallId: toolCall.id, content, ...(isError ? { isError } : {}) };
  });
  const { toolChoice, ...rest } = request;
  const messages = [...request.messages, asked, ...results];
  const isForced = toolChoice === "required" || typeof toolChoice === "object";
  return { ...rest, messages, ...(toolChoice === undefined || isForced ? {} : { toolChoice }) };
}

function toRound({ text, calls }: Answer, outcomes: readonly ToolOutcome[]): ToolRound {
  return { text, calls: calls.map(({ toolCall }, index) => ({ call: toolCall, result: outcomes[index]!.text })) };
}

/** Counts each call once per round: the same call twice in one round is not a loop. */
function refuseRepeats(calls: readonly ToolCallChunk[], seen: Map<string, number>): GeppettoError | undefined {
  const keys = new Map(
    calls.map(({ toolCall: { name, input, inputText } }) => [`${name} ${canonical(input ?? inputText)}`, name]),
  );
  for (const [key, name] of keys) {
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    if (count < MAX_SAME_CALLS) continue;
    return new GeppettoError(
      "LimitError",
      `Cannot go on: the model called the tool "${name}" with the same input ${MAX_SAME_CALLS} times`,
      { code: "ERR_LIMIT_TOOL_REPEATS" },
    );
  }
  return undefined;
}

/** JSON with the keys in order, so that equal inputs have equal texts. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, item: unknown) =>
      isObject(item) ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))) : item,
    ) ?? ""
  );
}

function tooManyRounds(limit: number): GeppettoError {
  return new GeppettoError(
    "LimitError",
    `Cannot go on: the model still calls tools after ${limit} round${limit === 1 ? "" : "s"}; raise it with maxToolRounds`,
    { code: "ERR_LIMIT_TOOL_ROUNDS" },
  );
}
