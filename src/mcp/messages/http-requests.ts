import type { JSONRPCMessage, Transport, TransportSendOptions } from "@modelcontextprotocol/client";
import { UNREAD } from "./message-size.ts";

/** Notices and answers that the server has not confirmed: each has a connection of its own. */
const MAX_UNCONFIRMED = 64;
/** Those that wait until there is a connection for them. */
const MAX_WAITING = 1_000;
/** How long it may take to confirm one, in milliseconds. */
const CONFIRM_MS = 30_000;
/** A stream that goes on after the answer it was opened for is ended after so long, in milliseconds. */
const AFTER_ANSWER_MS = 1_000;
/** How long to wait before a stream that has ended is opened again, whatever the server wishes, in milliseconds. */
const MIN_REOPEN_MS = 1_000;
const MAX_REOPEN_MS = 30_000;

/**
 * Opens a stream again when it is time. The package takes the server's word for when that is: at once and for ever, or in
 * weeks, for which the process would not end.
 */
export function reopenInTime(reopen: () => void, wishMs: number): () => void {
  const timer = setTimeout(reopen, Math.min(MAX_REOPEN_MS, Math.max(MIN_REOPEN_MS, wishMs)));
  timer.unref();
  return () => clearTimeout(timer);
}

/**
 * Ends what each request holds open when it is over. The package leaves a request that was given up, and a stream whose
 * answer has come, to the server, which may keep both for ever; and it sends as many answers as a server asks for.
 */
export class HttpRequests {
  readonly #transport: Transport;
  readonly #send: Transport["send"];
  /** Requests that are not answered, by their ids. */
  readonly #open = new Map<unknown, AbortController>();
  readonly #onRequest: () => void;
  #unconfirmed = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param onRequest is told of each message that may be answered */
  constructor(transport: Transport, onRequest: () => void) {
    this.#transport = transport;
    this.#onRequest = onRequest;
    this.#send = transport.send.bind(transport);
    transport.send = (message, options) => this.#sendBounded(message, options);
  }

  /** A request has its answer. */
  noteAnswer(id: unknown): void {
    const request = this.#open.get(id);
    if (request === undefined) return;
    this.#open.delete(id);
    // Most servers end the stream themselves; then its connection is kept.
    setTimeout(() => request.abort(), AFTER_ANSWER_MS).unref();
  }

  async #sendBounded(message: JSONRPCMessage, options: TransportSendOptions = {}): Promise<void> {
    if ("method" in message && "id" in message) return this.#sendRequest(message, options);
    if ("method" in message && message.method === "notifications/cancelled") {
      this.#giveUp(message.params?.["requestId"]);
    }
    if (this.#waiting.length < MAX_WAITING) return this.#sendNotice(message, options);
    // What says that nobody waits any more may be left out; more answers than that are a flood of its own.
    if (!("method" in message)) this.#transport.onerror?.(new Error(UNREAD));
  }

  async #sendRequest(message: JSONRPCMessage & { id: unknown }, options: TransportSendOptions): Promise<void> {
    this.#onRequest();
    const request = new AbortController();
    this.#open.set(message.id, request);
    options.requestSignal?.addEventListener("abort", () => this.#giveUp(message.id), { once: true });
    try {
      await this.#send(message, { ...options, requestSignal: request.signal });
    } catch (error) {
      this.#open.delete(message.id);
      throw error;
    }
  }

  #giveUp(id: unknown): void {
    this.#open.get(id)?.abort();
    this.#open.delete(id);
  }

  async #sendNotice(message: JSONRPCMessage, options: TransportSendOptions): Promise<void> {
    if (this.#unconfirmed >= MAX_UNCONFIRMED) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#unconfirmed++;
    try {
      await this.#send(message, { ...options, requestSignal: AbortSignal.timeout(CONFIRM_MS) });
    } finally {
      // Whose turn it is takes this place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#unconfirmed--;
      else next();
    }
  }
}
