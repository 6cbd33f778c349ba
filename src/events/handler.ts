import type { FieldsOf } from "../shared/wrong-option.ts";
import type { Publisher, SubscribeOptions } from "./bus.ts";
import type { Message, MessageMetadata } from "./message.ts";

/** A message that a handler has made, to be published. */
export interface OutgoingMessage {
  payload: unknown;
  uuid?: string;
  metadata?: MessageMetadata;
  /** What it counts against a subscription's byte window. */
  bytes?: number;
}

export interface HandlerContext {
  /** The handler's name. */
  readonly handler: string;
  /** The topic, or pattern, that the handler is subscribed to. */
  readonly topic: string;
  /** Aborted when what the handler does is for nobody any more: the router gave up waiting, or a time-out. */
  readonly signal: AbortSignal;
}

/** Handles one message and returns what is to be published for it. Resolving acks the message, rejecting nacks it. */
export type Handle = (message: Message, context: HandlerContext) => Promise<readonly OutgoingMessage[]>;

/** A handler as a user writes it. */
export type HandleFunction = (
  message: Message,
  context: HandlerContext,
) => readonly OutgoingMessage[] | void | Promise<readonly OutgoingMessage[] | void>;

/** Wraps a handler in another. The first one that is added is the outermost. */
export type Middleware = (next: Handle) => Handle;

export interface HandlerOptions {
  /** Where the messages go that the handler returns; without it, it may return none. */
  publishTo?: { publisher: Publisher; topic: string };
  /** Most messages that the handler works on at a time; default 1, which keeps their order. */
  concurrency?: number;
  subscribe?: SubscribeOptions;
  /** Inside those of the router. */
  middleware?: readonly Middleware[];
}

export const HANDLER_FIELDS: FieldsOf<HandlerOptions> = {
  publishTo: true,
  concurrency: "count",
  subscribe: true,
  middleware: true,
};
