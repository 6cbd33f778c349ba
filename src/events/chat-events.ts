import type { EventMeta, EventStep, StepEvent } from "../shared/step-events.ts";

/**
 * A plain notice beside the events of runs: `text` for a reader, `status` about the state of something. Who publishes
 * one says as much of its origin as there is.
 */
export interface NoticeEvent {
  type: "text" | "status";
  text: string;
  meta?: EventMeta;
  step?: EventStep;
  seq?: number;
  /** Milliseconds since the epoch. */
  time?: number;
}

/** Whatever may arrive on the topic of a step. */
export type ChatEvent = StepEvent | NoticeEvent;

export type ChatEventType = ChatEvent["type"];

/** The event of one type. */
export type ChatEventOf<T extends ChatEventType> = Extract<ChatEvent, { type: T }>;
