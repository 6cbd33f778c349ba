import type { Publisher } from "../bus.ts";
import { UNDECODABLE } from "../message.ts";
import type { Middleware } from "../handler.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";

/** What the poison queue adds to a message's metadata. */
export const POISON = {
  reason: "reason_poisoned",
  topic: "topic_poisoned",
  handler: "handler_poisoned",
  uuid: "uuid_poisoned",
} as const;

export interface PoisonQueueOptions {
  /** Which failures go to the poison queue; others stay failures. Default all. */
  shouldPoison?: (error: unknown) => boolean;
}

/**
 * Publishes a message that could not be handled to `topic`, with the reason in its metadata, and lets it count as
 * handled, so that it holds up nothing. Put it outside of `retry`. Where publishing fails too, the message has failed.
 */
export function poisonQueue(publisher: Publisher, topic: string, options: PoisonQueueOptions = {}): Middleware {
  refuseWrong("set messages aside", options, { shouldPoison: true });
  const { shouldPoison = () => true } = options;
  return (next) => async (message, context) => {
    try {
      return await next(message, context);
    } catch (error) {
      // What was cut off by a stop is to come again, it is not at fault; and poison is not poisoned again.
      if (context.signal.aborted || message.topic === topic || !shouldPoison(error)) throw error;
      // The payload is the text as it came, which whoever looks after the queue can read.
      const { [UNDECODABLE]: _, ...others } = message.metadata;
      const metadata = {
        ...others,
        [POISON.reason]: error instanceof Error ? error.message : String(error),
        [POISON.topic]: message.topic,
        [POISON.handler]: context.handler,
        [POISON.uuid]: message.uuid,
      };
      await publisher.publish(topic, message.payload, { metadata });
      return [];
    }
  };
}
