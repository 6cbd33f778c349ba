import type { ToolCall } from "../shared/chat-messages.ts";

export type PromptRole = "system" | "developer" | "user" | "assistant" | "tool";

/** `url` is an `https:` URL or a base64 `data:` URL; `detail` is "auto", "low" or "high". */
export type ContentPart = { type: "text"; text: string } | { type: "image"; url: string; detail?: string };

/**
 * One message in the form that no vendor owns. `toolCalls` belongs to the assistant; `toolCallId` to the role "tool",
 * one message per result, right after the assistant message that asked.
 */
export interface PromptMessage {
  role: PromptRole;
  content: string | ContentPart[];
  toolCalls?: ToolCall[];
  toolCallId?: string;
  /** Who of several speaks. An API that has no names gets it as the beginning of the text. */
  name?: string;
  /** The result says that the tool failed. */
  isError?: boolean;
  /** What the provider wants to have back with the assistant's message, exactly as it sent it. */
  thoughts?: ProviderThoughts;
}

/** Signed or encrypted reasoning of one provider's model, which only that provider can read. */
export interface ProviderThoughts {
  provider: string;
  items: unknown[];
}

/** A tool as the model sees it; `input` is a JSON schema of type "object". */
export interface ToolDefinition {
  name: string;
  description?: string;
  input: Record<string, unknown>;
  /** Shall the provider enforce the schema? Default: where the API wants it said, whether it can. */
  strict?: boolean;
  /** Longest time that one call may take; said by whoever offers it, never sent. */
  timeoutMs?: number;
}

export type ToolChoice = "auto" | "none" | "required" | { name: string };

export const REASONING_EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;

/** How much a model is to think before it answers. OpenAI's APIs take an effort, Anthropic's both. */
export interface ReasoningOptions {
  effort?: (typeof REASONING_EFFORTS)[number];
  /** Most tokens of reasoning, for models that take a number. */
  budgetTokens?: number;
}

export interface ChatRequest {
  /** "" stands for the model of the settings. */
  model: string;
  messages: PromptMessage[];
  system?: string;
  temperature?: number;
  /** Upper bound of the answer, in tokens. */
  maxTokens?: number;
  topP?: number;
  stop?: string[];
  seed?: number;
  tools?: ToolDefinition[];
  toolChoice?: ToolChoice;
  reasoning?: ReasoningOptions;
  /** JSON schema that the answer is to fit. */
  responseFormat?: Record<string, unknown>;
}

/** Counts are tokens. OpenAI's `inputTokens` include cached ones, Anthropic's exclude the two cache counts. */
export interface Usage {
  inputTokens: number;
  outputTokens: number;
  cachedTokens?: number;
  cacheCreationInputTokens?: number;
  cacheReadInputTokens?: number;
  reasoningTokens?: number;
  totalTokens?: number;
}

export type StopReason = "stop" | "length" | "tool-calls" | "content-filter" | "refusal" | "unknown";

export interface ToolCallChunk {
  type: "tool-call";
  toolCall: ToolCall;
  /** Why `toolCall` has an `inputText` in place of an `input`: such a call must be answered, not run. */
  inputError?: string;
}

export interface EndChunk {
  type: "end";
  stopReason: StopReason;
  providerStopReason: string | null;
  usage?: Usage;
  /** The model that the server names; where it names none, the one asked for. */
  engine: string;
  responseId?: string;
  /** To be sent back with this answer when its tool calls are answered. */
  thoughts?: ProviderThoughts;
}

export type ChatChunk =
  | { type: "text"; delta: string }
  | { type: "reasoning"; delta: string }
  | { type: "refusal"; delta: string }
  | ToolCallChunk
  | EndChunk;

export interface StreamOptions {
  signal: AbortSignal;
  /** The run of the step that asks, where there is one: for logs. */
  runId?: string;
  /** Called before a request that has failed is made again; where it throws it is not made. */
  onRetry?: () => void;
}

/**
 * One way to ask a chat model. A stream has exactly one "end" chunk, as its last, or it throws: a `ProviderError`, a
 * `ConfigError` (no key), or `signal.reason` once the signal has aborted. After an abort no chunk follows. Tool calls
 * come whole, in the order asked, before the end. Nothing is sent before the first `next()`; leaving the loop early
 * closes the connection.
 *
 * @example
 * for await (const chunk of provider.stream({ model: "", messages: [{ role: "user", content: "hi" }] }, { signal })) {
 *   if (chunk.type === "text") process.stdout.write(chunk.delta);
 * }
 */
export interface ChatProvider {
  readonly name: string;
  stream(request: ChatRequest, options: StreamOptions): AsyncGenerator<ChatChunk, void, undefined>;
}

/** A provider that asks one model, and no other. */
export interface OneModelChat extends ChatProvider {
  readonly model: string;
}
