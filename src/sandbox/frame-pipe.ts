import type { Readable, Writable } from "node:stream";
import { hostTime } from "../base/time/host-time.ts";
import { MAX_CHILD_MESSAGE_BYTES, MessageReader, MessageWriter, type Message } from "./message.ts";

export interface PipeListener {
  onMessage(message: Message): void;
  /** The other side has gone or broke the protocol. Called once. */
  onEnd(error?: Error): void;
  /** At whose cost messages are read and heard; default nobody's in particular. */
  tenant?(): string;
}

/** Most messages, and bytes of them, that are heard within one turn of the event loop: others have theirs between. */
const MAX_HEARD = 64;
const MAX_HEARD_BYTES = 262_144;

/**
 * The parent's end of the pipes. What is sent within one turn of the event loop is written together, and what follows
 * from messages that are heard goes out as soon as they all have been. What has come
 * together is heard one after the other, each when all that follows from the one before it without waiting has been done:
 * so nothing depends on how the bytes were cut. While there is something to hear nothing more is read.
 */
export class FramePipe {
  readonly #input: Readable;
  readonly #output: Writable;
  #listener: PipeListener;
  readonly #reader = new MessageReader(MAX_CHILD_MESSAGE_BYTES);
  readonly #unsent = new MessageWriter();
  /** Messages, and bytes of them, that are heard in this turn of the event loop. */
  #count = 0;
  #bytes = 0;
  /** Is it certain already that what is sent now will be written? */
  #isFlushDue = false;
  /** Set while nothing is heard because others are to have their share of this process's time. */
  #hold: NodeJS.Timeout | undefined;
  /** The other side has said all that it will. */
  #isComplete = false;
  #isOver = false;

  constructor(input: Readable, output: Writable, listener: PipeListener) {
    this.#input = input;
    this.#output = output;
    this.#listener = listener;
    const end = (error?: Error): void => this.#end(error);
    input.on("data", (chunk: Buffer) => {
      this.#reader.add(chunk);
      this.#hear();
    });
    const onComplete = (): void => {
      this.#isComplete = true;
      this.#hear();
    };
    input.on("end", onComplete);
    input.on("close", onComplete);
    input.on("error", end);
    output.on("error", end);
  }

  /** Whatever has not been heard yet is heard by this listener. */
  listen(listener: PipeListener): void {
    this.#listener = listener;
  }

  /** Bytes that the other side has not taken. */
  get unreadBytes(): number {
    return this.#unsent.size + this.#output.writableLength;
  }

  /** Is what the other side says kept waiting, because its tenant has taken more than a share of this process's time? */
  get isHeld(): boolean {
    return this.#hold !== undefined;
  }

  send(message: Message): void {
    if (this.#isOver) return;
    this.#unsent.add(message);
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isFlushDue = false;
    if (this.#unsent.size === 0) return;
    const unsent = this.#unsent.take();
    if (!this.#isOver) this.#output.write(unsent);
  };

  /** Hears as much of what is there as there is room for in this turn of the event loop, and reads on when that is all. */
  #hear(): void {
    if (this.#isOver || this.#hold !== undefined) return;
    const tenant = hostTime.isShared ? (this.#listener.tenant?.() ?? "") : undefined;
    if (tenant !== undefined) {
      const holdMs = this.#isComplete ? 0 : hostTime.holdMs(tenant);
      if (holdMs > 0) {
        this.#input.pause();
        this.#hold = setTimeout(() => {
          this.#hold = undefined;
          this.#hear();
        }, holdMs);
        return;
      }
      hostTime.charge(tenant);
    }
    const already = this.#count;
    try {
      while (!this.#isOver && this.#count < MAX_HEARD && this.#bytes < MAX_HEARD_BYTES) {
        const before = this.#reader.size;
        const message = this.#reader.next();
        if (message === undefined) {
          if (this.#count > already) this.#flushSoon();
          if (this.#isComplete) setImmediate(() => this.#end());
          else this.#input.resume();
          return;
        }
        if (this.#count++ === 0) setImmediate(this.#hearMore);
        this.#bytes += before - this.#reader.size;
        setImmediate(this.#tell, message, tenant);
      }
      if (this.#count > already) this.#flushSoon();
    } catch (error) {
      this.#input.pause();
      // What came before it is heard first.
      setImmediate(() => this.#end(error as Error));
      return;
    }
    this.#input.pause();
  }

  readonly #tell = (message: Message, tenant: string | undefined): void => {
    if (this.#isOver) return;
    if (tenant !== undefined) hostTime.charge(tenant);
    this.#listener.onMessage(message);
  };

  readonly #hearMore = (): void => {
    this.#count = 0;
    this.#bytes = 0;
    this.#hear();
  };

  #end(error?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#hold);
    this.#listener.onEnd(error);
  }
}
