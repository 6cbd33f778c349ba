import type { ChatMessage, ConversationSnapshot, Role } from "../../../src/shared/chat-messages.ts";
import {
  bare,
  ConversationTree,
  copyPlain,
  copyRecord,
  define,
  PLAIN,
  readName,
  readRecord,
  readRole,
  readString,
  refuse,
  timeToMs,
} from "../../../src/shared/conversation-tree.ts";
import { GeppettoError } from "../../../src/shared/errors.ts";
import {
  append,
  DateToISOString,
  JSONStringify,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ReflectOwnKeys,
  SafeDate,
  StringSlice,
  StringToUpperCase,
} from "../../../src/shared/primordials.ts";
import { unknownOption } from "../../../src/shared/wrong-option.ts";
import { MESSAGE_FIELDS, parseMessage, parseSnapshot, refuseFields } from "./conversation-fields.ts";
import { loadImage, markCopies, readDetail } from "./conversation-images.ts";
import { guestError } from "../core/errors.ts";
import { defineGlobal } from "../core/kernel.ts";
import { currentMs } from "../time/current-time.ts";
import { randomUUID } from "../web/crypto.ts";

/** What {@link Conversation.addMessage} takes besides role and text. */
export interface MessageOptions {
  metadata?: Record<string, unknown>;
  /** The message to branch from. One that is not in the conversation is kept, and the message joins the thread. */
  parentID?: string;
  /** RFC 3339 text, or a `Date`. */
  time?: string | Date;
  /** Default: a UUID. */
  id?: string;
}

/** A message as scripts see it: the flat shape with `Date`s. */
export type VisibleMessage = Visible<ChatMessage>;
type Visible<T> = T extends ChatMessage ? Omit<T, "time" | "lastUpdate"> & { time: Date; lastUpdate: Date } : never;

const OPTIONS = "metadata parentID time id".split(" ");
const IMAGE_OPTIONS = "metadata parentID time id detail".split(" ");

let treeOf: (value: unknown) => ConversationTree | undefined;

/**
 * A conversation as scripts see it. Every method exists in PascalCase too, and every failure is a ConversationError.
 * What goes in and what comes out are copies.
 *
 * @example
 * const conv = new Conversation();
 * conv.addMessage("user", "Hello");
 * conv.getSinglePrompt(); // "Hello"
 */
export class Conversation {
  #tree = new ConversationTree();

  static {
    treeOf = (value) => (typeof value === "object" && value !== null && #tree in value ? value.#tree : undefined);
  }

  /** A new one is empty; {@link from} reads a snapshot. */
  constructor(...given: readonly never[]) {
    const ways = "it takes nothing; Conversation.from(snapshot) reads one, append(message) adds one message";
    if (given.length > 0 && given[0] !== undefined)
      throw guestError("ConversationError", `Cannot make a conversation: ${ways}`);
  }

  /** Adds a chat message to the current thread, or under `options.parentID`; returns its id. */
  addMessage(role: Role, text: string, options?: MessageOptions): string {
    return attempt("add the message", () => {
      const given = options === undefined ? {} : pickOptions(options, OPTIONS);
      return add(own(this), { ...given, type: "chat-message", role, text }, "");
    });
  }

  /**
   * Adds a chat message with an image: a path below the folders that may be read, or an `https:` or `data:` URL. Returns
   * its id. Waits for the host to look at the image. `options.detail` is "auto" (default), "low" or "high".
   */
  addMessageWithImage(
    role: Role,
    text: string,
    pathOrURL: string,
    options?: MessageOptions & { detail?: string },
  ): string {
    return attempt("add the message", () => {
      const tree = own(this);
      const given = options === undefined ? {} : pickOptions(options, IMAGE_OPTIONS);
      const { detail, ...rest } = given;
      const checked = readDetail(detail);
      readRole(role, "role");
      readString(text, "text");
      const image = loadImage(readName(pathOrURL, "the image's path or URL"), checked);
      return add(tree, { ...rest, type: "chat-message", role, text, images: [image] }, "");
    });
  }

  /** Adds that a tool was asked for; `input` is an object of plain data. Returns the message's id. */
  addToolUse(toolID: string, name: string, input: Record<string, unknown>): string {
    return attempt("add the tool use", () => add(own(this), { type: "tool-use", toolID, name, input }, ""));
  }

  /** Adds what a tool answered. Returns the message's id. */
  addToolResult(toolID: string, result: string): string {
    return attempt("add the tool result", () => add(own(this), { type: "tool-result", toolID, result }, ""));
  }

  /**
   * Adds a flat message object, such as a chat step's result, and returns its id: the message's own, or a new one where
   * that is missing or taken. What else is missing besides role and text gets the defaults of `addMessage`.
   */
  append(message: object): string {
    return attempt("append the message", () => {
      const tree = own(this);
      const given = pick(message, "message", MESSAGE_FIELDS);
      refuseFields(message as Record<string, unknown>, MESSAGE_FIELDS, "message.");
      if (typeof given["id"] === "string" && tree.has(given["id"])) delete given["id"];
      return add(tree, { type: "chat-message", ...given }, "message.");
    });
  }

  /** The current thread, root to leaf. */
  getMessages(): VisibleMessage[] {
    return attempt("read the messages", () => show(own(this).thread()));
  }

  /** The messages from the root to this one. */
  getThread(id: string): VisibleMessage[] {
    return attempt("read the thread", () => show(own(this).thread(readName(id, "id"))));
  }

  /** The messages right under this one, in order of addition. */
  getChildren(id: string): VisibleMessage[] {
    return attempt("read the children", () => show(own(this).children(readName(id, "id"))));
  }

  /** A conversation of its own with the thread to this message (default: the current thread). */
  fork(id?: string): Conversation {
    return attempt("fork the conversation", () => {
      const copy = emptyConversation();
      copy.#tree = own(this).fork(id === undefined ? undefined : readName(id, "id"));
      return copy;
    });
  }

  /** One message as a line for people. */
  getMessageView(id: string): string {
    return attempt("show the message", () => view(own(this).get(readName(id, "id"))));
  }

  /** Sets these keys of a message's metadata and its `lastUpdate`; false for an unknown id. */
  updateMetadata(id: string, patch: Record<string, unknown>): boolean {
    return attempt("update the metadata", () =>
      own(this).updateMetadata(readString(id, "id"), copyRecord(patch, "patch"), now()),
    );
  }

  /** The text of the thread's only message, or each chat message as `[role]: text` on a line. */
  getSinglePrompt(): string {
    return attempt("make the prompt", () => {
      const thread = own(this).thread();
      const only = thread[0];
      if (thread.length === 1 && only?.type === "chat-message") return only.text;
      let prompt = "";
      for (let i = 0; i < thread.length; i++) {
        const message = thread[i]!;
        if (message.type === "chat-message") prompt += `${view(message)}\n`;
      }
      return prompt;
    });
  }

  /** The whole tree as plain data. */
  toJSON(): ConversationSnapshot {
    return attempt("copy the conversation", () => showSnapshot(own(this).snapshot()));
  }

  /** The same as {@link toJSON}. */
  toGoConversation(): ConversationSnapshot {
    return attempt("copy the conversation", () => showSnapshot(own(this).snapshot()));
  }

  /** The conversation behind a snapshot. An error names the field: `messages[2].role must be …`. */
  static from(snapshot: unknown): Conversation {
    return attempt("read the snapshot", () => {
      const conversation = emptyConversation();
      conversation.#tree = ConversationTree.fromSnapshot(parseSnapshot(snapshot));
      return conversation;
    });
  }
}

/** A class that names itself is renamed in the bundle, and V8's errors would show that name. */
function emptyConversation(): Conversation {
  return new Conversation();
}

/** The snapshot of a Conversation, decided by brand; undefined for everything else. Its objects have no prototype. */
export function conversationSnapshot(value: unknown): ConversationSnapshot | undefined {
  return treeOf(value)?.snapshot();
}

/** Makes `Conversation` a global, with each method in PascalCase too. */
export function installConversation(): void {
  for (const owner of [Conversation.prototype, Conversation]) {
    for (const key of ReflectOwnKeys(owner)) {
      const descriptor = ObjectGetOwnPropertyDescriptor(owner, key)!;
      if (typeof key !== "string" || key === "constructor" || typeof descriptor.value !== "function") continue;
      ObjectDefineProperty(owner, StringToUpperCase(StringSlice(key, 0, 1)) + StringSlice(key, 1), descriptor);
    }
  }
  defineGlobal("Conversation", Conversation);
}

function attempt<T>(action: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof GeppettoError) throw guestError("ConversationError", `Cannot ${action}: ${error.message}`);
    throw error;
  }
}

function own(conversation: Conversation): ConversationTree {
  return treeOf(conversation) ?? refuse("the method was not called on a Conversation");
}

function now(): string {
  return DateToISOString(new SafeDate(currentMs()));
}

/** The options of these names that are there; others are refused. */
function pickOptions(options: object, names: readonly string[]): Record<string, unknown> {
  const picked = pick(options, "options", names);
  const unknown = unknownOption(options, names);
  if (unknown !== undefined) refuse(unknown);
  return picked;
}

/** The fields of these names that are there. */
function pick(value: unknown, path: string, names: readonly string[]): Record<string, unknown> {
  const record = readRecord(value, path);
  const picked: Record<string, unknown> = bare({});
  for (let i = 0; i < names.length; i++) {
    const field = record[names[i]!];
    if (field !== undefined) define(picked, names[i]!, field);
  }
  return picked;
}

/** Fills in what the fields leave open, and adds the message. */
function add(tree: ConversationTree, fields: Record<string, unknown>, path: string): string {
  const { id, parentID, time, metadata, toolType, type } = bare(fields);
  const created = time ?? now();
  const draft = bare<Record<string, unknown>>({
    lastUpdate: created,
    ...fields,
    id: id ?? randomUUID(),
    parentID: parentID === undefined || parentID === "" ? tree.current : parentID,
    time: created,
    metadata: metadata ?? bare({}),
    ...(type === "tool-use" ? { toolType: toolType ?? "function" } : {}),
  });
  const message = parseMessage(draft, path);
  tree.add(message);
  return message.id;
}

/** A message as scripts may have it. */
function reveal(message: ChatMessage): ChatMessage {
  const shown = copyPlain(message, "", PLAIN) as ChatMessage;
  markCopies(message, shown);
  return shown;
}

function showSnapshot({ type, current, messages }: ConversationSnapshot): ConversationSnapshot {
  const shown: ChatMessage[] = [];
  for (let i = 0; i < messages.length; i++) append(shown, reveal(messages[i]!));
  return { type, current, messages: shown };
}

function show(messages: ChatMessage[]): VisibleMessage[] {
  const visible: VisibleMessage[] = [];
  for (let i = 0; i < messages.length; i++) {
    const { time, lastUpdate } = messages[i]!;
    const message = reveal(messages[i]!);
    define(message, "time", new SafeDate(timeToMs(time)!));
    define(message, "lastUpdate", new SafeDate(timeToMs(lastUpdate)!));
    append(visible, message as unknown as VisibleMessage);
  }
  return visible;
}

function view(message: ChatMessage): string {
  if (message.type === "chat-message") return `[${message.role}]: ${message.text}`;
  if (message.type === "tool-result") return `ToolResultContent{ToolID: ${message.toolID}, Result: ${message.result}}`;
  const input = (JSONStringify as (value: unknown) => string)(message.input);
  return `ToolUseContent{ToolID: ${message.toolID}, Name: ${message.name}, Input: ${input}}`;
}
