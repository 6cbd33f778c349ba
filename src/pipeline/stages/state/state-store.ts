import type { PipelineMessage } from "../../elements/element.ts";

export interface LoadOptions {
  /** The last so many messages; default all. */
  limit?: number;
}

/**
 * Keeps conversations, each a list of messages under an id. Messages come back as they were given, in order. Every
 * change is whole or does not happen, and others see it at once. All methods reject with a StageError when the store
 * cannot be used, and after {@link close}.
 */
export interface StateStore {
  /** None for a conversation that is not there. */
  load(id: string, options?: LoadOptions): Promise<PipelineMessage[]>;
  /** Puts these messages in the place of what is there. */
  save(id: string, messages: readonly PipelineMessage[]): Promise<void>;
  /** Adds these messages at the end. */
  append(id: string, messages: readonly PipelineMessage[]): Promise<void>;
  /** False where there was none. */
  delete(id: string): Promise<boolean>;
  /** Idempotent. */
  close(): Promise<void>;
}
