import type { ConsumerMessages } from "@nats-io/jetstream";
import type { QueuedIterator } from "@nats-io/transport-node";
import type { KvWatchEntry } from "@nats-io/kv";
import { isExecutionId } from "../journal/executions/execution-errors.ts";
import type { Journal } from "../journal/executions/journal.ts";
import { streamNames } from "../journal/executions/nats/stream-names.ts";
import type { GeppettoError } from "../shared/errors.ts";
import { idOfKey } from "./queue/job-names.ts";
import { isGone, type JobQueue } from "./queue/job-queue.ts";

/** How often timers are looked at, in milliseconds. */
const SWEEP_MS = 100;
/** How often the server is to say that it knows of what is listened with, in milliseconds. It is missed after two of them. */
const HEARTBEAT_MS = 5000;
/** A box that one worker reads for all: how long another one waits before it reads a message again, in nanoseconds. */
const ACK_WAIT_NS = 10e9;

/**
 * Puts suspended executions back into the queue: when their time has come, and when they were answered. Every worker knows
 * all timers; of several that ring at a time one counts. Messages are looked at by one worker each.
 */
export class ExecutionAlarms {
  readonly #queue: JobQueue;
  readonly #journal: Journal;
  readonly #prefix: string;
  readonly #onError: (error: unknown) => void;
  readonly #due = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #timers: QueuedIterator<KvWatchEntry> | undefined;
  #messages: ConsumerMessages | undefined;
  #isSweeping = false;

  constructor(queue: JobQueue, journal: Journal, prefix: string, onError: (error: unknown) => void) {
    this.#queue = queue;
    this.#journal = journal;
    this.#prefix = prefix;
    this.#onError = onError;
  }

  async open(): Promise<void> {
    // One after the other: where one is refused, the other is not opened beside what is tried next.
    await this.#watchTimers();
    await this.#watchMessages();
    this.#timer ??= setInterval(() => void this.#sweep(), SWEEP_MS);
  }

  /** The connection was lost for a while: what was listened with may be gone. */
  async reopen(): Promise<void> {
    this.#stop();
    await this.open();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#stop();
  }

  /** Puts it back if it is suspended, and has been answered or is due. */
  async putBack(id: string): Promise<void> {
    const facts = await this.#journal.get(id);
    if (facts?.state !== "suspended" || facts.isDamaged) return;
    const isDue = facts.dueAt !== undefined && facts.dueAt <= Date.now();
    if (!facts.isAnswered && !isDue) return;
    const job = await this.#queue.job(id);
    if (job !== undefined) await this.#queue.push(job, `attempt ${facts.attempt + 1}`);
  }

  /** What cannot be read, now or later, keeps no other one waiting. */
  async #putBackIfSound(id: string): Promise<void> {
    try {
      if (isExecutionId(id)) await this.putBack(id);
    } catch (error) {
      if ((error as GeppettoError).code !== "ERR_VALIDATION") throw error;
      this.#onError(error);
    }
  }

  #stop(): void {
    this.#timers?.stop();
    this.#messages?.stop();
    this.#timers = undefined;
    this.#messages = undefined;
  }

  async #watchTimers(): Promise<void> {
    const timers = await this.#queue.link.ask(() => this.#queue.timers.watch());
    this.#timers?.stop();
    this.#timers = timers;
    this.#due.clear();
    void this.#listen(
      timers,
      (entry) => {
        const id = idOfKey(entry.key);
        const dueAt = isGone(entry) ? NaN : Number(entry.string());
        if (Number.isFinite(dueAt)) this.#due.set(id, dueAt);
        else this.#due.delete(id);
      },
      () => (this.#timers === timers ? this.#watchTimers() : undefined),
    );
  }

  async #watchMessages(): Promise<void> {
    const names = streamNames(this.#prefix);
    const { link } = this.#queue;
    const info = await link.ask(() =>
      link.manager.consumers.add(names.box, {
        durable_name: "answers",
        filter_subject: names.told("*", "*"),
        deliver_policy: "all",
        ack_policy: "explicit",
        ack_wait: ACK_WAIT_NS,
      }),
    );
    const messages = await link.client.consumers
      .getConsumerFromInfo(info)
      .consume({ max_messages: 32, idle_heartbeat: HEARTBEAT_MS, abort_on_missing_resource: true });
    this.#messages?.stop();
    this.#messages = messages;
    void this.#listen(
      messages,
      async (message) => {
        await this.#putBackIfSound(names.idOf(message.subject));
        message.ack();
      },
      () => (this.#messages === messages ? this.#watchMessages() : undefined),
    );
  }

  /** What it listened with may end, as where somebody has deleted it: it is opened again, unless that has been done. */
  async #listen<T>(
    source: AsyncIterable<T>,
    hear: (heard: T) => void | Promise<void>,
    openAgain: () => Promise<void> | undefined,
  ): Promise<void> {
    try {
      for await (const heard of source) await hear(heard);
    } catch (error) {
      this.#onError(error);
      await this.#queue.link.insist(async () => openAgain());
    }
  }

  async #sweep(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    try {
      const now = Date.now();
      for (const [id, dueAt] of this.#due) {
        if (dueAt > now) continue;
        await this.#putBackIfSound(id);
        // Nothing is lost where this worker ends between the two: another one puts it back once more.
        await this.#queue.forget("timers", id);
        this.#due.delete(id);
      }
    } catch (error) {
      this.#onError(error);
    } finally {
      this.#isSweeping = false;
    }
  }
}
