import { abortable } from "../../../base/abortable.ts";
import { GeppettoError } from "../../../shared/errors.ts";
import {
  isControl,
  messageElement,
  type PipelineMessage,
  type StreamElement,
  withMetadata,
} from "../../elements/element.ts";
import type { Stage } from "../../stage.ts";
import type { StateStore } from "./state-store.ts";

export interface StateStoreLoadOptions {
  store: StateStore;
  /** Default what `metadata.conversationId` of the first element says. */
  conversationId?: string;
  /** The last so many messages; default all. */
  limit?: number;
}

export interface StateStoreSaveOptions {
  store: StateStore;
  /** Default what `metadata.conversationId` of the messages says. */
  conversationId?: string;
  /** The roles whose messages are stored; default user, assistant and tool: system messages are made anew each time. */
  roles?: readonly string[];
}

const DEFAULT_ROLES = ["user", "assistant", "tool"];
/** Messages that wait to be stored; more than that is a stream in which nobody sends an `end-of-turn`. */
const MAX_UNSAVED_MESSAGES = 10_000;

/**
 * Hands on the messages of a stored conversation before everything else, marked with `metadata.history`, and then what
 * comes, marked with `metadata.conversationId`. An execution is of one conversation: a second id in its metadata ends it with a ValidationError, as does none.
 */
export function stateStoreLoad(name: string, { store, conversationId, limit }: StateStoreLoadOptions): Stage {
  requireStore(name, store);
  return {
    name,
    type: "transform",
    async process(input, output, { signal }) {
      const conversation = new Conversation(name, conversationId);
      let hasLoaded = false;
      const load = async (first: StreamElement | undefined): Promise<void> => {
        hasLoaded = true;
        const messages = store.load(conversation.id, limit === undefined ? {} : { limit });
        // A prompt that is assembled of all this begins with the first message, and may need them.
        const variables = first?.metadata["variables"];
        const metadata = {
          history: true,
          conversationId: conversation.id,
          ...(variables === undefined ? {} : { variables }),
        };
        for (const message of await abortable(messages, signal))
          await output.write(messageElement(message, { metadata }));
      };
      for await (const element of input) {
        if (isControl(element)) await output.write(element);
        else {
          conversation.note(element);
          if (!hasLoaded) await load(element);
          const isMarked = element.metadata["conversationId"] !== undefined;
          await output.write(isMarked ? element : withMetadata(element, { conversationId: conversation.id }));
        }
      }
      if (!hasLoaded && conversationId !== undefined) await load(undefined);
    },
  };
}

/**
 * Stores the messages that come by, in order, and hands everything on. They are stored together at each `end-of-turn`
 * and `end-of-stream`, before that end is handed on; an exchange that is cut short stores nothing. What {@link stateStoreLoad}
 * has loaded is not stored again.
 */
export function stateStoreSave(
  name: string,
  { store, conversationId, roles = DEFAULT_ROLES }: StateStoreSaveOptions,
): Stage {
  requireStore(name, store);
  return {
    name,
    type: "transform",
    async process(input, output, { signal }) {
      const conversation = new Conversation(name, conversationId);
      let unsaved: PipelineMessage[] = [];
      const save = async (): Promise<void> => {
        if (unsaved.length === 0) return;
        const messages = unsaved;
        unsaved = [];
        signal.throwIfAborted();
        await abortable(store.append(conversation.id, messages), signal);
      };
      for await (const element of input) {
        if (!isControl(element)) conversation.note(element);
        if (element.kind === "message" && isNew(element) && roles.includes(roleOf(element.message))) {
          if (unsaved.push(element.message) > MAX_UNSAVED_MESSAGES) throw tooManyMessages(name);
        } else if (element.kind === "end-of-turn" || element.kind === "end-of-stream") await save();
        await output.write(element);
      }
      await save();
    },
  };
}

/** Which conversation an execution is of. */
class Conversation {
  readonly #stage: string;
  #id: string | undefined;

  constructor(stage: string, id: string | undefined) {
    this.#stage = stage;
    this.#id = id;
  }

  /** @throws {GeppettoError} ValidationError where nothing has named it. */
  get id(): string {
    if (this.#id !== undefined) return this.#id;
    throw new GeppettoError(
      "ValidationError",
      `Cannot find the conversation of stage "${this.#stage}": set conversationId, or metadata.conversationId`,
    );
  }

  /** @throws {GeppettoError} ValidationError for an element of another conversation, or an invalid id. */
  note({ metadata }: StreamElement): void {
    const given = metadata["conversationId"];
    if (given === undefined) return;
    if (typeof given !== "string" || given === "") {
      throw new GeppettoError(
        "ValidationError",
        "Cannot use metadata.conversationId: it must be a text that is not empty",
      );
    }
    this.#id ??= given;
    if (given === this.#id) return;
    throw new GeppettoError(
      "ValidationError",
      `Cannot take an element of conversation ${JSON.stringify(given)}: this execution belongs to ${JSON.stringify(this.#id)}`,
    );
  }
}

function requireStore(name: string, store: Partial<StateStore> | undefined): void {
  if (typeof store?.load === "function" && typeof store.append === "function") return;
  throw new TypeError(`Cannot make stage "${name}": store must have load() and append()`);
}

function isNew({ metadata }: StreamElement): boolean {
  return metadata["history"] !== true;
}

/** Tool uses and their results belong to the rounds of an answer. */
function roleOf(message: PipelineMessage): string {
  return "role" in message ? message.role : "tool";
}

function tooManyMessages(stage: string): GeppettoError {
  return new GeppettoError(
    "LimitError",
    `Cannot keep more than ${MAX_UNSAVED_MESSAGES} messages without an end of turn in stage "${stage}": send endOfTurnElement()`,
  );
}
