import { timeSource } from "../../base/time/time-source.ts";
import type { ConversationSnapshot } from "../../shared/chat-messages.ts";
import { ConversationTree } from "../../shared/conversation-tree.ts";
import { GeppettoError } from "../../shared/errors.ts";
import type { PromptMessage, ReasoningOptions, ToolChoice, ToolDefinition } from "../chat-provider.ts";
import type { CheckedMessage } from "./checked-message.ts";
import { describeIssues } from "./describe-issues.ts";
import { toPromptMessages } from "./prompt-messages.ts";
import { recordOf } from "./unknown-fields.ts";

/** What a script may set for a chat; keys, base URLs and headers are not among it. */
export interface ChatOptions {
  provider?: string;
  model?: string;
  temperature?: number;
  maxTokens?: number;
  topP?: number;
  stop?: string[];
  system?: string;
  seed?: number;
  /** Names of host tools, and tools of the script without their `run`. */
  tools?: (string | ToolDefinition)[];
  toolChoice?: ToolChoice;
  maxToolRounds?: number;
  toolTimeoutMs?: number;
  reasoning?: ReasoningOptions;
  responseFormat?: Record<string, unknown>;
  /** How the messages are kept within what the model takes. A function of the script's is "function" here. */
  context?: { maxTokens: number; compact?: "truncate" | "summarize" | "function" };
  /** Which hooks of tools the script has. */
  hooks?: { beforeTool?: boolean; afterTool?: boolean };
}

/** Longest history that is sent to a model. */
const MAX_MESSAGES = 20_000;

/** Where in its input a message begins. */
const places = new WeakMap<PromptMessage, number>();

/** The place of a message that {@link parseChatInput} has made, among those of the thread or list that it was given. */
export function placeOf(message: PromptMessage): number | undefined {
  return places.get(message);
}

export interface ChatInput {
  messages: PromptMessage[];
  options: ChatOptions;
}

/**
 * Validates what a script hands to a chat: a conversation snapshot (its current thread counts), a list of messages, a
 * string, or `{messages, …options}`. Rejects with a `ValidationError` that names the field, what was expected there
 * and what was found.
 *
 * @example
 * (await parseChatInput("hello")).messages; // [{ role: "user", content: "hello" }]
 */
export async function parseChatInput(input: unknown): Promise<ChatInput> {
  if (typeof input === "string") return { messages: [{ role: "user", content: input }], options: {} };
  const [{ messageSchema, snapshotSchema }, { optionsSchema }] = await Promise.all([
    import("./message-schemas.ts"),
    import("./option-schemas.ts"),
  ]);
  const record = recordOf(input);
  let list: unknown;
  let options: ChatOptions = {};
  if (Array.isArray(input)) list = input;
  else if (record?.["type"] === "conversation") {
    list = currentThread(check(snapshotSchema, record) as ConversationSnapshot);
  } else if (record && "messages" in record) {
    const { messages, ...rest } = record;
    list = messages;
    options = check(optionsSchema, rest) as ChatOptions;
  } else {
    const found = record
      ? `an object with ${Object.keys(record).slice(0, 5).join(", ") || "no fields"}`
      : typeName(input);
    throw invalid("input", "a conversation, a string or {messages: […]}", found);
  }
  if (!Array.isArray(list)) throw invalid("messages", "a list of messages", typeName(list));
  if (list.length === 0) throw invalid("messages", "at least one message", "none");
  if (list.length > MAX_MESSAGES) throw invalid("messages", `at most ${MAX_MESSAGES} messages`, String(list.length));
  const checked: CheckedMessage[] = [];
  const origins: number[] = [];
  for (const [index, message] of list.entries()) {
    const path = (): string => `messages[${indexOf(message, index, record)}]`;
    for (const made of check(messageSchema, message, path) as CheckedMessage[]) {
      checked.push(made);
      origins.push(index);
    }
    // One script's long history is not to hold up everybody else.
    await timeSource().giveWay();
  }
  const messages = toPromptMessages(checked, (message, place) => places.set(message, origins[place]!));
  return { messages, options };
}

/** Validates the options of `newStep()` and its like; the same errors as {@link parseChatInput}. */
export async function parseChatOptions(options: unknown): Promise<ChatOptions> {
  const { optionsSchema } = await import("./option-schemas.ts");
  return check(optionsSchema, options ?? {}, () => "options") as ChatOptions;
}

interface Checkable {
  safeParse(value: unknown): { success: true; data: unknown } | { success: false; error: { issues: unknown[] } };
}

function check(schema: Checkable, value: unknown, path = (): string => ""): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new GeppettoError(
    "ValidationError",
    `Cannot read the chat input: ${describeIssues(result.error.issues, value, path())}`,
  );
}

function invalid(path: string, expected: string, found: string): GeppettoError {
  return new GeppettoError(
    "ValidationError",
    `Cannot read the chat input: ${path}: expected ${expected}, found ${found}`,
  );
}

function typeName(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "a list" : typeof value;
}

/** In a snapshot, the place among all messages is the one that its author can find. */
function indexOf(message: unknown, index: number, record: Record<string, unknown> | undefined): number {
  const all = record?.["type"] === "conversation" && Array.isArray(record["messages"]) ? record["messages"] : undefined;
  const { id } = (recordOf(message) ?? {}) as { id?: unknown };
  const place = all?.findIndex((candidate) => recordOf(candidate)?.["id"] === id) ?? -1;
  return place < 0 ? index : place;
}

function currentThread(snapshot: ConversationSnapshot): unknown[] {
  if (snapshot.messages.length === 0) return [];
  try {
    return ConversationTree.fromSnapshot(snapshot).thread();
  } catch (error) {
    if (!(error instanceof GeppettoError)) throw error;
    throw new GeppettoError("ValidationError", `Cannot read the chat input: ${error.message}`);
  }
}
