import type { ChatEvent, ChatEventOf, NoticeEvent } from "./chat-events.ts";
import type { Message } from "./message.ts";

/** What a method is told beside its event. */
export interface ChatEventContext {
  readonly message: Message;
  /** Aborted when nobody waits for the method any more. */
  readonly signal: AbortSignal;
}

type On<E extends ChatEvent> = (event: E, context: ChatEventContext) => void | Promise<void>;

/**
 * What is to be done for each type of event; a type without a method is passed over. A run's events come in order, each
 * when the method for the one before has resolved; one that throws gets its event again.
 */
export interface ChatEventHandler {
  handleStart?: On<ChatEventOf<"start">>;
  handlePartialCompletion?: On<ChatEventOf<"partial">>;
  /** What the model thinks; no part of its text. */
  handleReasoning?: On<ChatEventOf<"reasoning">>;
  handleToolCall?: On<ChatEventOf<"tool-call">>;
  handleToolResult?: On<ChatEventOf<"tool-result">>;
  /** The model is asked with fewer messages than the chat has. */
  handleContext?: On<ChatEventOf<"context">>;
  /** How far a call of an MCP server has come. */
  handleProgress?: On<ChatEventOf<"progress">>;
  /** What an MCP server logs of a call. */
  handleLog?: On<ChatEventOf<"log">>;
  handleFinal?: On<ChatEventOf<"final">>;
  handleError?: On<ChatEventOf<"error">>;
  handleInterrupt?: On<ChatEventOf<"interrupt">>;
  handleText?: On<NoticeEvent & { type: "text" }>;
  handleStatus?: On<NoticeEvent & { type: "status" }>;
}

/** Calls the method of `handler` that is for the event's type. */
export async function dispatchChatEvent(
  handler: ChatEventHandler,
  event: ChatEvent,
  context: ChatEventContext,
): Promise<void> {
  switch (event.type) {
    case "start":
      return handler.handleStart?.(event, context);
    case "partial":
      return handler.handlePartialCompletion?.(event, context);
    case "reasoning":
      return handler.handleReasoning?.(event, context);
    case "tool-call":
      return handler.handleToolCall?.(event, context);
    case "tool-result":
      return handler.handleToolResult?.(event, context);
    case "context":
      return handler.handleContext?.(event, context);
    case "progress":
      return handler.handleProgress?.(event, context);
    case "log":
      return handler.handleLog?.(event, context);
    case "final":
      return handler.handleFinal?.(event, context);
    case "error":
      return handler.handleError?.(event, context);
    case "interrupt":
      return handler.handleInterrupt?.(event, context);
    case "text":
      return handler.handleText?.({ ...event, type: "text" }, context);
    case "status":
      return handler.handleStatus?.({ ...event, type: "status" }, context);
  }
}
