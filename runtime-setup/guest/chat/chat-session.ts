import { inputOf } from "../../../src/shared/chat-messages.ts";
import {
  defineField,
  defineHidden,
  isArray,
  promiseThen,
  SafePromise,
  SafeSymbol,
  SafeTypeError,
} from "../../../src/shared/primordials.ts";
import { exemptOnAbort, rejectAborted, signalOf } from "../core/calls.ts";
import { chatBinding, collectSettings, toolRoundsOf } from "./chat-binding.ts";
import { splitTools } from "./chat-tools.ts";
import { Conversation } from "../conversation/conversation.ts";
import { guestError } from "../core/errors.ts";
import { collect } from "../steps/runs.ts";
import { isAborted } from "../web/abort.ts";

type Settings = Record<string, unknown>;

/** A session as plain data; `functions` names the tools that lived in the script and must be given again. */
export interface SessionSnapshot {
  type: "chat-session";
  options: Settings;
  functions: string[];
  conversation: unknown;
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
  #last: Promise<unknown> = new SafePromise<void>((resolve) => resolve());

  /** @param options those of `newStep()`: nothing, an object, or an array. */
  constructor(options?: unknown) {
    this.#options = collectSettings(options);
  }

  /** The history. What a script adds to it is part of what the model sees next. */
  get conversation(): Conversation {
    return this.#conversation;
  }

  /** Says something (a text, a message, or nothing new) and resolves with the assistant's message. */
  next(input?: unknown, options: NextOptions = {}): Promise<object> {
    const { onDelta } = options;
    if (onDelta !== undefined && typeof onDelta !== "function") {
      throw new SafeTypeError(`Cannot go on with the session: onDelta must be a function, not ${typeof onDelta}`);
    }
    const signal = signalOf(options);
    if (signal !== undefined && isAborted(signal)) return rejectAborted(signal);
    const last = this.#last;
    const answer = async (): Promise<object> => {
      await last;
      const draft = this.#conversation.fork();
      const before = draft.getMessages().length;
      if (typeof input === "string") draft.addMessage("user", input);
      else if (input !== undefined) draft.append({ role: "user", ...(input as object) });
      const said = draft.getMessages()[before];
      const onPartial = (event: { [field: string]: unknown }): void => void onDelta?.(event["delta"] as string);
      const binding = chatBinding(this.#options);
      const results = await collect(this, binding, draft, onDelta === undefined ? { signal } : { signal, onPartial });
      const message = results[0] as object;
      if (said !== undefined) this.#conversation.append(said);
      this.#keep(message);
      return message;
    };
    const promise = answer();
    this.#last = promiseThen(promise, undefined, () => {});
    if (signal !== undefined) exemptOnAbort(promise, signal);
    return promise;
  }

  /** A session of its own with the history so far. */
  fork(): ChatSession {
    const copy = new ChatSession();
    copy.#options = this.#options;
    copy.#conversation = this.#conversation.fork();
    return copy;
  }

  /** Options and history as plain data. A tool's function stays behind: its name is kept, see {@link from}. */
  toJSON(): SessionSnapshot {
    const { settings, runnable } = splitTools(this.#options);
    return {
      type: "chat-session",
      options: { ...settings },
      functions: runnable,
      conversation: this.#conversation.toJSON(),
    };
  }

  /**
   * The session behind a snapshot. `options` replace those of the snapshot, one by one; tools that were functions must
   * be among them.
   */
  static from(snapshot: unknown, options?: unknown): ChatSession {
    const record = typeof snapshot === "object" && snapshot !== null ? (snapshot as Partial<SessionSnapshot>) : {};
    const { type, options: saved, functions, conversation } = record;
    if (type !== "chat-session" || typeof saved !== "object" || saved === null) {
      throw guestError("ValidationError", "Cannot restore the session: it is not a snapshot of a ChatSession");
    }
    const session = new ChatSession({ ...saved, ...collectSettings(options) });
    const { runnable } = splitTools(session.#options);
    for (let i = 0; isArray(functions) && i < functions.length; i++) {
      const name = functions[i] as string;
      let given = false;
      for (let k = 0; k < runnable.length; k++) given ||= runnable[k] === name;
      if (given) continue;
      throw guestError(
        "ValidationError",
        `Cannot restore the session: its tool "${name}" is a function, which JSON cannot hold; give it again: ChatSession.from(json, { tools: [${name}] })`,
      );
    }
    session.#conversation = Conversation.from(conversation);
    return session;
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
defineHidden(ChatSession.prototype, SafeSymbol.toStringTag, "ChatSession");
