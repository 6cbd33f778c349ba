import type { ToolCall } from "../../shared/chat-messages.ts";
import type { ToolCallChunk } from "../chat-provider.ts";
import { recordOf } from "../input/unknown-fields.ts";
import { jsonExcess } from "./json-progress.ts";

/** Of arguments that cannot be read. */
export const TOOL_INPUT_CODE = "ERR_TOOL_INPUT";

/** Most that an event shows of arguments that cannot be read, in UTF-16 units. */
const MAX_INPUT_TEXT = 65_536;

/**
 * A tool call from the arguments as the model wrote them. Nothing at all, and `null`, mean `{}`. What is not a JSON
 * object is kept as `inputText`, with a code, in place of an input.
 */
export function toToolCallChunk(id: string, name: string, argumentsText: string): ToolCallChunk {
  const call = (input: Record<string, unknown>): ToolCallChunk => ({
    type: "tool-call",
    toolCall: { id, name, input },
  });
  const unreadable = (reason: string): ToolCallChunk => ({
    type: "tool-call",
    toolCall: unreadableCall(id, name, argumentsText),
    inputError: `the arguments are ${reason}: ${excerpt(argumentsText, 200)}`,
  });
  if (argumentsText.trim() === "") return call({});
  const excess = jsonExcess(argumentsText);
  if (excess !== undefined) return unreadable(excess);
  try {
    const parsed: unknown = JSON.parse(argumentsText);
    const input = recordOf(parsed);
    if (input) return call(input);
    return parsed === null ? call({}) : unreadable("not a JSON object");
  } catch {
    return unreadable("not JSON");
  }
}

/**
 * Arguments, or a piece of them, as text: some servers send a value where JSON text belongs. "" for an empty object, which
 * says that there are none, or none yet.
 */
export function argumentsTextOf(given: unknown): string {
  if (typeof given === "string") return given;
  const record = recordOf(given);
  if (given === null || (record !== undefined && Object.keys(record).length === 0)) return "";
  return JSON.stringify(given) ?? "";
}

/** A call whose arguments cannot be read. */
export function unreadableCall(id: string, name: string, argumentsText: string): ToolCall {
  return { id, name, inputText: excerpt(argumentsText, MAX_INPUT_TEXT), code: TOOL_INPUT_CODE };
}

function excerpt(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1).toWellFormed()}…` : text.toWellFormed();
}
