import { timeSource } from "../base/time/time-source.ts";
import { costOf, type PriceTable } from "../providers/cost/price-table.ts";
import type { TextMessage, ToolRound } from "../shared/chat-messages.ts";
import type { Conclusion } from "./chat-rounds.ts";
import type { StepContext } from "./step.ts";

/** What a chat step yields: the assistant's message, and the rounds of tools before it for those who keep them. */
export interface AnswerMessage extends TextMessage {
  toolRounds?: ToolRound[];
}

/** The assistant's message. What it cost and why it ended goes into its metadata and into that of the run. */
export function toAnswerMessage(
  { answer, rounds, usage }: Conclusion,
  { meta, metadata }: StepContext,
  extra: { parsed?: unknown; prices?: PriceTable | undefined; isLocal: boolean },
): AnswerMessage {
  const { engine, stopReason, providerStopReason } = answer.end;
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
  };
}
