type MessageRole = "system" | "developer" | "assistant" | "user" | "tool";

/** A call that a model asks for. Where its arguments are not a JSON object, `inputText` and `code` stand in for `input`. */
type ToolCall =
  | ReadableToolCall
  | { id: string; name: string; input?: undefined; inputText: string; code: "ERR_TOOL_INPUT" };

/** A call whose arguments could be read. */
interface ReadableToolCall {
  id: string;
  name: string;
  input: Record<string, unknown>;
  inputText?: undefined;
  code?: undefined;
}

interface MessageFields {
  id: string;
  /** Id of the message before it in its thread; "" for a root. */
  parentID: string;
  time: Date;
  lastUpdate: Date;
  metadata: Record<string, unknown>;
}

interface TextMessage extends MessageFields {
  type: "chat-message";
  role: MessageRole;
  text: string;
  images?: { imageURL: string; imageName: string; mediaType: string; detail: string }[];
  /** What an assistant asked for and nobody ran. */
  toolCalls?: ToolCall[];
  /** The text as a value, where the answer was to fit a schema. */
  parsed?: unknown;
}

interface ToolUseMessage extends MessageFields {
  type: "tool-use";
  toolID: string;
  name: string;
  input: Record<string, unknown>;
  toolType: string;
}

interface ToolResultMessage extends MessageFields {
  type: "tool-result";
  toolID: string;
  result: string;
}

type ChatMessage = TextMessage | ToolUseMessage | ToolResultMessage;

/** A conversation as plain data: the whole tree, times as RFC 3339 texts. */
interface ConversationSnapshot {
  type: "conversation";
  /** Id of the last message of the current thread, or "". */
  current: string;
  messages: object[];
}

interface MessageOptions {
  metadata?: Record<string, unknown>;
  /** The message to branch from. One that is not in the conversation is kept, and the message joins the thread. */
  parentID?: string;
  /** An RFC 3339 text, or a Date. */
  time?: string | Date;
  /** Default a UUID. */
  id?: string;
}

interface ConversationMethods {
  /**
   * Adds a message and returns its id.
   *
   * @example
   * const conv = new Conversation();
   * const id = conv.addMessage("user", "Hello", { metadata: { source: "form" } });
   */
  addMessage(role: MessageRole, text: string, options?: MessageOptions): string;
  /**
   * Adds a message with an image: a path that may be read, or an `https:` or `data:` URL. Returns its id.
   *
   * @example
   * const conv = new Conversation();
   * conv.addMessageWithImage("user", "What is this?", "https://example.com/cat.png");
   */
  addMessageWithImage(
    role: MessageRole,
    text: string,
    pathOrURL: string,
    options?: MessageOptions & { detail?: "auto" | "low" | "high" },
  ): string;
  /**
   * Adds that a tool was asked for; returns the message's id.
   *
   * @example
   * new Conversation().addToolUse("call-1", "search", { query: "cats" });
   */
  addToolUse(toolID: string, name: string, input: Record<string, unknown>): string;
  /**
   * Adds what a tool answered; returns the message's id.
   *
   * @example
   * new Conversation().addToolResult("call-1", "9 lives");
   */
  addToolResult(toolID: string, result: string): string;
  /**
   * Adds a message object, such as a chat step's result; returns its id. A field that has no place in it is an error.
   *
   * @example
   * const conv = new Conversation();
   * conv.append({ role: "assistant", text: "Hello" });
   * conv.getMessages()[0]?.type; // → "chat-message"
   */
  append(message: object): string;
  /**
   * The current thread, from root to leaf.
   *
   * @example
   * new Conversation().getMessages(); // → []
   */
  getMessages(): ChatMessage[];
  /**
   * The messages from the root to this one.
   *
   * @example
   * const conv = new Conversation();
   * const first = conv.addMessage("user", "one");
   * conv.addMessage("user", "two");
   * conv.getThread(first).length; // → 1
   */
  getThread(id: string): ChatMessage[];
  /**
   * The messages right under this one.
   *
   * @example
   * const conv = new Conversation();
   * const root = conv.addMessage("user", "one");
   * conv.addMessage("assistant", "two");
   * conv.getChildren(root).length; // → 1
   */
  getChildren(id: string): ChatMessage[];
  /**
   * A conversation of its own with the thread to this message; default the current thread.
   *
   * @example
   * const copy = new Conversation().fork();
   */
  fork(id?: string): Conversation;
  /**
   * One message as a line for people.
   *
   * @example
   * const conv = new Conversation();
   * conv.getMessageView(conv.addMessage("user", "Hello")); // → "[user]: Hello"
   */
  getMessageView(id: string): string;
  /**
   * Sets these keys of a message's metadata; false for an unknown id.
   *
   * @example
   * const conv = new Conversation();
   * conv.updateMetadata(conv.addMessage("user", "Hello"), { read: true }); // → true
   */
  updateMetadata(id: string, patch: Record<string, unknown>): boolean;
  /**
   * The text of the only message, or each message as `[role]: text` on a line of its own.
   *
   * @example
   * const conv = new Conversation();
   * conv.addMessage("user", "Hello");
   * conv.getSinglePrompt(); // → "Hello"
   */
  getSinglePrompt(): string;
  /**
   * The whole tree as plain data, for `Conversation.from` and for steps.
   *
   * @example
   * const copy = Conversation.from(new Conversation().toJSON());
   */
  toJSON(): ConversationSnapshot;
  /**
   * The same as `toJSON`.
   *
   * @example
   * new Conversation().toGoConversation().type; // → "conversation"
   */
  toGoConversation(): ConversationSnapshot;
}

/** Every method exists in both spellings: `addMessage` and `AddMessage`. */
type BothSpellings<T> = T & { [K in keyof T & string as Capitalize<K>]: T[K] };

/** Messages as a tree. What goes in and what comes out are copies; every failure is a ConversationError. */
type Conversation = BothSpellings<ConversationMethods>;

/**
 * @example
 * const conv = new Conversation();
 * conv.addMessage("system", "Be brief");
 * conv.AddMessage("user", "Hello");
 */
declare const Conversation: {
  new (): Conversation;
  readonly prototype: Conversation;
} & BothSpellings<{
  /**
   * The conversation behind a snapshot.
   *
   * @example
   * Conversation.from({ type: "conversation", current: "", messages: [] }).getMessages(); // → []
   */
  from(snapshot: unknown): Conversation;
}>;
