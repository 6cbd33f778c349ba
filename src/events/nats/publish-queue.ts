import { createDeferred, type Deferred } from "../../base/deferred.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { MAX_TIMER_MS } from "../../shared/limits.ts";

const MAX_UNDER_WAY = 256;
const RETRY_PAUSE_MS = 100;

export interface QueuedMessage {
  topic: string;
  payload: string;
  uuid: string;
  metadata: string;
}

interface Entry {
  item: QueuedMessage;
  order: number;
  deadline: number;
  published: Deferred<void>;
  /** Why it could not be sent the last time. */
  failure?: unknown;
}

export interface PublishQueueOptions {
  /** Sends one message; resolves when the server has it. Called in order. */
  send(item: QueuedMessage): Promise<void>;
  /** May the same message be sent again after this failure? */
  isRetryable(error: unknown): boolean;
  publishTimeoutMs: number;
}

/**
 * Sends messages in order, many at a time. When some fail it waits until none is under way, and sends those that failed
 * again, in their order, before anything else.
 */
export class PublishQueue {
  readonly #options: PublishQueueOptions;
  #queue: Entry[] = [];
  #failed: Entry[] = [];
  #underWay = 0;
  #order = 0;
  #paused = 0;
  #expiry: NodeJS.Timeout | undefined;
  readonly #drained: Deferred<void>[] = [];

  constructor(options: PublishQueueOptions) {
    this.#options = options;
  }

  async add(item: QueuedMessage, signal: AbortSignal | undefined): Promise<void> {
    const deadline = performance.now() + this.#options.publishTimeoutMs;
    const entry: Entry = { item, order: this.#order++, deadline, published: createDeferred() };
    this.#queue.push(entry);
    const onAbort = (): void => this.#drop(entry, signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#pump();
    try {
      await entry.published.promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Sends nothing until what this returns is called, for example because there is no connection. */
  pause(): () => void {
    this.#paused++;
    this.#expire();
    let resumed = false;
    return () => {
      if (resumed) return;
      resumed = true;
      this.#paused--;
      this.#pump();
    };
  }

  /** Resolves when nothing is to be sent any more. */
  async drained(): Promise<void> {
    if (this.#isIdle()) return;
    const waiting = createDeferred();
    this.#drained.push(waiting);
    await waiting.promise;
  }

  /** Fails what is still to be sent. */
  abandon(error: unknown): void {
    for (const entry of [...this.#queue.splice(0), ...this.#failed.splice(0)]) entry.published.reject(error);
    this.#settled();
  }

  #pump(): void {
    while (this.#paused === 0 && this.#failed.length === 0 && this.#underWay < MAX_UNDER_WAY) {
      const entry = this.#queue.shift();
      if (entry === undefined) return;
      this.#underWay++;
      void this.#send(entry);
    }
    this.#expire();
  }

  async #send(entry: Entry): Promise<void> {
    try {
      await this.#options.send(entry.item);
      entry.published.resolve();
    } catch (error) {
      entry.failure = error;
      const hasTime = performance.now() < entry.deadline;
      if (hasTime && this.#options.isRetryable(error)) this.#failed.push(entry);
      else entry.published.reject(asPublishError(entry));
    }
    this.#underWay--;
    if (this.#failed.length > 0) this.#recover();
    else this.#pump();
    this.#settled();
  }

  #recover(): void {
    if (this.#underWay > 0) return;
    this.#queue = [...this.#failed.splice(0).sort((a, b) => a.order - b.order), ...this.#queue];
    setTimeout(this.pause(), RETRY_PAUSE_MS);
  }

  #drop(entry: Entry, reason: unknown): void {
    const place = this.#queue.indexOf(entry);
    if (place < 0) return;
    this.#queue.splice(place, 1);
    entry.published.reject(reason);
    this.#settled();
  }

  /** While nothing is sent, time runs out all the same. */
  #expire(): void {
    const first = this.#queue[0];
    if (first === undefined || this.#paused === 0 || this.#expiry !== undefined) return;
    const check = (): void => {
      this.#expiry = undefined;
      const now = performance.now();
      for (const entry of this.#queue.filter(({ deadline }) => deadline <= now)) {
        this.#drop(entry, asPublishError(entry));
      }
      this.#expire();
    };
    this.#expiry = setTimeout(check, Math.min(Math.max(10, first.deadline - performance.now()), MAX_TIMER_MS));
  }

  #isIdle(): boolean {
    return this.#queue.length === 0 && this.#failed.length === 0 && this.#underWay === 0;
  }

  #settled(): void {
    if (!this.#isIdle()) return;
    clearTimeout(this.#expiry);
    this.#expiry = undefined;
    for (const waiting of this.#drained.splice(0)) waiting.resolve();
  }
}

function asPublishError({ item, failure }: Entry): GeppettoError {
  const error: unknown = failure ?? new Error("there is no connection");
  if (error instanceof GeppettoError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new GeppettoError("StepError", `Cannot publish to topic "${item.topic}": ${text}`, {
    code: "ERR_PUBLISH",
    isTransient: true,
    cause: error,
  });
}
