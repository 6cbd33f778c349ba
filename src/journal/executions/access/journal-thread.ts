import { once } from "node:events";
import { createRequire } from "node:module";
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from "node:worker_threads";
import { createDeferred, type Deferred } from "../../../base/deferred.ts";
import { GeppettoError } from "../../../shared/errors.ts";
import { journalFailed } from "../execution-errors.ts";
import type { JournalOp, JournalOps } from "../tables/journal-tables.ts";
import type { JournalAccess } from "./journal-access.ts";
import { JournalListeners, type OnLost, type WatchedChanges } from "./journal-listeners.ts";
import type {
  FromJournalThread,
  NumberedAnswer,
  NumberedRequest,
  SentError,
  ThreadAnswers,
  ToJournalThread,
} from "./thread-messages.ts";

/** How long a thread may take to answer somebody who waits, in milliseconds: longer than it waits for another process. */
const SYNC_WAIT_MS = 60_000;

/** A journal's tables in a thread of their own. What is asked within one turn of the event loop goes there together. */
export class JournalThread implements JournalAccess {
  readonly #worker: Worker;
  readonly #answered: Int32Array<SharedArrayBuffer>;
  readonly #answers: MessagePort;
  readonly #opened = createDeferred();
  readonly #pending = new Map<number, Deferred<unknown>>();
  readonly #listeners: JournalListeners;
  #queue: NumberedRequest[] = [];
  #lastNumber = 0;
  #failure: GeppettoError | undefined;

  private constructor(worker: string, data: object) {
    const { port1, port2 } = new MessageChannel();
    this.#answers = port1;
    this.#answered = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const workerData: ThreadAnswers = { ...data, answered: this.#answered, answers: port2 };
    this.#worker = new Worker(createRequire(import.meta.url).resolve(worker), {
      name: "journal",
      env: {},
      execArgv: [],
      stdout: true,
      stderr: true,
      workerData,
      transferList: [port2],
    });
    this.#worker.on("message", (message: FromJournalThread) => this.#receive(message));
    this.#worker.on("error", (error) => this.#fail(`its thread failed: ${(error as Error).message}`));
    this.#worker.on("exit", () => this.#fail("it is closed"));
    this.#listeners = new JournalListeners({
      watch: (id) => this.#post({ kind: "watch", id }),
      unwatch: (id) => this.#post({ kind: "unwatch", id }),
      hold: (held) => this.#post({ kind: "hold", held }),
      letGo: (held) => this.#post({ kind: "letGo", held }),
    });
  }

  /**
   * Starts the worker of this name with this data.
   *
   * @throws {GeppettoError} as opening the journal does.
   */
  static async open(worker: "#journal-worker" | "#nats-journal-worker", data: object): Promise<JournalThread> {
    const thread = new JournalThread(worker, data);
    await thread.#opened.promise;
    thread.#keepAlive();
    return thread;
  }

  ask<Op extends JournalOp>(op: Op, ...args: Parameters<JournalOps[Op]>): Promise<ReturnType<JournalOps[Op]>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const answer = createDeferred<unknown>();
    const number = ++this.#lastNumber;
    this.#pending.set(number, answer);
    if (this.#queue.length === 0) setImmediate(() => this.#flush());
    this.#queue.push({ number, isSync: false, op, args });
    this.#keepAlive();
    return answer.promise as Promise<ReturnType<JournalOps[Op]>>;
  }

  askSync<Op extends JournalOp>(op: Op, ...args: Parameters<JournalOps[Op]>): ReturnType<JournalOps[Op]> {
    if (this.#failure !== undefined) throw this.#failure;
    const number = ++this.#lastNumber;
    this.#queue.push({ number, isSync: true, op, args });
    Atomics.store(this.#answered, 0, 0);
    this.#flush();
    const answer = this.#waitFor(number);
    if ("error" in answer) throw toError(answer.error);
    return answer.value as ReturnType<JournalOps[Op]>;
  }

  watch(id: string, onChange: () => void, changes: WatchedChanges): () => void {
    const stop = this.#listeners.watch(id, onChange, changes);
    this.#keepAlive();
    return () => {
      stop();
      this.#keepAlive();
    };
  }

  hold(id: string, fence: number, onLost: OnLost): () => void {
    return this.#listeners.hold(id, fence, onLost);
  }

  async close(): Promise<void> {
    if (this.#failure !== undefined) return;
    this.#flush();
    await Promise.allSettled([...this.#pending.values()].map(({ promise }) => promise));
    const exit = once(this.#worker, "exit");
    this.#worker.ref();
    this.#post({ kind: "close" });
    await exit;
  }

  #waitFor(number: number): NumberedAnswer {
    const deadline = performance.now() + SYNC_WAIT_MS;
    for (;;) {
      Atomics.wait(this.#answered, 0, 0, Math.max(0, deadline - performance.now()));
      Atomics.store(this.#answered, 0, 0);
      for (let got = receiveMessageOnPort(this.#answers); got; got = receiveMessageOnPort(this.#answers)) {
        const answer = got.message as NumberedAnswer;
        // One that came too late is not this one's.
        if (answer.number === number) return answer;
      }
      if (performance.now() >= deadline) throw journalFailed("its thread does not answer");
    }
  }

  #flush(): void {
    const requests = this.#queue;
    this.#queue = [];
    if (requests.length > 0) this.#send(requests);
  }

  /** What cannot be copied keeps back nothing else. */
  #send(requests: NumberedRequest[]): void {
    try {
      this.#post({ kind: "requests", requests });
    } catch (error) {
      if (requests.length === 1) this.#refuse(requests[0]!, journalFailed((error as Error).message, error));
      else for (const request of requests) this.#send([request]);
    }
  }

  #refuse({ number, isSync }: NumberedRequest, why: GeppettoError): void {
    if (isSync) throw why;
    this.#pending.get(number)?.reject(why);
    this.#pending.delete(number);
    this.#keepAlive();
  }

  #post(message: ToJournalThread): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromJournalThread): void {
    if (message.kind === "opened") {
      if (message.error === undefined) this.#opened.resolve();
      else this.#fail(toError(message.error));
      return;
    }
    if (message.kind === "answers") {
      for (const answer of message.answers) this.#settle(answer);
      this.#keepAlive();
    }
    this.#listeners.tell(message.news);
  }

  #settle(answer: NumberedAnswer): void {
    const pending = this.#pending.get(answer.number);
    this.#pending.delete(answer.number);
    if ("error" in answer) pending?.reject(toError(answer.error));
    else pending?.resolve(answer.value);
  }

  #fail(reason: string | GeppettoError): void {
    if (this.#failure !== undefined) return;
    const failure = typeof reason === "string" ? journalFailed(reason) : reason;
    this.#failure = failure;
    this.#answers.close();
    this.#opened.promise.catch(() => {});
    this.#opened.reject(failure);
    for (const { reject } of this.#pending.values()) reject(failure);
    this.#pending.clear();
    this.#listeners.wakeAll();
  }

  /** The process lives on while something is asked or watched. */
  #keepAlive(): void {
    if (this.#pending.size > 0 || this.#listeners.areWatching) this.#worker.ref();
    else this.#worker.unref();
  }
}

function toError({ name, message, code, isTransient }: SentError): GeppettoError {
  return new GeppettoError(name, message, { code, isTransient });
}
