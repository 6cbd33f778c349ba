import type { Logger } from "../base/logger.ts";
import type { Publisher, Subscriber } from "./bus.ts";
import { Router } from "./router.ts";

export interface ForwardTopicOptions {
  /** A name, or a pattern, each message of which keeps its own name. */
  topic: string;
  from: Subscriber;
  to: Publisher;
  /** What a topic is called on the other side; default the same. */
  rename?: (topic: string) => string;
  logger?: Logger;
}

/**
 * Carries the messages of a topic on to another publisher, in order and with their uuid and metadata; for example what
 * an engine publishes in memory to a server that other processes subscribe to. A message is acked when the other side
 * has taken it, so that a slow one slows the publisher. Resolves when it is subscribed; the result stops it.
 *
 * @example
 * await using forwarding = await forwardTopic({ topic: "step.*", from: engine.bus, to: nats });
 */
export async function forwardTopic(
  options: ForwardTopicOptions,
): Promise<AsyncDisposable & { close(): Promise<void> }> {
  const { topic, from, to, rename = (name) => name, logger } = options;
  const router = new Router(logger === undefined ? {} : { logger });
  router.addHandler(`forward ${topic}`, topic, from, async ({ topic: name, payload, uuid, metadata }, { signal }) => {
    await to.publish(rename(name), payload, { uuid, metadata, signal });
  });
  void router.run().catch(() => {});
  await router.running();
  return router;
}
