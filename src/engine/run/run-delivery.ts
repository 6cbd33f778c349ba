import { FRAMES } from "../../shared/contract/frame-kinds.ts";
import { DELIVERY, type Delivery } from "../../shared/contract/runs.ts";
import type { Frame } from "../../shared/frames.ts";
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
  /** Resolves when all that was sent so far has been consumed. */
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

function eventFrame(id: string, event: EventFrame): Frame {
  return toFrame(FRAMES.event_deliver, [id, event], "omit");
}

/** Each event is a turn of the guest, pipelined; the end of the turn is the ack. */
class TurnDelivery implements RunDelivery {
  readonly lastOnly: boolean;
  readonly mayWake = true;
  readonly #id: string;
  readonly #window: EventWindow;

  constructor({ id, queue }: DeliveryOptions, lastOnly: boolean) {
    this.lastOnly = lastOnly;
    this.#id = id;
    this.#window = new EventWindow((frame, bytes) => {
      void queue.enterFrame(frame).then(() => this.#window.consumed(bytes));
    });
  }

  send(event: EventFrame, bytes: number): Promise<void> | undefined {
    return this.#window.add(eventFrame(this.#id, event), bytes);
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

interface SentEvent {
  readonly bytes: number;
  hasArrived: boolean;
}

/**
 * Each event is a turn of the guest, where it lies until the script takes it. More of them wake nobody while the guest
 * has some that it was not asked for: a stream that a script has dropped does not keep the script.
 */
class PulledDelivery implements RunDelivery {
  readonly lastOnly = false;
  readonly #id: string;
  readonly #window: EventWindow;
  readonly #onChange: () => void;
  #isPulled = true;
  /** Events on their way into the guest, each a turn. */
  #entering = 0;
  /** What it has been sent and has not taken. */
  readonly #untaken: SentEvent[] = [];

  constructor({ id, queue, onChange }: DeliveryOptions) {
    this.#id = id;
    this.#onChange = onChange;
    this.#window = new EventWindow((frame, bytes) => {
      const event: SentEvent = { bytes, hasArrived: false };
      this.#untaken.push(event);
      this.#entering++;
      void queue.enterFrame(frame).then(() => {
        this.#entering--;
        event.hasArrived = true;
        if (this.#isPulled) this.#onChange();
        else this.#takeArrived();
      });
    });
  }

  get mayWake(): boolean {
    return this.#entering > 0 || this.#untaken.length === 0;
  }

  send(event: EventFrame, bytes: number): Promise<void> | undefined {
    return this.#window.add(eventFrame(this.#id, event), bytes);
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

  idle(): Promise<void> {
    return this.#mailbox.idle();
  }

  ack(): void {}

  stopPulling(): void {}

  close(): void {
    this.#mailbox.close();
  }
}
