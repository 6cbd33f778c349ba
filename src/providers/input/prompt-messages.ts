import type { ToolCall } from "../../shared/chat-messages.ts";
import type { CheckedMessage } from "./checked-message.ts";
import type { PromptMessage } from "../chat-provider.ts";
import { textOf } from "../prompt-text.ts";

const NO_RESULT = "(no result was recorded)";

/**
 * Puts messages into the order that every provider takes: each assistant message with tool calls is followed at once
 * by one result per call. Tool uses in a row belong to one assistant message, as does a text right before them. A
 * result that came later moves up; a call without one gets a note in its place; a result without a call becomes a
 * user's text; `toolCalls` of a text that nobody answered are left out, but for those in a vendor's own history.
 *
 * @param onMessage hears of each message that is made, with the place among `messages` where it begins.
 */
export function toPromptMessages(
  messages: readonly CheckedMessage[],
  onMessage?: (made: PromptMessage, place: number) => void,
): PromptMessage[] {
  const results = collectResults(messages);
  const used = new Set<number>();
  const prompt: PromptMessage[] = [];
  const add = (made: PromptMessage, place: number): void => {
    prompt.push(made);
    onMessage?.(made, place);
  };
  const takeResult = (id: string, after: number): Partial<PromptMessage> => {
    const places = results.get(id);
    // What comes before this call answers no later one either.
    while (places !== undefined && places[0]! <= after) places.shift();
    const place = places?.shift();
    if (place === undefined) return {};
    used.add(place);
    const message = messages[place]!;
    const isError = message.kind === "tool-result" && message.isError === true;
    return { content: resultText(message), ...nameOf(message), ...(isError ? { isError } : {}) };
  };
  const answerCalls = (calls: readonly ToolCall[], after: number): void => {
    for (const { id } of calls) {
      add({ role: "tool", toolCallId: id, content: NO_RESULT, ...takeResult(id, after) }, after);
    }
  };

  for (let place = 0; place < messages.length; place++) {
    const message = messages[place]!;
    if (used.has(place)) continue;
    if (message.kind === "tool-result" || isToolText(message)) {
      add({ role: "user", content: orphanText(message) }, place);
      continue;
    }
    const start = place;
    const calls: ToolCall[] = [];
    if (message.kind === "text") {
      const isAnswered = ({ id }: ToolCall): boolean => (results.get(id)?.at(-1) ?? -1) > start;
      calls.push(...message.toolCalls.filter((call) => message.keepsCalls === true || isAnswered(call)));
      if (message.role !== "assistant") {
        add({ role: message.role, content: message.content, ...nameOf(message) }, place);
        continue;
      }
    } else calls.push(message.call);
    // A message that was kept with its calls may be followed by the same calls as tool uses.
    const ids = new Set(calls.map(({ id }) => id));
    for (let next = messages[place + 1]; next?.kind === "tool-use"; next = messages[place + 1]) {
      if (!ids.has(next.call.id)) calls.push(next.call);
      ids.add(next.call.id);
      place++;
    }
    const content = message.kind === "text" ? message.content : "";
    const thoughts = message.kind === "text" && calls.length > 0 ? message.thoughts : undefined;
    const asked: PromptMessage = {
      role: "assistant",
      content,
      ...nameOf(message),
      ...(calls.length > 0 ? { toolCalls: calls } : {}),
      ...(thoughts === undefined ? {} : { thoughts }),
    };
    add(asked, start);
    answerCalls(calls, start);
  }
  return prompt;
}

function collectResults(messages: readonly CheckedMessage[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const [place, message] of messages.entries()) {
    const id = resultId(message);
    if (id === undefined) continue;
    const known = places.get(id);
    if (known === undefined) places.set(id, [place]);
    else known.push(place);
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

function nameOf(message: CheckedMessage): Pick<PromptMessage, "name"> {
  return message.kind === "text" && message.name !== undefined ? { name: message.name } : {};
}
