import { inputOf } from "../../../src/shared/chat-messages.ts";
import {
  append,
  defineField,
  defineHidden,
  isArray,
  ObjectKeys,
  promiseThen,
  SafeError,
  SafePromise,
  SafeSymbol,
  SafeTypeError,
  StringSlice,
  StringStartsWith,
} from "../../../src/shared/primordials.ts";
import { checkOptions, markHandled, rejectAborted, signalOf } from "../core/calls.ts";
import {
  chatBinding,
  checkedSettings,
  collectSettings,
  summaryOf,
  toolRoundsOf,
  type PlacedSummary,
} from "./chat-binding.ts";
import { FUNCTION, splitTools } from "./chat-tools.ts";
import { Conversation } from "../conversation/conversation.ts";
import { guestError } from "../core/errors.ts";
import { storeGet, storeSet } from "../core/store.ts";
import { collect, type CollectOptions } from "../steps/collect.ts";
import { isAborted, onAbort } from "../web/abort.ts";

type Settings = Record<string, unknown>;

/** A session as plain data; `functions` names the tools that lived in the script and must be given again. */
export interface SessionSnapshot {
  type: "chat-session";
  options: Settings;
  functions: string[];
  conversation: unknown;
  /** What a model has said that the beginning of the conversation comes to; `before` is the first message after that. */
  summary?: SessionSummary;
}

interface SessionSummary {
  text: string;
  before: string;
}

export interface NextOptions {
  /** Called with each piece of the answer's text. */
  onDelta?: (delta: string) => unknown;
  signal?: unknown;
}

/**
 * A chat that keeps its history: each `next()` adds what was said, the tools that were called and the answer to
 * `conversation`. One that fails, or is aborted, adds nothing. Calls of `next()` are answered one after the other.
 *
 * @example
 * const session = new ChatSession({ system: "Be brief" });
 * await session.next("Hello");
 */
export class ChatSession {
  #options: Settings;
  #conversation = new Conversation();
  /** What stands for the beginning of the history where the model is asked; the history itself stays whole. */
  #summary: SessionSummary | undefined;
  #last: Promise<unknown> = new SafePromise<void>((resolve) => resolve());

  /** @param options those of `newStep()`: nothing, an object, or an array. */
  constructor(options?: unknown) {
    this.#options = checkedSettings("make the session", options);
  }

  /** The history. What a script adds to it is part of what the model sees next. */
  get conversation(): Conversation {
    return this.#conversation;
  }

  /** Says something (a text, a message, or nothing new) and resolves with the assistant's message. */
  next(input?: unknown, options: NextOptions = {}): Promise<object> {
    checkOptions("go on with the session", options, ["onDelta", "signal"]);
    const { onDelta } = options;
    if (input !== undefined && typeof input !== "string" && typeof input !== "object") {
      const found = `not ${typeof input}`;
      throw guestError("ValidationError", `Cannot go on with the session: expected a text or a message, ${found}`);
    }
    if (onDelta !== undefined && typeof onDelta !== "function") {
      throw new SafeTypeError(`Cannot go on with the session: onDelta must be a function, not ${typeof onDelta}`);
    }
    const signal = signalOf(options);
    if (signal !== undefined && isAborted(signal)) return rejectAborted(signal);
    const site = new SafeError();
    const last = this.#last;
    let settle = (): void => {};
    let forget = (): void => {};
    const settled = new SafePromise<void>((resolve) => (settle = resolve));
    const answer = async (): Promise<object> => {
      await last;
      try {
        return await this.#answer(input, onDelta, { signal, site });
      } finally {
        forget();
        settle();
      }
    };
    // Not derived from the answer's promise: its failure would count as handled. By a `then` of its own, so that who awaits
    // the answer goes on before the next one begins.
    this.#last = promiseThen(settled);
    const promise = answer();
    if (signal !== undefined) forget = onAbort(signal, () => markHandled(promise));
    return promise;
  }

  /** Asks the model. Where its answer has come, what was said and the answer are added to the history. */
  async #answer(
    input: string | object | null | undefined,
    onDelta: NextOptions["onDelta"],
    how: CollectOptions,
  ): Promise<object> {
    const draft = this.#conversation.fork();
    const before = draft.getMessages().length;
    if (typeof input === "string") draft.addMessage("user", input);
    else if (input !== undefined) draft.append({ role: "user", ...(input as object) });
    const thread = draft.getMessages();
    const said = thread[before];
    const onPartial = (event: { [field: string]: unknown }): void => void onDelta?.(event["delta"] as string);
    const binding = chatBinding(this.#options, this.#placed(thread));
    const results = await collect(this, binding, draft, onDelta === undefined ? how : { ...how, onPartial });
    const message = results[0] as object;
    if (said !== undefined) this.#conversation.append(said);
    const summary = summaryOf(message);
    const next = summary === undefined ? undefined : thread[summary.place];
    if (next !== undefined) this.#summary = { text: summary!.text, before: next.id };
    this.#keep(message);
    return message;
  }

  /** A session of its own with the history so far. */
  fork(): ChatSession {
    const copy = new ChatSession();
    copy.#options = this.#options;
    copy.#conversation = this.#conversation.fork();
    copy.#summary = this.#summary;
    return copy;
  }

  /** Options and history as plain data. A tool's function stays behind: its name is kept, see {@link from}. */
  toJSON(): SessionSnapshot {
    const { settings, functions } = splitTools(this.#options);
    return {
      type: "chat-session",
      options: withoutMarks(settings),
      functions: functionNames(functions),
      conversation: this.#conversation.toJSON(),
      ...(this.#summary === undefined ? {} : { summary: this.#summary }),
    };
  }

  /** Keeps the snapshot in the script's `store`, when the calls of `next()` so far have ended. */
  async save(key: unknown): Promise<void> {
    await this.#last;
    await storeSet(key, this.toJSON());
  }

  /** The session that was saved under this key, as {@link from} restores it; undefined where there is none. */
  static async load(key: unknown, options?: unknown): Promise<ChatSession | undefined> {
    const snapshot = await storeGet(key);
    return snapshot === undefined ? undefined : ChatSession.from(snapshot, options);
  }

  /**
   * The session behind a snapshot. `options` replace those of the snapshot, one by one; tools that were functions must
   * be among them.
   */
  static from(snapshot: unknown, options?: unknown): ChatSession {
    const record = typeof snapshot === "object" && snapshot !== null ? (snapshot as Partial<SessionSnapshot>) : {};
    const { type, options: saved, functions, conversation, summary } = record;
    if (type !== "chat-session" || typeof saved !== "object" || saved === null) {
      throw guestError("ValidationError", "Cannot restore the session: it is not a snapshot of a ChatSession");
    }
    checkOptions("restore the session", record, ["type", "options", "functions", "conversation", "summary"]);
    const session = new ChatSession({ ...saved, ...collectSettings(options) });
    const present = functionNames(splitTools(session.#options).functions);
    for (let i = 0; isArray(functions) && i < functions.length; i++) {
      const name = functions[i] as string;
      let given = false;
      for (let k = 0; k < present.length; k++) given ||= present[k] === name;
      if (given) continue;
      const isOption = name === "context.compact" || StringStartsWith(name, "hooks.");
      const what = isOption ? name : `its tool "${name}"`;
      const how = isOption ? optionHint(name) : `{ tools: [${name}] }`;
      throw guestError(
        "ValidationError",
        `Cannot restore the session: ${what} is a function, which JSON cannot hold; give it again: ChatSession.from(json, ${how})`,
      );
    }
    session.#conversation = Conversation.from(conversation);
    const { text, before } = (
      typeof summary === "object" && summary !== null ? summary : {}
    ) as Partial<SessionSummary>;
    if (typeof text === "string" && typeof before === "string") session.#summary = { text, before };
    return session;
  }

  /** The summary, where the thread still has the message that it goes up to. */
  #placed(thread: readonly { id: string }[]): PlacedSummary | undefined {
    const summary = this.#summary;
    if (summary === undefined) return undefined;
    for (let place = 0; place < thread.length; place++) {
      if (thread[place]!.id === summary.before) return { text: summary.text, place };
    }
    return undefined;
  }

  /** Adds an answer, with the calls that led to it. */
  #keep(message: object): void {
    const rounds = toolRoundsOf(message);
    const conversation = this.#conversation;
    for (let i = 0; i < rounds.length; i++) {
      const { text, calls } = rounds[i]!;
      if (text !== "") conversation.addMessage("assistant", text);
      for (let k = 0; k < calls.length; k++) {
        const { call } = calls[k]!;
        conversation.addToolUse(call.id, call.name, inputOf(call));
      }
      for (let k = 0; k < calls.length; k++) conversation.addToolResult(calls[k]!.call.id, calls[k]!.result);
    }
    if (rounds.length > 0) defineField(message, "parentID", conversation.toJSON().current);
    conversation.append(message);
  }
}

/** The functions of a session by the names under which a snapshot asks for them again. */
function functionNames(functions: Record<string, unknown>): string[] {
  const keys = ObjectKeys(functions);
  const names: string[] = [];
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    if (StringStartsWith(key, "tool ")) append(names, StringSlice(key, 5));
    else if (StringStartsWith(key, "hook ")) append(names, `hooks.${StringSlice(key, 5)}`);
    else append(names, `context.${StringSlice(key, 8)}`);
  }
  return names;
}

function optionHint(name: string): string {
  return name === "context.compact" ? "{ context: { maxTokens, compact } }" : `{ hooks: { ${StringSlice(name, 6)} } }`;
}

/** The options as JSON can hold them: without what stands for functions. */
function withoutMarks(settings: Settings): Settings {
  const plain = { ...settings };
  delete plain["hooks"];
  const { context } = plain;
  if (typeof context === "object" && context !== null && (context as Settings)["compact"] === FUNCTION) {
    const { compact: _, ...rest } = context as Settings;
    defineField(plain, "context", rest);
  }
  return plain;
}
defineHidden(ChatSession.prototype, SafeSymbol.toStringTag, "ChatSession");
