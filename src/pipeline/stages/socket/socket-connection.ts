import { setTimeout as sleep } from "node:timers/promises";
import { abortable } from "../../../base/abortable.ts";
import { afterMs } from "../../../base/time/after-ms.ts";
import { GeppettoError } from "../../../shared/errors.ts";
import type { Frame } from "./socket-frames.ts";

/** What of a WebSocket is used: the web's own, Node's global one, and those of the package `ws`, on either side. */
export interface WebSocketLike {
  readonly readyState: number;
  /** Bytes that were sent and have not left yet. */
  readonly bufferedAmount: number;
  binaryType: string;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "open" | "message" | "close" | "error", listener: (event: unknown) => void): void;
  removeEventListener(type: "open" | "message" | "close" | "error", listener: (event: unknown) => void): void;
  /** Those of `ws` can be told to read no further. */
  readonly isPaused?: boolean;
  pause?(): void;
  resume?(): void;
  ping?(): void;
  on?(event: "pong", listener: () => void): unknown;
  off?(event: "pong", listener: () => void): unknown;
  /** Ends the connection without a farewell. */
  terminate?(): void;
}

export interface ConnectionOptions {
  /** Are messages taken? */
  receives: boolean;
  maxMessageBytes: number;
  /** Bytes of messages that may wait to be taken. */
  maxQueuedBytes: number;
  /** Bytes that may wait to leave before sending waits. */
  highWaterBytes: number;
  /** 0 for none. */
  pingIntervalMs: number;
}

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 3;
/** What a queued message takes beside its bytes. */
const MESSAGE_BYTES = 64;
/** How often a full socket is looked at again. */
const POLL_MS = 5;
/** How long a socket may take to close that has been cut. */
const TERMINATE_MS = 50;
/** Codes of an end that both sides may have wanted. */
const NORMAL_CLOSE_CODES = new Set([1000, 1001, 1005]);

/** One side of a socket: sends with back-pressure, queues what comes within bounds, and knows how it ended. */
export class SocketConnection {
  readonly #socket: WebSocketLike;
  readonly #options: ConnectionOptions;
  readonly #queue: Frame[] = [];
  #queuedBytes = 0;
  #isPaused = false;
  #failure: Error | undefined;
  #hasOpened = false;
  /** The other side has said farewell. */
  #hasClosed = false;
  /** The socket has said that it has closed. Node's own, closed before it was open, has the state "closing" for ever. */
  #toldClosed = false;
  #lastError = "";
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();
  #pings: NodeJS.Timeout | undefined;
  #awaitsPong = false;

  constructor(socket: WebSocketLike, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.addEventListener("open", this.#onOpen);
    socket.addEventListener("close", this.#onClose);
    socket.addEventListener("error", this.#onError);
    if (options.receives) {
      socket.binaryType = "arraybuffer";
      socket.addEventListener("message", this.#onMessage);
    }
    if (socket.readyState === OPEN) this.#onOpen();
    if (socket.readyState === CLOSED) this.#hasClosed = true;
  }

  /**
   * The next message; undefined when the other side has said farewell.
   *
   * @throws {unknown} why the connection broke; the signal's reason.
   */
  async receive(signal: AbortSignal): Promise<Frame | undefined> {
    for (;;) {
      signal.throwIfAborted();
      const frame = this.#queue.shift();
      if (frame !== undefined) {
        this.#queuedBytes -= sizeOf(frame) + MESSAGE_BYTES;
        this.#resumeWhenEmpty();
        return frame;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#hasClosed) return undefined;
      await abortable(this.#changed.promise, signal);
    }
  }

  /**
   * Sends a frame, when the socket is open and what was sent before has left but for `highWaterBytes`. False when the
   * other side has said farewell.
   *
   * @throws {unknown} why the connection broke; the signal's reason.
   */
  async send(frame: Frame, signal: AbortSignal): Promise<boolean> {
    const socket = this.#socket;
    await this.opened(signal);
    while (socket.bufferedAmount > this.#options.highWaterBytes && !this.#hasEnded) {
      await abortable(sleep(POLL_MS), signal);
    }
    signal.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
    if (socket.readyState !== OPEN) return false;
    socket.send(frame as string | Uint8Array<ArrayBuffer>);
    return true;
  }

  /**
   * Resolves when the socket is open, or was, or closes.
   *
   * @throws {unknown} why it did not open; the signal's reason.
   */
  async opened(signal: AbortSignal): Promise<void> {
    const socket = this.#socket;
    while (socket.readyState === CONNECTING && !this.#hasEnded) await abortable(this.#changed.promise, signal);
    if (!this.#hasOpened && this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when the other side has said farewell; rejects with why the connection broke, or the signal's reason. */
  async closed(signal: AbortSignal): Promise<void> {
    while (!this.#hasEnded) await abortable(this.#changed.promise, signal);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Resolves when all that was sent has left, or the connection is closed.
   *
   * @throws {unknown} the signal's reason.
   */
  async drained(signal: AbortSignal): Promise<void> {
    while (this.#socket.bufferedAmount > 0 && !this.#hasEnded) await abortable(sleep(POLL_MS), signal);
  }

  /** Says farewell and waits for the other side's, no longer than `withinMs`. Never rejects. */
  async close(code: number, reason: string, withinMs: number): Promise<void> {
    const socket = this.#socket;
    this.#stopReceiving();
    if (!this.#isClosed) closeWith(socket, code, reason);
    if (!(await this.#closesWithin(withinMs))) {
      socket.terminate?.();
      await this.#closesWithin(TERMINATE_MS);
    }
    this.release();
  }

  /** Lets go of the socket and leaves it as it is. Idempotent. */
  release(): void {
    const socket = this.#socket;
    clearInterval(this.#pings);
    socket.off?.("pong", this.#onPong);
    socket.removeEventListener("open", this.#onOpen);
    socket.removeEventListener("close", this.#onClose);
    this.#stopReceiving();
    // An error that nobody listens to would end the process, and one may follow until it has closed.
    if (this.#isClosed) socket.removeEventListener("error", this.#onError);
  }

  #stopReceiving(): void {
    this.#socket.removeEventListener("message", this.#onMessage);
    this.#queue.length = 0;
    if (this.#isPaused) this.#socket.resume?.();
    this.#isPaused = false;
  }

  get #isClosed(): boolean {
    return this.#toldClosed || this.#socket.readyState === CLOSED;
  }

  async #closesWithin(ms: number): Promise<boolean> {
    const timer = new AbortController();
    const stop = afterMs(ms, () => timer.abort());
    try {
      while (!this.#isClosed) await abortable(this.#changed.promise, timer.signal);
      return true;
    } catch {
      return false;
    } finally {
      stop();
    }
  }

  get #hasEnded(): boolean {
    return this.#hasClosed || this.#failure !== undefined;
  }

  readonly #onOpen = (): void => {
    this.#hasOpened = true;
    this.#startPings();
    this.#notify();
  };

  readonly #onError = (event: unknown): void => {
    const { message } = event as { message?: unknown };
    if (typeof message === "string") this.#lastError = message;
  };

  readonly #onClose = (event: unknown): void => {
    const { code, reason } = event as { code: number; reason: string };
    clearInterval(this.#pings);
    this.#toldClosed = true;
    if (NORMAL_CLOSE_CODES.has(code)) this.#hasClosed = true;
    else {
      const why = [`code ${code}`, reason, this.#lastError].filter((part) => part !== "").join(", ");
      this.#fail(new GeppettoError("StageError", `The socket broke off: ${why}`, { code: "ERR_SOCKET" }));
    }
    this.#notify();
  };

  readonly #onMessage = (event: unknown): void => {
    if (this.#hasEnded) return;
    this.#awaitsPong = false;
    const { data } = event as { data: unknown };
    const frame = typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer);
    const { maxMessageBytes, maxQueuedBytes } = this.#options;
    const bytes = sizeOf(frame);
    if (bytes > maxMessageBytes) {
      this.#refuse(1009, `a message of ${bytes} bytes; it takes ${maxMessageBytes} at most, see maxMessageBytes`);
      return;
    }
    this.#queue.push(frame);
    this.#queuedBytes += bytes + MESSAGE_BYTES;
    if (this.#queuedBytes > maxQueuedBytes) this.#pause(maxQueuedBytes);
    this.#notify();
  };

  readonly #onPong = (): void => {
    this.#awaitsPong = false;
  };

  #pause(maxQueuedBytes: number): void {
    const socket = this.#socket;
    if (socket.pause === undefined) {
      this.#refuse(1013, `more than ${maxQueuedBytes} bytes that wait, and this socket cannot be paused`);
    } else if (!this.#isPaused) {
      this.#isPaused = true;
      socket.pause();
    }
  }

  #resumeWhenEmpty(): void {
    if (!this.#isPaused || this.#queuedBytes > this.#options.maxQueuedBytes / 2) return;
    this.#isPaused = false;
    this.#socket.resume?.();
  }

  #refuse(code: number, what: string): void {
    this.#fail(new GeppettoError("LimitError", `Cannot take ${what}`, { code: "ERR_SOCKET_LIMIT" }));
    closeWith(this.#socket, code, "too much");
    this.#notify();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
  }

  #startPings(): void {
    const { pingIntervalMs } = this.#options;
    const socket = this.#socket;
    if (pingIntervalMs === 0 || socket.ping === undefined || socket.on === undefined || this.#pings) return;
    socket.on("pong", this.#onPong);
    this.#pings = setInterval(() => {
      if (this.#awaitsPong) {
        this.#fail(
          new GeppettoError("StageError", `The socket broke off: no answer to a ping within ${pingIntervalMs} ms`, {
            code: "ERR_SOCKET",
          }),
        );
        this.#notify();
        socket.terminate?.();
        return;
      }
      // One that is paused does not read pongs either.
      this.#awaitsPong = socket.isPaused !== true;
      socket.ping!();
    }, pingIntervalMs);
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Browsers, and Node's own socket, let programs say only 1000 and codes from 3000 on. */
function closeWith(socket: WebSocketLike, code: number, reason: string): void {
  try {
    socket.close(code, reason);
  } catch {
    socket.close(code + 3_000, reason);
  }
}

function sizeOf(frame: Frame): number {
  return typeof frame === "string" ? Buffer.byteLength(frame) : frame.byteLength;
}
