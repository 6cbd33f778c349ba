import type { ToolRound } from "../../../shared/chat-messages.ts";
import type { PipelineMessage } from "../../elements/element.ts";

export interface ChatHistoryOptions {
  /** Are earlier exchanges sent along? */
  keeps: boolean;
  /** Most messages that are kept, those of the system apart. */
  maxMessages: number;
}

/** What a chat model is sent of one execution's conversation. */
export class ChatHistory {
  readonly #options: ChatHistoryOptions;
  #system: PipelineMessage[] = [];
  #rest: PipelineMessage[] = [];

  constructor(options: ChatHistoryOptions) {
    this.#options = options;
  }

  add(message: PipelineMessage): void {
    const list = "role" in message && message.role === "system" ? this.#system : this.#rest;
    list.push(message);
    const { maxMessages } = this.#options;
    if (list.length > maxMessages) list.splice(0, list.length - maxMessages);
  }

  /** The exchange is over: forgets it, unless earlier exchanges are sent along. */
  endExchange(): void {
    if (!this.#options.keeps) this.#rest = [];
  }

  /** The messages as a chat step takes them. */
  toInput(): unknown[] {
    return [...this.#system, ...this.#rest].flatMap(toInputs);
  }
}

/** An answer with the rounds of tools before it; one in which nothing was said is not a message to a model. */
function toInputs(message: PipelineMessage): unknown[] {
  if (!("type" in message)) return message.text === "" ? [] : [{ role: message.role, content: message.text }];
  if (message.type !== "chat-message") return [message];
  const { text, images = [], toolCalls = [] } = message;
  const rounds = (message as { toolRounds?: ToolRound[] }).toolRounds ?? [];
  const said = text === "" && images.length === 0 && toolCalls.length === 0 ? [] : [message];
  return [...rounds.flatMap(toRoundInputs), ...said];
}

function toRoundInputs({ text, calls }: ToolRound): unknown[] {
  return [
    { role: "assistant", content: text, toolCalls: calls.map(({ call }) => call) },
    ...calls.map(({ call, result }) => ({ role: "tool", toolCallId: call.id, content: result })),
  ];
}
