import type { StopReason } from "../chat-provider.ts";

/** What servers call it when an answer has ended, in lower case with underscores. */
const WORDS: Record<StopReason | "failure", string> = {
  stop: "stop stopped end ended eos eos_token end_of_text end_turn end_of_turn stop_sequence stop_token complete completed done finish finished",
  length:
    "length max_length max_tokens max_token max_output_tokens max_new_tokens max_completion_tokens model_length token_limit limit truncated error_limit model_context_window_exceeded context_length_exceeded",
  "tool-calls": "tool_calls tool_call tool_use function_call function_calls",
  "content-filter":
    "content_filter content_filtered contentfilter safety sensitive recitation blocklist prohibited_content spii image_safety error_toxic guardrail_intervened",
  refusal: "refusal",
  failure:
    "error failed failure abort aborted cancel canceled cancelled interrupted timeout internal_error server_error engine_error network_error insufficient_system_resource malformed_function_call unexpected_tool_call",
  unknown: "",
};

const MEANINGS = new Map(
  Object.entries(WORDS).flatMap(([meaning, words]) =>
    words.split(" ").map((word) => [word, meaning as StopReason | "failure"] as const),
  ),
);

/**
 * What a server's word for the end of an answer means, in whichever spelling; "failure" where it says that the answer is
 * not whole.
 *
 * @example
 * stopReasonOf("MAX_TOKENS"); // "length"
 */
export function stopReasonOf(given: string | null | undefined): StopReason | "failure" {
  if (!given) return "unknown";
  const word = given
    .trim()
    .replace(/(?<=[a-z])(?=[A-Z])/g, "_")
    .toLowerCase()
    .replace(/[\s-]+/g, "_")
    .replace(/^(?:finish|stop)_reason_/, "");
  return MEANINGS.get(word) ?? "unknown";
}
