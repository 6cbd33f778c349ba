import { GeppettoError } from "../../../shared/errors.ts";
import type { PipelineMessage } from "../../elements/element.ts";
import { toJsonSafe } from "./json-safe.ts";
import type { LoadOptions, StateStore } from "./state-store.ts";

export interface MemoryStateStoreOptions {
  /** Most conversations; the one that was not used for longest goes. Default 10,000. */
  maxConversations?: number;
}

/** Keeps conversations as long as the process lives. */
export class MemoryStateStore implements StateStore {
  readonly #maxConversations: number;
  /** The least recently used first. */
  readonly #conversations = new Map<string, PipelineMessage[]>();
  #isClosed = false;

  constructor({ maxConversations = 10_000 }: MemoryStateStoreOptions = {}) {
    this.#maxConversations = maxConversations;
  }

  async load(id: string, { limit = Infinity }: LoadOptions = {}): Promise<PipelineMessage[]> {
    const found = this.#use(id);
    return structuredClone(limit < found.length ? found.slice(found.length - limit) : found);
  }

  async save(id: string, messages: readonly PipelineMessage[]): Promise<void> {
    this.#use(id);
    this.#keep(id, copyOf(messages));
  }

  async append(id: string, messages: readonly PipelineMessage[]): Promise<void> {
    this.#keep(id, [...this.#use(id), ...copyOf(messages)]);
  }

  async delete(id: string): Promise<boolean> {
    this.#use(id);
    return this.#conversations.delete(id);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#conversations.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #use(id: string): PipelineMessage[] {
    if (this.#isClosed) throw new GeppettoError("StageError", "Cannot use the state store: it has been closed");
    const found = this.#conversations.get(id);
    if (found === undefined) return [];
    this.#conversations.delete(id);
    this.#conversations.set(id, found);
    return found;
  }

  #keep(id: string, messages: PipelineMessage[]): void {
    this.#conversations.set(id, messages);
    if (this.#conversations.size <= this.#maxConversations) return;
    const [oldest] = this.#conversations.keys();
    this.#conversations.delete(oldest!);
  }
}

/** The same for all stores: what one keeps is what JSON can carry. */
function copyOf(messages: readonly PipelineMessage[]): PipelineMessage[] {
  return messages.map((message) => toJsonSafe(message) as PipelineMessage);
}
