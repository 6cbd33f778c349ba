/** The flat message objects of the seeds, as a plain snapshot: times are RFC 3339 strings, scripts see `Date`s. */
export const ROLES = ["system", "developer", "assistant", "user", "tool"] as const;
export type Role = (typeof ROLES)[number];

/** What a chat can be told besides its messages. */
export const CHAT_OPTIONS = [
  "provider",
  "model",
  "temperature",
  "maxTokens",
  "topP",
  "stop",
  "system",
  "seed",
  "tools",
  "toolChoice",
  "maxToolRounds",
  "toolTimeoutMs",
  "reasoning",
  "responseFormat",
  "context",
  "hooks",
] as const;

/** What a URL begins with that stands for an image which the host has read and keeps. */
export const IMAGE_REFERENCE = "image-reference:";

export interface MessageImage {
  /** A `data:` URL, or an `https:` URL that the provider fetches. */
  imageURL: string;
  imageName: string;
  /** "image/png", "image/jpeg", "image/webp", "image/gif", or "" where a URL does not tell. */
  mediaType: string;
  /** "auto", "low" or "high". */
  detail: string;
}

interface MessageFields {
  id: string;
  /** Id of the message before it in its thread; "" for a root. */
  parentID: string;
  time: string;
  lastUpdate: string;
  metadata: Record<string, unknown>;
}

export interface ToolCall {
  id: string;
  name: string;
  /** Absent where the model's arguments cannot be read; then the two fields below say so. */
  input?: Record<string, unknown>;
  /** The arguments as the model wrote them, or their beginning. */
  inputText?: string;
  /** "ERR_TOOL_INPUT" */
  code?: string;
}

/** A call whose arguments could be read. */
export interface ReadableToolCall extends ToolCall {
  input: Record<string, unknown>;
}

/** A round of tools before an answer. */
export interface ToolRound {
  text: string;
  calls: { call: ToolCall; result: string }[];
}

/** The input of a call as it is kept and sent back: an object, whatever the model once wrote. */
export function inputOf({ input, inputText = "" }: ToolCall): Record<string, unknown> {
  return input ?? { INVALID_JSON: inputText };
}

export interface TextMessage extends MessageFields {
  type: "chat-message";
  role: Role;
  text: string;
  images?: MessageImage[];
  /** What an assistant asked for and nobody ran. */
  toolCalls?: ToolCall[];
  /** The text as a value, where the answer was to fit a schema. */
  parsed?: unknown;
}

export interface ToolUseMessage extends MessageFields {
  type: "tool-use";
  toolID: string;
  name: string;
  input: Record<string, unknown>;
  /** "function" */
  toolType: string;
}

export interface ToolResultMessage extends MessageFields {
  type: "tool-result";
  toolID: string;
  result: string;
}

export type ChatMessage = TextMessage | ToolUseMessage | ToolResultMessage;

/** What `conversation.toJSON()` gives and `Conversation.from()` takes: the whole tree, in order of addition. */
export interface ConversationSnapshot {
  type: "conversation";
  /** Id of the last message of the current thread; "" when there is none. */
  current: string;
  messages: ChatMessage[];
}
