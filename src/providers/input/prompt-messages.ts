import type { ToolCall } from "../../shared/chat-messages.ts";
import type { CheckedMessage } from "./checked-message.ts";
import type { PromptMessage } from "../chat-provider.ts";

const NO_RESULT = "(no result was recorded)";

/**
 * Puts messages into the order that every provider takes: each assistant message with tool calls is followed at once
 * by one result per call. Tool uses in a row belong to one assistant message, as does a text right before them. A
 * result that came later moves up; a call without one gets a note in its place; a result without a call becomes a
 * user's text; `toolCalls` of a text that nobody answered are left out.
 */
export function toPromptMessages(messages: readonly CheckedMessage[]): PromptMessage[] {
  const results = collectResults(messages);
  const used = new Set<number>();
  const prompt: PromptMessage[] = [];
  const takeResult = (id: string, after: number): string | undefined => {
    const place = results.get(id)?.find((candidate) => candidate > after && !used.has(candidate));
    if (place === undefined) return undefined;
    used.add(place);
    return resultText(messages[place]!);
  };
  const answerCalls = (calls: readonly ToolCall[], after: number): void => {
    for (const { id } of calls) {
      prompt.push({ role: "tool", toolCallId: id, content: takeResult(id, after) ?? NO_RESULT });
    }
  };

  for (let place = 0; place < messages.length; place++) {
    const message = messages[place]!;
    if (used.has(place)) continue;
    if (message.kind === "tool-result" || isToolText(message)) {
      prompt.push({ role: "user", content: orphanText(message) });
      continue;
    }
    const start = place;
    const calls: ToolCall[] = [];
    if (message.kind === "text") {
      const isAnswered = ({ id }: ToolCall): boolean => results.get(id)?.some((other) => other > start) ?? false;
      calls.push(...message.toolCalls.filter(isAnswered));
      if (message.role !== "assistant") {
        prompt.push({ role: message.role, content: message.content });
        continue;
      }
    } else calls.push(message.call);
    for (let next = messages[place + 1]; next?.kind === "tool-use"; next = messages[place + 1]) {
      // A message that was kept with its calls may be followed by the same calls as tool uses.
      const { call } = next;
      if (!calls.some(({ id }) => id === call.id)) calls.push(call);
      place++;
    }
    const content = message.kind === "text" ? message.content : "";
    prompt.push({ role: "assistant", content, ...(calls.length > 0 ? { toolCalls: calls } : {}) });
    answerCalls(calls, start);
  }
  return prompt;
}

function collectResults(messages: readonly CheckedMessage[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const [place, message] of messages.entries()) {
    const id = resultId(message);
    if (id !== undefined) places.set(id, [...(places.get(id) ?? []), place]);
  }
  return places;
}

/** The id of the call that this message answers; undefined where it answers none. */
function resultId(message: CheckedMessage): string | undefined {
  if (message.kind === "tool-result") return message.toolId;
  return message.kind === "text" && message.role === "tool" ? message.toolCallId : undefined;
}

function isToolText(message: CheckedMessage): boolean {
  return message.kind === "text" && message.role === "tool";
}

function resultText(message: CheckedMessage): string {
  if (message.kind === "tool-result") return message.result;
  return message.kind === "text" ? textOf(message.content) : "";
}

function orphanText(message: CheckedMessage): string {
  const id = resultId(message);
  return `Result of tool${id ? ` ${id}` : ""}: ${resultText(message)}`;
}

function textOf(content: PromptMessage["content"]): string {
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}
