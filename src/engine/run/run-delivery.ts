import { FRAMES } from "../../shared/contract/frame-kinds.ts";
import { DELIVERY, type Delivery } from "../../shared/contract/runs.ts";
import { FRAME_VERSION, pieceText, type Frame, type PieceShape } from "../../shared/frames.ts";
import type { EventFrame } from "../../shared/step-events.ts";
import { toFrame, type EntryQueue } from "../entry-queue.ts";
import { EventWindow } from "./event-window.ts";
import type { GuestMailbox } from "./guest-mailbox.ts";

/** The way of a run's events into the guest that started it. */
export interface RunDelivery {
  /** Does the guest want only the last event? */
  readonly lastOnly: boolean;
  /** May an event that is under way, or the next one, wake the guest? */
  readonly mayWake: boolean;
  /**
   * Sends an event. Undefined where there is room for the next one, else a promise that is fulfilled when there is.
   *
   * @throws {GeppettoError} for an event that cannot cross.
   */
  send(event: EventFrame, bytes: number): Promise<void> | undefined;
  /** Has all that was sent so far been consumed? */
  readonly isIdle: boolean;
  /** Resolves when it has. */
  idle(): Promise<void>;
  /** The guest has taken so many more events. */
  ack(count: number): void;
  /** The guest asks for no more: each event counts as taken when it has arrived. */
  stopPulling(): void;
  /** Nobody takes what is still to come. */
  close(): void;
}

export interface DeliveryOptions {
  id: string;
  queue: EntryQueue;
  mailbox: GuestMailbox;
  /** What {@link RunDelivery.mayWake} says may have changed. */
  onChange(): void;
}

export function createDelivery(kind: Delivery, options: DeliveryOptions): RunDelivery {
  switch (kind) {
    case DELIVERY.every:
      return new TurnDelivery(options, false);
    case DELIVERY.last:
      return new TurnDelivery(options, true);
    case DELIVERY.pulled:
      return new PulledDelivery(options);
    case DELIVERY.waited:
      return new MailboxDelivery(options.mailbox);
  }
}

/** Longest delta of which nobody needs to ask whether it is too long to cross. */
const SHORT_CHARS = 4096;

const EVENT_START = `[${FRAME_VERSION},${JSON.stringify(FRAMES.event_deliver.name)},`;

/** Is it the end of a run whose results the guest has, and all that is said of it texts and numbers? An encoder would write the same. */
function isPlainEnd({ type, results, text, step }: EventFrame): boolean {
  if (type !== "final" || results !== undefined || text!.length > SHORT_CHARS || step === undefined) return false;
  const { metadata } = step;
  for (const name in metadata) {
    if (name === "$" || !isTextOrNumber(metadata[name])) return false;
  }
  return true;
}

function isTextOrNumber(value: unknown): boolean {
  return typeof value === "string" || (Number.isFinite(value) && !Object.is(value, -0));
}

/** Writes the events of a run as they cross. Pieces of text, which are most of them, need no encoder: it would write the same. */
class EventWriter {
  readonly #id: string;
  readonly #start: string;
  /** Of the last piece of text, and what it is of. */
  #shape: PieceShape | undefined;
  #type = "";
  #wantsAck = false;

  constructor(id: string) {
    this.#id = id;
    this.#start = `${EVENT_START}${JSON.stringify(id)},`;
  }

  frame(event: EventFrame): Frame {
    const { type, seq, time, delta, wantsAck = false } = event;
    const isShortPiece = event.isPiece === true && event.meta === undefined && delta!.length <= SHORT_CHARS;
    if (isPlainEnd(event)) return { text: `${this.#start}${JSON.stringify(event)}]` };
    if (!isShortPiece) return toFrame(FRAMES.event_deliver, [this.#id, event], "omit");
    const piece = { shape: this.#shapeOf(type, wantsAck), seq, time, delta: JSON.stringify(delta) };
    return { text: pieceText(piece), piece };
  }

  /** The same object as long as it is the same. */
  #shapeOf(type: string, wantsAck: boolean): PieceShape {
    if (this.#shape !== undefined && type === this.#type && wantsAck === this.#wantsAck) return this.#shape;
    this.#type = type;
    this.#wantsAck = wantsAck;
    const end = `,"isPiece":true${wantsAck ? ',"wantsAck":true' : ""}}]`;
    return (this.#shape = [`${this.#start}{"type":"${type}","seq":`, ',"time":', ',"delta":', end]);
  }
}

/** Each event is a turn of the guest, pipelined; the end of the turn is the ack. */
class TurnDelivery implements RunDelivery {
  readonly lastOnly: boolean;
  readonly mayWake = true;
  readonly #writer: EventWriter;
  readonly #window: EventWindow<Frame>;

  constructor({ id, queue }: DeliveryOptions, lastOnly: boolean) {
    this.lastOnly = lastOnly;
    this.#writer = new EventWriter(id);
    this.#window = new EventWindow((frame, bytes) => {
      queue.send(frame, () => this.#window.consumed(bytes));
    });
  }

  send(event: EventFrame, bytes: number): Promise<void> | undefined {
    return this.#window.add(this.#writer.frame(event), bytes);
  }

  get isIdle(): boolean {
    return this.#window.isIdle;
  }

  idle(): Promise<void> {
    return this.#window.idle();
  }

  ack(): void {}

  stopPulling(): void {}

  close(): void {
    this.#window.close();
  }
}

interface WrittenEvent {
  frame: Frame;
  wantsAck: boolean;
}

interface SentEvent {
  readonly bytes: number;
  hasArrived: boolean;
}

/** How much may go to a guest before an event of which it tells at once that it has taken it, in bytes. */
const ACKED_BYTES = 64_000;

/**
 * Each event is a turn of the guest, where it lies until the script takes it. More of them wake nobody while the guest
 * has some that it was not asked for: a stream that a script has dropped does not keep the script. While many are under
 * way the guest tells of some together; when none is any more it is asked what it has taken.
 */
class PulledDelivery implements RunDelivery {
  readonly lastOnly = false;
  readonly #writer: EventWriter;
  readonly #window: EventWindow<WrittenEvent>;
  readonly #onChange: () => void;
  #isPulled = true;
  /** Events on their way into the guest, each a turn. */
  #entering = 0;
  /** What it has been sent and has not taken. */
  readonly #untaken: SentEvent[] = [];
  /** Does it tell at once? And how much has gone since an event of which it does, in bytes. */
  #tellsAtOnce = false;
  #bytesSince = 0;
  readonly #ask: () => void;

  constructor({ id, queue, onChange }: DeliveryOptions) {
    this.#ask = () => void queue.enter(FRAMES.acks_now, id);
    this.#writer = new EventWriter(id);
    this.#onChange = onChange;
    this.#window = new EventWindow(({ frame, wantsAck }, bytes) => {
      const event: SentEvent = { bytes, hasArrived: false };
      this.#untaken.push(event);
      this.#tellsAtOnce = wantsAck;
      this.#entering++;
      queue.send(frame, () => {
        this.#entering--;
        event.hasArrived = true;
        if (!this.#isPulled) return this.#takeArrived();
        if (this.#entering === 0 && this.#untaken.length > 0 && !this.#tellsAtOnce) {
          this.#tellsAtOnce = true;
          this.#ask();
        }
        this.#onChange();
      });
    });
  }

  get mayWake(): boolean {
    return this.#entering > 0 || this.#untaken.length === 0;
  }

  send(event: EventFrame, bytes: number): Promise<void> | undefined {
    this.#bytesSince += bytes;
    const wantsAck = this.#untaken.length === 0 || this.#bytesSince > ACKED_BYTES;
    if (wantsAck) {
      this.#bytesSince = 0;
      event.wantsAck = true;
    }
    return this.#window.add({ frame: this.#writer.frame(event), wantsAck }, bytes);
  }

  get isIdle(): boolean {
    return this.#window.isIdle;
  }

  idle(): Promise<void> {
    return this.#window.idle();
  }

  ack(count: number): void {
    for (const { bytes } of this.#untaken.splice(0, count)) this.#window.consumed(bytes);
    this.#onChange();
  }

  stopPulling(): void {
    this.#isPulled = false;
    this.#takeArrived();
  }

  close(): void {
    this.#window.close();
  }

  /** Events arrive in their order. */
  #takeArrived(): void {
    const waiting = this.#untaken.findIndex(({ hasArrived }) => !hasArrived);
    this.ack(waiting === -1 ? Infinity : waiting);
  }
}

/** The last event is the answer to a guest that waits. */
class MailboxDelivery implements RunDelivery {
  readonly lastOnly = true;
  readonly mayWake = true;
  readonly #mailbox: GuestMailbox;

  constructor(mailbox: GuestMailbox) {
    this.#mailbox = mailbox;
  }

  send(event: EventFrame): undefined {
    this.#mailbox.tell({ event });
  }

  get isIdle(): boolean {
    return this.#mailbox.isIdle;
  }

  idle(): Promise<void> {
    return this.#mailbox.idle();
  }

  ack(): void {}

  stopPulling(): void {}

  close(): void {
    this.#mailbox.close();
  }
}
