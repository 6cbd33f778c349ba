/** A tool that a model may call. */
interface ChatTool<Input = Record<string, unknown>> {
  name: string;
  description?: string;
  /**
   * JSON schema of the input, or a schema of zod, ArkType or any library that follows Standard Schema and offers itself as
   * a JSON schema. Such a schema may also fill in defaults and change values.
   */
  input?: object;
  /** The same, as other libraries call it. */
  parameters?: object;
  /** The same. */
  inputSchema?: object;
  /** The same. */
  input_schema?: object;
  /** The same. */
  schema?: object;
  /** Shall the provider enforce the schema? */
  strict?: boolean;
  type?: "function" | "custom";
  /** Longest time of one call, in milliseconds. */
  timeoutMs?: number;
  /** Without it the step ends with what was asked for in the message's `toolCalls`. What it throws the model is told. */
  run?(input: Input, context: CallContext): unknown;
  /** The same as `run`. */
  execute?(input: Input, context: CallContext): unknown;
}

/** A tool as OpenAI's chat API has it. The function may stand at either level. */
interface WrappedChatTool<Input = Record<string, unknown>> {
  type: "function";
  function: ChatTool<Input>;
  timeoutMs?: number;
  run?(input: Input, context: CallContext): unknown;
  execute?(input: Input, context: CallContext): unknown;
}

/** What a model is asked with. What is not given is the host's setting. */
interface ChatOptions {
  provider?: string;
  model?: string;
  temperature?: number;
  maxTokens?: number;
  topP?: number;
  stop?: string | readonly string[];
  system?: string;
  seed?: number;
  /** Tools of the script, and names of tools of the host. */
  // oxlint-disable-next-line typescript/no-explicit-any -- each tool has an input of its own
  tools?: readonly (ChatTool<any> | WrappedChatTool<any> | string)[];
  toolChoice?: "auto" | "none" | "required" | { name: string };
  /**
   * How much the model is to think before it answers: by effort, or by a number of tokens, for models that take one. What
   * it thinks comes in `reasoning` events.
   */
  reasoning?: {
    effort?: "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max";
    budgetTokens?: number;
  };
  /** Rounds of tool calls before the run gives up; default 20. */
  maxToolRounds?: number;
  /** Longest time of one tool call, in milliseconds. */
  toolTimeoutMs?: number;
  /** JSON schema that the answer is to fit, or a zod schema; the message's `parsed` then holds the value. */
  responseFormat?: object;
}

type ChatContent =
  string | readonly ({ type: "text"; text: string } | { type: "image"; url: string; detail?: string })[];

/**
 * A message of another library's history: OpenAI's `tool_calls`, `function_call`, role `tool` and `content: null`, items of
 * its responses API, Anthropic's blocks. Fields that are not known are refused by their names.
 */
type ForeignMessage =
  | {
      role: MessageRole | "function";
      content?: string | readonly object[] | null;
      name?: string;
      tool_calls?: readonly object[] | null;
      tool_call_id?: string;
      function_call?: object | null;
      refusal?: string | null;
    }
  | { type: "function_call"; call_id: string; name: string; arguments?: string }
  | { type: "function_call_output"; call_id: string; output: string | readonly object[] };

/** What a chat step takes: a conversation, its snapshot, a text, or messages with options of their own. */
type ChatInput =
  | string
  | Conversation
  | ConversationSnapshot
  | ({
      messages: readonly (ChatMessage | { role: MessageRole; content: ChatContent; name?: string } | ForeignMessage)[];
    } & ChatOptions);

/** The answer of a model. `String(message)` is its text. */
type AssistantMessage = TextMessage & {
  role: "assistant";
  metadata: {
    usage?: { inputTokens?: number; outputTokens?: number; reasoningTokens?: number; [count: string]: unknown };
    /** What the model has thought, where its provider shows it. */
    reasoning?: string;
    stopReason?: string;
    engine?: string;
    [field: string]: unknown;
  };
};

/** A step that asks a model: its pieces are text, its one result is the message. */
type ChatStep = Step<ChatInput, AssistantMessage, string>;

/** Options, or a list of options and of functions that may change what has been collected, or return an error. */
type ChatStepOptions = ChatOptions | readonly (ChatOptions | ((settings: ChatOptions) => unknown))[] | null;

interface ChatStepFactory {
  /**
   * A chat step. A key that is missing is an error of the run, not of this call.
   *
   * @example
   * const step = new ChatStepFactory().newStep({ temperature: 0 });
   * const [message] = await step.startAsync("echo: hello");
   * String(message); // → "hello"
   */
  newStep(options?: ChatStepOptions): ChatStep;
}

/**
 * Makes chat steps for the model of the host's settings.
 *
 * @example
 * const factory = new ChatStepFactory();
 */
declare const ChatStepFactory: { new (): ChatStepFactory; readonly prototype: ChatStepFactory };

/** Chat steps for OpenAI's models. */
declare const openai: {
  /**
   * @example
   * const step = openai.createStep({ model: "gpt-5-mini" });
   */
  createStep(options?: ChatStepOptions): ChatStep;
};

/** Chat steps for Anthropic's models. */
declare const claude: {
  /**
   * @example
   * const step = claude.createStep({ maxTokens: 500 });
   */
  createStep(options?: ChatStepOptions): ChatStep;
};

/**
 * One question, one answer: its text.
 *
 * @example
 * await chat("echo: hello"); // → "hello"
 */
declare function chat(prompt: string, options?: ChatOptions & SignalOption): Promise<string>;

/** A session as plain data. */
interface ChatSessionSnapshot {
  type: "chat-session";
  options: object;
  /** Names of the tools that were functions of the script. */
  functions: string[];
  conversation: unknown;
}

interface ChatSession {
  /** The history. What a script adds to it is part of what the model sees next. */
  readonly conversation: Conversation;
  /**
   * Says something and gives the answer. A call that fails or is aborted adds nothing to the history.
   *
   * @example
   * const session = new ChatSession();
   * const message = await session.next("echo: hi", { onDelta: (delta) => process.stdout.write(delta) });
   * message.text; // → "hi"
   */
  next(
    input?: string | object,
    options?: SignalOption & { onDelta?: (delta: string) => void },
  ): Promise<AssistantMessage>;
  /**
   * A session of its own with the history so far.
   *
   * @example
   * const other = new ChatSession().fork();
   */
  fork(): ChatSession;
  /**
   * Options and history as plain data.
   *
   * @example
   * const saved = JSON.stringify(new ChatSession({ system: "Be brief" }));
   */
  toJSON(): ChatSessionSnapshot;
}

/**
 * A chat that keeps its history.
 *
 * @example
 * const session = new ChatSession({ system: "Be brief" });
 * await session.next("Hello");
 * session.conversation.getMessages().length; // → 2
 */
declare const ChatSession: {
  new (options?: ChatStepOptions): ChatSession;
  readonly prototype: ChatSession;
  /**
   * The session behind a snapshot. `options` replace those of the snapshot; tools that were functions must be there.
   *
   * @example
   * const saved = new ChatSession({ system: "Be brief" }).toJSON();
   * const session = ChatSession.from(saved);
   */
  from(snapshot: unknown, options?: ChatStepOptions): ChatSession;
};
