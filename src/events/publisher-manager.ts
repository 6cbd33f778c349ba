import { randomUUID } from "node:crypto";
import { toLogger, type Logger } from "../base/logger.ts";
import type { Publisher, PublishOptions } from "./bus.ts";
import { SEQUENCE_NUMBER } from "./message.ts";

/**
 * Publishes one stream of messages to several publishers and topics at once, each message with its place in the stream
 * under `sequence_number` in its metadata, counted from 0, so that a receiver can restore the order.
 *
 * @example
 * const manager = new PublisherManager();
 * const unregister = manager.registerPublisher("chat", bus);
 * await manager.publish({ type: "text", text: "hello" });
 * unregister();
 */
export class PublisherManager {
  readonly #publishers = new Map<string, Set<Publisher>>();
  readonly #logger: Logger;
  #sequence = 0;

  constructor({ logger }: { logger?: Logger } = {}) {
    this.#logger = toLogger(logger);
  }

  /** The number that the next message gets. */
  get sequenceNumber(): number {
    return this.#sequence;
  }

  /** Has this publisher publish to this topic too; twice is once. Returns what undoes it. */
  registerPublisher(topic: string, publisher: Publisher): () => void {
    const publishers = this.#publishers.get(topic) ?? new Set();
    this.#publishers.set(topic, publishers.add(publisher));
    return () => void this.unregisterPublisher(topic, publisher);
  }

  /** False when it was not registered. */
  unregisterPublisher(topic: string, publisher: Publisher): boolean {
    const publishers = this.#publishers.get(topic);
    const was = publishers?.delete(publisher) ?? false;
    if (publishers?.size === 0) this.#publishers.delete(topic);
    return was;
  }

  topics(): string[] {
    return [...this.#publishers.keys()];
  }

  /**
   * Publishes to everyone; resolves when all have taken the message. One that fails does not keep it from the others.
   *
   * @throws {AggregateError} with what each one that failed threw.
   */
  async publish(payload: unknown, options: PublishOptions = {}): Promise<void> {
    const metadata = { ...options.metadata, [SEQUENCE_NUMBER]: String(this.#sequence++) };
    const uuid = options.uuid ?? randomUUID();
    const publishing = [...this.#publishers].flatMap(([topic, publishers]) =>
      [...publishers].map(async (publisher) => publisher.publish(topic, payload, { ...options, uuid, metadata })),
    );
    const failures = (await Promise.allSettled(publishing)).filter((outcome) => outcome.status === "rejected");
    if (failures.length === 0) return;
    const reasons = failures.map(({ reason }): unknown => reason);
    const text = reasons.map((reason) => (reason instanceof Error ? reason.message : String(reason))).join("; ");
    throw new AggregateError(
      reasons,
      `Cannot publish to ${failures.length} of ${publishing.length} publishers: ${text}`,
    );
  }

  /** Publishes without making anybody wait; failures go to the logger. */
  publishBlind(payload: unknown, options?: PublishOptions): void {
    this.publish(payload, options).catch((error: unknown) => this.#logger.error((error as Error).message));
  }

  /** Forgets every publisher; they stay open. */
  close(): void {
    this.#publishers.clear();
  }
}
