import { append, ArraySlice, SafeSymbol, SafeTypeError } from "../../../src/shared/primordials.ts";
import { onReset } from "../core/kernel.ts";
import { startTimer } from "../core/timers.ts";
import { MessageEvent } from "./custom-events.ts";
import { defineClass } from "./define-class.ts";
import type { Event } from "./event.ts";
import { EventTarget, fireOwnEvent } from "./event-target.ts";
import { structuredClone } from "./structured-clone.ts";

type Handler = ((event: Event) => unknown) | null;

const CREATE = SafeSymbol("create");

/** Counts the scripts of this engine: what one has posted does not reach the next. */
let script = 0;

let pair: () => { one: MessagePort; two: MessagePort };

/** One end of a channel. What is posted to it arrives at the other, each message in a turn of its own. */
export class MessagePort extends EventTarget {
  #other: MessagePort | undefined;
  #waiting: unknown[] = [];
  #isStarted = false;
  #handler: Handler = null;
  #errorHandler: Handler = null;

  constructor(mark?: unknown) {
    if (mark !== CREATE) throw new SafeTypeError("Illegal constructor");
    super();
  }

  get onmessage(): Handler {
    return this.#handler;
  }
  set onmessage(value: unknown) {
    this.#handler = typeof value === "function" ? (value as Handler) : null;
    if (this.#handler !== null) this.start();
  }
  get onmessageerror(): Handler {
    return this.#errorHandler;
  }
  set onmessageerror(value: unknown) {
    this.#errorHandler = typeof value === "function" ? (value as Handler) : null;
  }

  postMessage(message: unknown, options?: unknown): void {
    if (arguments.length === 0) throw new SafeTypeError("Cannot post a message: there is none");
    const isList = typeof options === "object" && options !== null && SafeSymbol.iterator in options;
    const copy = structuredClone(message, isList ? { transfer: options } : options);
    const other = this.#other;
    if (other === undefined) return;
    if (other.#isStarted) other.#deliver(copy);
    else append(other.#waiting, copy);
  }

  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const waiting = ArraySlice(this.#waiting);
    this.#waiting = [];
    for (let i = 0; i < waiting.length; i++) this.#deliver(waiting[i]);
  }

  /** Nothing arrives any more, at either end. */
  close(): void {
    if (this.#other !== undefined) this.#other.#other = undefined;
    this.#other = undefined;
    this.#waiting = [];
  }

  #deliver(data: unknown): void {
    const posted = script;
    const arrive = (): void => {
      if (posted === script) fireOwnEvent(this, new MessageEvent("message", { data }), this.#handler);
    };
    startTimer(arrive, 0, { immediate: true });
  }

  /** Two ports, each the other's. */
  static {
    pair = () => {
      const one = new MessagePort(CREATE);
      const two = new MessagePort(CREATE);
      one.#other = two;
      two.#other = one;
      return { one, two };
    };
  }
}

/** Two ports that are connected. */
export class MessageChannel {
  readonly #ports = pair();

  get port1(): MessagePort {
    return this.#ports.one;
  }
  get port2(): MessagePort {
    return this.#ports.two;
  }
}

/** Defines MessageChannel and MessagePort. */
export function installMessages(): void {
  onReset(() => void script++);
  defineClass("MessagePort", MessagePort, { lengths: { constructor: 0, postMessage: 1 } });
  defineClass("MessageChannel", MessageChannel);
}
