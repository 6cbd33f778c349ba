import { jsonMethod } from "./codec.ts";
import { ROLES, type ChatMessage, type ConversationSnapshot, type Role } from "./chat-messages.ts";
import { GeppettoError } from "./errors.ts";
import { MAX_FRAME_CHARS, MAX_VALUE_DEPTH } from "./frames.ts";
import {
  append,
  DateGetTime,
  DateToISOString,
  isArray,
  JSONStringify,
  NumberIsFinite,
  ObjectCreate,
  ObjectDefineProperty,
  ObjectGetPrototypeOf,
  ObjectKeys,
  ReflectApply,
  RegExpTest,
  SafeDate,
  SafeMap,
  SafeString,
  StringSlice,
  StringToUpperCase,
} from "./primordials.ts";

interface Node {
  message: ChatMessage;
  readonly parent: Node | undefined;
  readonly children: Node[];
}

/**
 * The messages of a conversation as a tree with one current thread. It has neither clock nor randomness: ids and times
 * are handed in. The messages it gives out are its own: do not change them. Every failure is a ConversationError whose
 * message starts with the place (`current must be …`); callers put the action before it. Written without `for…of` and
 * destructured arrays, which a script can redirect through `Array.prototype`.
 */
export class ConversationTree {
  readonly #order: Node[] = [];
  readonly #byId = new SafeMap<string, Node>();
  #current: Node | undefined;

  /** Id of the last message of the current thread; "" when there is none. */
  get current(): string {
    return this.#current === undefined ? "" : this.#current.message.id;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** @throws {GeppettoError} ConversationError when no message has this id. */
  get(id: string): ChatMessage {
    return this.#node(id).message;
  }

  /**
   * Adds a message under the one that `parentID` names, or, when that names none, at the end of the current thread. The
   * current thread then ends here.
   *
   * @throws {GeppettoError} ConversationError for an id that is taken.
   */
  add(message: ChatMessage): void {
    if (this.has(message.id)) refuse(`the id ${showValue(message.id)} is already taken by another message`);
    const parent = this.#byId.get(message.parentID) ?? this.#current;
    const node: Node = { message, parent, children: [] };
    if (parent !== undefined) append(parent.children, node);
    append(this.#order, node);
    this.#byId.set(message.id, node);
    this.#current = node;
  }

  /** The messages from the root to this one (default: the current thread). */
  thread(id: string = this.current): ChatMessage[] {
    const upward: ChatMessage[] = [];
    if (id === "" && this.#current === undefined) return upward;
    for (let node: Node | undefined = this.#node(id); node !== undefined; node = node.parent) {
      append(upward, node.message);
    }
    const downward: ChatMessage[] = [];
    for (let i = upward.length - 1; i >= 0; i--) append(downward, upward[i]!);
    return downward;
  }

  /** The messages right under this one, in order of addition. */
  children(id: string): ChatMessage[] {
    const { children } = this.#node(id);
    const messages: ChatMessage[] = [];
    for (let i = 0; i < children.length; i++) append(messages, children[i]!.message);
    return messages;
  }

  /** A new tree that holds the thread to this message (default: the current thread) and nothing else. */
  fork(id: string = this.current): ConversationTree {
    const copy = new ConversationTree();
    const thread = this.thread(id);
    for (let i = 0; i < thread.length; i++) copy.add(thread[i]!);
    return copy;
  }

  /** Sets these keys of a message's metadata, leaves the others, and sets `lastUpdate`. False for an unknown id. */
  updateMetadata(id: string, patch: Record<string, unknown>, time: string): boolean {
    const node = this.#byId.get(id);
    if (node === undefined) return false;
    const message = bare(node.message);
    message.lastUpdate = time;
    message.metadata = bare(message.metadata);
    const keys = ObjectKeys(patch);
    for (let i = 0; i < keys.length; i++) define(message.metadata, keys[i]!, patch[keys[i]!]);
    node.message = message;
    return true;
  }

  /** The whole tree, in order of addition. The objects have no prototype. */
  snapshot(): ConversationSnapshot {
    const messages: ChatMessage[] = [];
    for (let i = 0; i < this.#order.length; i++) append(messages, this.#order[i]!.message);
    return bare<ConversationSnapshot>({ type: "conversation", current: this.current, messages });
  }

  /**
   * The tree of a snapshot. A message whose `parentID` names none before it joins the message before it: that is where
   * the thread ended when it was added, unless a snapshot with another `current` had been read in between.
   *
   * @throws {GeppettoError} ConversationError for an id that comes twice, and for a `current` that names no message.
   */
  static fromSnapshot({ messages, current }: ConversationSnapshot): ConversationTree {
    const tree = new ConversationTree();
    for (let i = 0; i < messages.length; i++) {
      const message = messages[i]!;
      if (tree.has(message.id)) refuse(`messages[${i}].id must be unique, got ${showValue(message.id)} a second time`);
      tree.add(message);
    }
    if (tree.#current !== undefined) {
      tree.#current =
        tree.#byId.get(current) ?? refuse(`current must be the id of a message, got ${showValue(current)}`);
    } else if (current !== "") refuse(`current must be "" where there are no messages, got ${showValue(current)}`);
    return tree;
  }

  #node(id: string): Node {
    return this.#byId.get(id) ?? refuse(`no message has the id ${showValue(id)}`);
  }
}

const TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;
// RegExp.prototype.test looks `exec` up on the expression: its own one cannot be replaced from outside.
define(TIME, "exec", TIME.exec);
const parseDate = SafeDate.parse;

/** Milliseconds since 1970 for an RFC 3339 time, cut to whole ones; undefined for any other text. */
export function timeToMs(text: string): number | undefined {
  if (!RegExpTest(TIME, text)) return undefined;
  const whole = StringToUpperCase(StringSlice(text, 0, 19));
  const utc = parseDate(`${whole}Z`);
  // Date.parse takes February 30 for March 1, and hour 24 for the next day.
  if (!NumberIsFinite(utc) || StringSlice(DateToISOString(new SafeDate(utc)), 0, 19) !== whole) return undefined;
  return parseDate(StringToUpperCase(text));
}

/** Deepest nesting of metadata and tool input: around it, a snapshot and a frame still have room. */
const MAX_DEPTH = MAX_VALUE_DEPTH / 2;

/** The prototype of plain objects as scripts know them. */
export const PLAIN: object = ObjectGetPrototypeOf({});

/**
 * A copy of plain data: null, booleans, finite numbers, strings, arrays, plain objects and what `toJSON` turns into
 * these (dates do). The objects of the copy have `prototype` (default: none); keys that hold undefined are left out.
 *
 * @throws {GeppettoError} ConversationError naming the place of anything else.
 */
export function copyPlain(value: unknown, path: string, prototype: object | null = null, depth = 0): unknown {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  // JSON has no -0.
  if (typeof value === "number" && NumberIsFinite(value)) return value === 0 ? 0 : value;
  if (typeof value !== "object") return refuse(`${path} must be plain data, got ${showValue(value)}`);
  if (depth > MAX_DEPTH) refuse(`${path} must be plain data, got one that is nested too deeply or refers to itself`);
  if (isArray(value)) {
    const list: unknown[] = [];
    if (value.length > MAX_FRAME_CHARS) refuse(`${path} must be plain data, got ${value.length} elements`);
    for (let i = 0; i < value.length; i++) append(list, copyPlain(value[i], `${path}[${i}]`, prototype, depth + 1));
    return list;
  }
  const source = value as Record<string, unknown>;
  const toJSON = jsonMethod(source);
  if (typeof toJSON === "function") return copyPlain(ReflectApply(toJSON, value, []), path, prototype, depth + 1);
  const parent = ObjectGetPrototypeOf(value);
  if (parent !== null && parent !== PLAIN) refuse(`${path} must be plain data, got an instance of a class`);
  const copy: Record<string, unknown> = ObjectCreate(prototype);
  const keys = ObjectKeys(source);
  for (let i = 0; i < keys.length; i++) {
    const item = source[keys[i]!];
    if (item !== undefined) define(copy, keys[i]!, copyPlain(item, `${path}.${keys[i]}`, prototype, depth + 1));
  }
  return copy;
}

/** These fields as an object without a prototype, which nobody can add fields to from outside. */
export function bare<T extends object>(fields: T): T {
  const record: T = ObjectCreate(null);
  const keys = ObjectKeys(fields);
  for (let i = 0; i < keys.length; i++) define(record, keys[i]!, fields[keys[i] as keyof T]);
  return record;
}

export function define(target: object, key: string, value: unknown): void {
  const descriptor = { __proto__: null, value, writable: true, enumerable: true, configurable: true };
  ObjectDefineProperty(target, key, descriptor as PropertyDescriptor);
}

// The readers take what a script gave and the place that errors name; each throws a ConversationError.

export function readEach<T>(value: unknown, path: string, read: (item: unknown, path: string) => T): T[] {
  const list = readList(value, path);
  const items: T[] = [];
  for (let i = 0; i < list.length; i++) append(items, read(list[i], `${path}[${i}]`));
  return items;
}

function readList(value: unknown, path: string): unknown[] {
  return isArray(value) ? value : refuse(`${path} must be an array, got ${showValue(value)}`);
}

export function readRecord(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !isArray(value)) return value as Record<string, unknown>;
  return refuse(`${path} must be an object, got ${showValue(value)}`);
}

export function readString(value: unknown, path: string): string {
  return typeof value === "string" ? value : refuse(`${path} must be a string, got ${showValue(value)}`);
}

export function readName(value: unknown, path: string): string {
  return readString(value, path) || refuse(`${path} must not be empty`);
}

export function readRole(value: unknown, path: string): Role {
  for (let i = 0; i < ROLES.length; i++) if (value === ROLES[i]) return value as Role;
  return refuse(`${path} must be "system", "developer", "assistant", "user" or "tool", got ${showValue(value)}`);
}

export function copyRecord(value: unknown, path: string): Record<string, unknown> {
  return copyPlain(readRecord(value, path), path) as Record<string, unknown>;
}

/** RFC 3339 text, kept as it is given; a `Date` becomes UTC. Leap seconds are refused: a `Date` cannot hold them. */
export function readTime(value: unknown, path: string): string {
  const ms = dateMs(value);
  const text = NumberIsFinite(ms) ? DateToISOString(value) : value;
  if (typeof text === "string" && timeToMs(text) !== undefined) return text;
  return refuse(`${path} must be an RFC 3339 time such as "2024-01-01T00:00:00Z", got ${showValue(value)}`);
}

function dateMs(value: unknown): number | undefined {
  try {
    return DateGetTime(value);
  } catch {
    return undefined;
  }
}

/** @throws {GeppettoError} ConversationError, always. */
export function refuse(message: string): never {
  throw new GeppettoError("ConversationError", message);
}

/** A few words for any value, to go into an error: never long, and never by a method of the value's. */
export function showValue(value: unknown): string {
  if (typeof value === "string") return JSONStringify(value.length > 60 ? `${StringSlice(value, 0, 60)}…` : value);
  if (typeof value === "object" && value !== null) return isArray(value) ? "an array" : "an object";
  if (typeof value === "function" || typeof value === "symbol" || typeof value === "bigint") return `a ${typeof value}`;
  return SafeString(value);
}
