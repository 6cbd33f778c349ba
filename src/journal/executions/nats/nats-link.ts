import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { DirectMsgRequest, JetStreamClient, JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import type { NatsConnection, NodeConnectionOptions } from "@nats-io/transport-node";
import { createDeferred, type Deferred } from "../../../base/deferred.ts";
import { loadPackage } from "../../../events/nats/load-package.ts";
import { finalRefusal, NO_STREAM, refusalCode } from "../../../events/nats/refusals.ts";
import { GeppettoError } from "../../../shared/errors.ts";
import { journalFailed, overJournalLimit } from "../execution-errors.ts";
import { isNatsAddress, type NatsAccess } from "./nats-options.ts";

/** How long one request may take, and the pause before it is made again, in milliseconds. */
const REQUEST_MS = 3000;
const PAUSE_MS = 100;
/** The pause before what was refused, and has to be done, is tried again, in milliseconds. */
const INSIST_MS = 500;

/** What the server says when there is no room: of a stream, of an account, of a disk. */
const FULL: ReadonlySet<number> = new Set([10_077, 10_122, 10_023, 10_028, 10_047]);
const WRONG_SEQUENCE: ReadonlySet<number> = new Set([10_071, 10_164]);

/** Somebody else has written meanwhile. */
export class WriteConflict extends Error {}

class Disconnected extends Error {
  override readonly name = "Disconnected";
}

/** What the NATS client throws where it is called in a wrong way. */
const MISUSE: ReadonlySet<string> = new Set(["Error", "TypeError", "SyntaxError", "InvalidArgumentError"]);

/** A connection to a NATS server that may go away and come back. */
export class NatsLink implements AsyncDisposable {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  /** How long a server that is away is waited for, in ms. */
  readonly patienceMs: number;
  readonly #closed = new AbortController();
  /** Who hears when the connection is lost: what was asked over it gets no answer. */
  readonly #listeners = new Set<() => void>();
  /** Resolves when it is back; undefined while there is one. */
  #back: Deferred<void> | undefined;

  private constructor(
    connection: NatsConnection,
    client: JetStreamClient,
    manager: JetStreamManager,
    patienceMs: number,
  ) {
    this.connection = connection;
    this.client = client;
    this.manager = manager;
    this.patienceMs = patienceMs;
    void this.#watch();
  }

  /**
   * @throws {GeppettoError} ConfigError where a package or the file of credentials is missing, and for what is not an address;
   *   ERR_NATS where no server answers, or it has no JetStream.
   */
  static async connect(access: NatsAccess): Promise<NatsLink> {
    const { servers = "127.0.0.1:4222", patienceMs = 30_000 } = access;
    const unfit = [servers].flat().find((server) => !isNatsAddress(server));
    if (unfit !== undefined) throw unusable(`${JSON.stringify(unfit)} is not an address such as host:4222`);
    const transport = await loadPackage(() => import("@nats-io/transport-node"), "@nats-io/transport-node");
    const { jetstream, jetstreamManager } = await loadPackage(() => import("@nats-io/jetstream"), "@nats-io/jetstream");
    const options: NodeConnectionOptions = {
      servers,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      pingInterval: 10_000,
      ...(access.user === undefined ? {} : { user: access.user }),
      ...(access.pass === undefined ? {} : { pass: access.pass }),
      ...(access.token === undefined ? {} : { token: access.token }),
      ...(access.tls === undefined ? {} : { tls: access.tls }),
    };
    if (access.credentials !== undefined)
      options.authenticator = transport.credsAuthenticator(readCredentials(access.credentials));
    let connection: NatsConnection | undefined;
    try {
      connection = await transport.connect(options);
      const manager = await jetstreamManager(connection, { timeout: REQUEST_MS });
      return new NatsLink(connection, jetstream(connection, { timeout: REQUEST_MS }), manager, patienceMs);
    } catch (error) {
      await connection?.close();
      const why = (error as Error).message;
      throw new GeppettoError("StepError", `Cannot connect to NATS at ${String(servers)}: ${why}`, {
        code: "ERR_NATS",
        isTransient: true,
        cause: error,
      });
    }
  }

  get isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  /** Calls this when the connection is lost, until the result is called. */
  onLost(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * What the server answers; one that is away is waited for, and asked again.
   *
   * @throws {WriteConflict}; {GeppettoError} ERR_JOURNAL_LIMIT where there is no room, ERR_JOURNAL.
   */
  async ask<T>(request: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + this.patienceMs;
    for (;;) {
      try {
        if (this.isClosed) throw journalFailed("it is closed");
        if (this.#back !== undefined) await this.#waitForConnection(deadline);
        return await this.#whileConnected(request);
      } catch (error) {
        const final = this.#judge(error);
        if (final !== undefined) throw final;
        if (performance.now() > deadline)
          throw journalFailed(`NATS does not answer: ${(error as Error).message}`, error);
        await sleep(PAUSE_MS, undefined, { signal: this.#closed.signal }).catch(() => {});
      }
    }
  }

  /** Asks until it is answered, or the link is closed; `onRefused` hears each new reason. */
  async insist(request: () => Promise<unknown>, onRefused: (error: Error) => void = () => {}): Promise<void> {
    let reason: string | undefined;
    while (!this.isClosed) {
      try {
        await request();
        return;
      } catch (error) {
        const { message } = error as Error;
        if (message !== reason && !this.isClosed) onRefused(error as Error);
        reason = message;
        await sleep(INSIST_MS, undefined, { signal: this.#closed.signal }).catch(() => {});
      }
    }
  }

  /**
   * What is answered for a stream. Nobody hears what is asked of one that is gone, as where a server is starting: so
   * it is looked for.
   */
  askOf<T>(stream: string, request: () => Promise<T>): Promise<T> {
    return this.ask(() =>
      request().catch(async (error: unknown) => {
        if (this.#judge(error) === undefined) await this.manager.streams.info(stream);
        throw error;
      }),
    );
  }

  /** A message that a stream keeps; null where it has none such. */
  read(stream: string, query: DirectMsgRequest): Promise<StoredMsg | null> {
    return this.askOf(stream, () => this.manager.direct.getMessage(stream, query));
  }

  /**
   * Removes a message; one that is gone already is not an error. Messages are removed one by one: where those of a subject are
   * purged, consumers of nats-server 2.9 pass over all that they have not brought, or heard the ack of, of other subjects.
   */
  async remove(stream: string, seq: number): Promise<void> {
    await this.ask(() =>
      this.manager.streams.deleteMessage(stream, seq, false).catch((error: unknown) => {
        if (refusalCode(error) === undefined) throw error;
      }),
    );
  }

  /** Removes what is kept under a subject, of which the stream keeps the last message only. Was there one? */
  async removeLast(stream: string, subject: string): Promise<boolean> {
    const found = await this.ask(() => this.manager.streams.getMessage(stream, { last_by_subj: subject }));
    if (found === null) return false;
    await this.remove(stream, found.seq);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    await this.connection.close();
  }

  async #whileConnected<T>(request: () => Promise<T>): Promise<T> {
    const answer = createDeferred<T>();
    const stop = this.onLost(() => answer.reject(new Disconnected("the connection was lost")));
    request().then(answer.resolve, answer.reject);
    try {
      return await answer.promise;
    } finally {
      stop();
    }
  }

  async #waitForConnection(deadline: number): Promise<void> {
    const over = new AbortController();
    const timedOut = sleep(Math.max(0, deadline - performance.now()), undefined, { signal: over.signal });
    await Promise.race([this.#back?.promise, timedOut.catch(() => {})]);
    over.abort();
    if (this.#back !== undefined) throw new Disconnected("there is no connection");
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === "disconnect") {
        this.#back ??= createDeferred();
        for (const listener of this.#listeners) listener();
      } else if (type === "reconnect") {
        this.#back?.resolve();
        this.#back = undefined;
      }
    }
    this.#back?.resolve();
  }

  /** What to tell whoever asked; undefined where it may be asked again. */
  #judge(error: unknown): unknown {
    if (error instanceof GeppettoError || error instanceof WriteConflict) return error;
    if (this.isClosed) return journalFailed("it is closed");
    const { name, message } = error as Error;
    if (MISUSE.has(name)) return journalFailed(message, error);
    const code = finalRefusal(error);
    if (code === undefined) return undefined;
    if (WRONG_SEQUENCE.has(code)) return new WriteConflict(message);
    if (FULL.has(code))
      return overJournalLimit("keep what executions do", `the stream on the server is full: ${message}`);
    if (code === NO_STREAM)
      return journalFailed(
        "its stream is gone: somebody has deleted it, or the server has come back without what it kept",
        error,
      );
    return journalFailed(message, error);
  }
}

function readCredentials(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw unusable(`the credentials cannot be read: ${(error as Error).message}`);
  }
}

function unusable(why: string): GeppettoError {
  return new GeppettoError("ConfigError", `Cannot connect to NATS: ${why}`);
}
