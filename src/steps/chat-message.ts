import { timeSource } from "../base/time/time-source.ts";
import { costOf, type PriceTable } from "../providers/cost/price-table.ts";
import type { TextMessage, ToolRound } from "../shared/chat-messages.ts";
import type { ChatContext, KeptSummary } from "./chat-context.ts";
import type { Conclusion } from "./chat-rounds.ts";
import { addUsage } from "./chat-usage.ts";
import type { StepContext } from "./step.ts";

/** What a chat step yields: the assistant's message, and the rounds of tools before it for those who keep them. */
export interface AnswerMessage extends TextMessage {
  toolRounds?: ToolRound[];
  /** What stands for the beginning of the conversation from now on. */
  contextSummary?: KeptSummary;
}

/** The assistant's message. What it cost and why it ended goes into its metadata and into that of the run. */
export function toAnswerMessage(
  { answer, rounds, usage: used }: Conclusion,
  { meta, metadata }: StepContext,
  extra: { parsed?: unknown; prices?: PriceTable | undefined; isLocal: boolean; fitting?: ChatContext },
): AnswerMessage {
  const { engine, stopReason, providerStopReason } = answer.end;
  const { fitting } = extra;
  const usage = addUsage(used, fitting?.usage);
  // Providers answer with a dated name of what was asked for; the price may be said for either.
  const cost = costOf(usage, meta.engine, extra.prices, extra) ?? costOf(usage, engine, extra.prices, extra);
  meta.engine = engine;
  const facts = {
    engine,
    stopReason,
    providerStopReason,
    ...(usage ? { usage } : {}),
    ...(cost === undefined ? {} : { cost }),
    ...(rounds.length > 0 ? { toolRounds: rounds.length } : {}),
    ...(fitting !== undefined && fitting.changes > 0 ? { contextChanges: fitting.changes } : {}),
  };
  Object.assign(metadata, facts);
  const time = new Date(timeSource().now()).toISOString();
  const { reasoning, refusal } = answer;
  return {
    id: meta.messageId,
    parentID: meta.parentId,
    time,
    lastUpdate: time,
    metadata: { ...facts, ...(reasoning ? { reasoning } : {}), ...(refusal ? { refusal } : {}) },
    type: "chat-message",
    role: "assistant",
    text: answer.text,
    ...(answer.calls.length > 0 ? { toolCalls: answer.calls.map(({ toolCall }) => toolCall) } : {}),
    ...("parsed" in extra ? { parsed: extra.parsed } : {}),
    ...(rounds.length > 0 ? { toolRounds: rounds } : {}),
    ...(fitting?.kept === undefined ? {} : { contextSummary: fitting.kept }),
  };
}
