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
  /** Keeps what is sent within so many tokens, as {@link countTokens} estimates them. */
  context?: ChatContextOptions;
  /** Functions that are asked before and after each call of a tool. One that throws ends the run. */
  hooks?: ToolHooks;
}

interface ChatContextOptions {
  /** Most tokens of system message, messages, tools and format together. Leave the answer its room. */
  maxTokens: number;
  /**
   * What is done with messages that are too many. "truncate" (default) leaves the oldest turns out. "summarize" has the model
   * say in short what they were; it is asked once more for that. A function gets the messages, without those of the system,
   * and gives those that are sent. Messages of the system and the last turn stay; a call and its result go together.
   */
  compact?:
    | "truncate"
    | "summarize"
    | ((
        messages: PromptMessage[],
        context: { tokens: number; maxTokens: number; signal: AbortSignal },
      ) => readonly object[] | Promise<readonly object[]>);
}

/** A message as a model is sent it. */
interface PromptMessage {
  role: MessageRole;
  content: ChatContent;
  toolCalls?: ToolCall[];
  /** Of a result: the call that it belongs to. */
  toolCallId?: string;
  isError?: boolean;
  name?: string;
}

interface HookContext {
  /** How often this call is made, this time included. */
  attempt: number;
  /** Aborted when nobody waits for the hook any more. */
  signal: AbortSignal;
}

/** Nothing leaves the call as it is. */
type BeforeToolAnswer =
  /** The tool gets this in place of what the model wrote. It is checked likewise. */
  | { input: object }
  /** The tool is not called; the model is told why. */
  | { refuse: string }
  /** The tool is not called; the model is told this. */
  | { result: unknown }
  | null
  | undefined
  | void;

/** Nothing leaves the result as it is. */
type AfterToolAnswer =
  /** The model is told this. */
  | { result: unknown; isError?: boolean }
  /** The call is made again, at most ten times in all. */
  | { retry: true; input?: object }
  | null
  | undefined
  | void;

interface ToolHooks {
  beforeTool?(call: ReadableToolCall, context: HookContext): BeforeToolAnswer | Promise<BeforeToolAnswer>;
  afterTool?(
    call: ReadableToolCall,
    outcome: { result: unknown; isError: boolean },
    context: HookContext,
  ): AfterToolAnswer | Promise<AfterToolAnswer>;
}

type ChatContent =
  | string
  | readonly ({ type: "text"; text: string } | { type: "image"; url: string; detail?: string })[];

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

/**
 * About how many tokens a model needs for a text, a conversation, a list of messages, or `{ messages, system, tools }`. It is an
 * estimate, made without a tokenizer: mostly within a quarter of what OpenAI's o200k counts, for prose, code and JSON, and
 * further off for base64 and the like. For models of Anthropic a quarter is added, for unknown ones a tenth. An image counts
 * 1,100, or 85 where its `detail` is "low".
 *
 * @example
 * countTokens("The quick brown fox jumps over the lazy dog.", { model: "gpt-5-mini" }); // → 10
 */
declare function countTokens(
  given: string | Conversation | ConversationSnapshot | object | readonly (string | object)[],
  options?: { model?: string },
): number;

/** A session as plain data. */
interface ChatSessionSnapshot {
  type: "chat-session";
  options: object;
  /** Names of the tools that were functions of the script; "hooks.beforeTool" and "context.compact" for those. */
  functions: string[];
  conversation: unknown;
  /** What the beginning of the conversation comes to, where it was summarized. */
  summary?: { text: string; before: string };
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
  /**
   * Keeps options and history in the script's `store`, when the calls of `next()` so far have ended. Images that were files are
   * kept with their bytes, and count in the 1 MB of a value; of those on the web the address is kept.
   *
   * @throws `LimitError` with code `ERR_STORE_LIMIT` where it is too large; what was kept before stays.
   * @example
   * const session = new ChatSession({ system: "Be brief" });
   * await session.next("Hello");
   * await session.save("chats/anna");
   */
  save(key: string): Promise<void>;
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
  /**
   * The session that was saved under this key; undefined where there is none. `options` are those of `from`.
   *
   * @throws `ValidationError` where something else is kept there, or a tool that was a function is missing.
   * @example
   * const options = { system: "Be brief" };
   * const session = (await ChatSession.load("chats/anna", options)) ?? new ChatSession(options);
   */
  load(key: string, options?: ChatStepOptions): Promise<ChatSession | undefined>;
};

/** Vectors for texts. */
declare const embeddings: {
  /**
   * The model that is used.
   *
   * @example
   * const { name, dimensions } = embeddings.getModel();
   */
  getModel(): { name: string; dimensions: number };
  /**
   * The vector of a text. The script waits for it; its host does not.
   *
   * @example
   * embeddings.generateEmbedding("Hello").length === embeddings.getModel().dimensions; // → true
   */
  generateEmbedding(text: string): Float32Array;
  /**
   * The vector of a text.
   *
   * @example
   * const vector = await embeddings.generateEmbeddingAsync("Hello");
   */
  generateEmbeddingAsync(text: string, options?: SignalOption): Promise<Float32Array>;
  /**
   * The vectors of several texts, in one batch.
   *
   * @example
   * (await embeddings.generateEmbeddings(["one", "two"])).length; // → 2
   */
  generateEmbeddings(texts: readonly string[], options?: SignalOption): Promise<Float32Array[]>;
  /**
   * Calls one of the two back. Neither is called after `cancel()`, which it returns.
   *
   * @example
   * const cancel = embeddings.generateEmbeddingWithCallbacks("Hello", { onSuccess: (vector) => console.log(vector.length) });
   * cancel();
   */
  generateEmbeddingWithCallbacks(
    text: string,
    callbacks?: { onSuccess?: (embedding: Float32Array) => void; onError?: (error: RunError) => void },
  ): () => void;
  /**
   * How alike two vectors are: 1 is the same direction, 0 nothing in common.
   *
   * @example
   * embeddings.cosineSimilarity([1, 0], [2, 0]); // → 1
   */
  cosineSimilarity(a: ArrayLike<number>, b: ArrayLike<number>): number;
  /**
   * A step: a string gives one vector, an array one result for each element.
   *
   * @example
   * const vectors = await embeddings.createStep().startAsync(["one", "two"]);
   * vectors.length; // → 2
   */
  createStep(options?: { model?: string; dimensions?: number }): Step<string | readonly string[], Float32Array>;
};
