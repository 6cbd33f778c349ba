import { onTestFinished } from "vitest";
import { MemoryPubSub, Router, type Message, type RouterOptions } from "../../src/events/index.ts";

/** A router on a bus, both closed after the test, and what it logs. */
export function setUp(options: RouterOptions = {}): {
  bus: MemoryPubSub;
  router: Router;
  log: string[];
  run(): Promise<void>;
} {
  const log: string[] = [];
  const bus = new MemoryPubSub();
  const logger = { warn: (text: string) => void log.push(text), error: (text: string) => void log.push(text) };
  const router = new Router({ logger, nackDelayMs: 1, ...options });
  onTestFinished(async () => {
    await router.close().catch(() => {});
    bus.close();
  });
  const run = async (): Promise<void> => {
    void router.run().catch(() => {});
    await router.running();
  };
  return { bus, router, log, run };
}

/** Collects what is published to a topic. */
export function collect(bus: MemoryPubSub, topic: string): Message[] {
  const messages: Message[] = [];
  void (async () => {
    for await (const message of bus.subscribe(topic)) {
      messages.push(message);
      message.ack();
    }
  })();
  return messages;
}

export const payloads = (messages: Message[]): unknown[] => messages.map(({ payload }) => payload);
