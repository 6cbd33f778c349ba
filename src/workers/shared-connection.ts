import { setTimeout as sleep } from "node:timers/promises";
import { GeppettoError } from "../shared/errors.ts";
import type { Journal } from "../journal/executions/journal.ts";
import { NatsJournal } from "../journal/executions/nats/nats-journal.ts";
import type { NatsAccess } from "../journal/executions/nats/nats-options.ts";
import { ACK_WAIT_MS, JobQueue } from "./queue/job-queue.ts";

/** Before a server that has just gone is asked for one more connection, in ms. */
const PAUSE_MS = 100;

interface Connected {
  queue: JobQueue;
  /** Opened on use: it has a thread and a connection of its own. */
  journal(): Promise<Journal>;
  close(): Promise<void>;
}

/** What those who submit and follow have open, by the server that it leads to, and how many use it. */
const open = new Map<string, { connected: Promise<Connected>; users: number }>();

/** A queue and a journal on a server: one for all of this process that use them at a time. */
export class SharedConnection implements AsyncDisposable {
  readonly queue: JobQueue;
  readonly #connected: Connected;
  readonly #key: string;
  #isClosed = false;

  private constructor(key: string, connected: Connected) {
    this.#key = key;
    this.#connected = connected;
    this.queue = connected.queue;
  }

  /** @throws {GeppettoError} ERR_NATS; ERR_JOURNAL. */
  journal(): Promise<Journal> {
    return this.#connected.journal();
  }

  /** @throws {GeppettoError} ERR_NATS; ERR_MISSING_PACKAGE; ERR_JOURNAL. */
  static async open(nats: NatsAccess): Promise<SharedConnection> {
    const key = JSON.stringify(nats);
    let entry = open.get(key);
    if (entry === undefined) open.set(key, (entry = { connected: connect(nats), users: 0 }));
    entry.users++;
    try {
      return new SharedConnection(key, await entry.connected);
    } catch (error) {
      if (open.get(key) === entry) open.delete(key);
      throw error;
    }
  }

  /** The last one to leave closes it. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    const entry = open.get(this.#key);
    if (this.#isClosed || entry === undefined) return;
    this.#isClosed = true;
    if (--entry.users > 0) return;
    open.delete(this.#key);
    await this.#connected.close();
  }
}

async function connect(nats: NatsAccess): Promise<Connected> {
  const queue = await JobQueue.open(nats);
  let journal: Promise<Journal> | undefined;
  return {
    queue,
    journal: () => {
      if (journal === undefined) {
        journal = openJournal(nats, queue);
        journal.catch(() => (journal = undefined));
      }
      return journal;
    },
    close: async () => {
      await (await journal?.catch(() => {}))?.close();
      await queue[Symbol.asyncDispose]();
    },
  };
}

/** A server that has gone since the queue was opened is waited for, as the queue itself waits for it. */
async function openJournal(nats: NatsAccess, { link }: JobQueue): Promise<Journal> {
  const deadline = performance.now() + link.patienceMs;
  for (;;) {
    try {
      return await NatsJournal.open({ ...nats, silenceMs: ACK_WAIT_MS });
    } catch (error) {
      const isAway = error instanceof GeppettoError && error.code === "ERR_NATS";
      if (!isAway || link.isClosed || performance.now() > deadline) throw error;
      await sleep(PAUSE_MS);
    }
  }
}
