import type { ToolCallChunk } from "../chat-provider.ts";
import { recordOf } from "./unknown-fields.ts";

/** A tool call from the arguments as the model wrote them: nothing at all means `{}`, nonsense is reported, not thrown. */
export function toToolCallChunk(id: string, name: string, argumentsText: string): ToolCallChunk {
  const call = (input: Record<string, unknown>): ToolCallChunk => ({
    type: "tool-call",
    toolCall: { id, name, input },
  });
  if (argumentsText.trim() === "") return call({});
  try {
    const parsed: unknown = JSON.parse(argumentsText);
    const input = recordOf(parsed);
    if (input) return call(input);
    if (parsed === null) return call({});
    return { ...call({}), inputError: `the arguments are not a JSON object: ${excerpt(argumentsText)}` };
  } catch {
    return { ...call({}), inputError: `the arguments are not JSON: ${excerpt(argumentsText)}` };
  }
}

function excerpt(text: string): string {
  return text.length > 200 ? `${text.slice(0, 199).toWellFormed()}…` : text.toWellFormed();
}
