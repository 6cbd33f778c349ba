export type { Bus, Publisher, PublishOptions, SubscribeOptions, Subscriber, Subscription } from "./bus.ts";
export { SEQUENCE_NUMBER, UNDECODABLE, type Message, type MessageMetadata } from "./message.ts";
export { MemoryPubSub, type MemoryPubSubOptions } from "./memory-pub-sub.ts";
export type { KeepOptions } from "./kept-messages.ts";
export type { Handle, HandleFunction, HandlerContext, HandlerOptions, Middleware, OutgoingMessage } from "./handler.ts";
export { Router, type RouterOptions } from "./router.ts";
export type { RouterHandler } from "./router-handler.ts";
export { CORRELATION_ID, correlationId } from "./middleware/correlation-id.ts";
export { deduplicator, type DeduplicatorOptions } from "./middleware/deduplicator.ts";
export { duplicator } from "./middleware/duplicator.ts";
export { RouterMetrics, type HandlerMetrics } from "./middleware/metrics.ts";
export { POISON, poisonQueue, type PoisonQueueOptions } from "./middleware/poison-queue.ts";
export { recoverer } from "./middleware/recoverer.ts";
export { retry, type RetryMiddlewareOptions } from "./middleware/retry.ts";
export { throttle } from "./middleware/throttle.ts";
export { timeout } from "./middleware/timeout.ts";
export { PublisherManager } from "./publisher-manager.ts";
export { forwardTopic, type ForwardTopicOptions } from "./forward-topic.ts";
export type { ChatEvent, ChatEventOf, ChatEventType, NoticeEvent } from "./chat-events.ts";
export type { ChatEventContext, ChatEventHandler } from "./chat-event-handler.ts";
export { eventFromJSON } from "./event-from-json.ts";
export { EventRouter, type EventHandle, type EventRouterOptions, type EventSource } from "./event-router.ts";
export { createEventPrinter, type EventPrinterOptions } from "./event-printer.ts";
export type * from "../shared/step-events.ts";

/** The zod schemas of the events, by type. zod is loaded with the first call. */
export async function loadEventSchemas(): Promise<typeof import("./event-schemas.ts").eventSchemas> {
  return (await import("./event-schemas.ts")).eventSchemas;
}
