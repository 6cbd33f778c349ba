import { createDeferred, type Deferred } from "../../base/deferred.ts";

/** Most events of a run that may be under way to its guest, not yet consumed there. */
export const MAX_EVENTS = 64;
/** Likewise, most bytes; one event always may. */
const MAX_BYTES = 256_000;

interface WaitingEvent<Event> {
  event: Event;
  bytes: number;
  admitted: Deferred<void>;
}

/** Lets so many events of a run go to its guest as that may be behind with; the others wait here, in order. */
export class EventWindow<Event> {
  readonly #send: (event: Event, bytes: number) => void;
  readonly #waiting: WaitingEvent<Event>[] = [];
  #events = 0;
  #bytes = 0;
  #isClosed = false;
  #idle: Deferred<void> | undefined;

  /** @param send has the event go to the guest; {@link consumed} is to be called when it has been consumed there */
  constructor(send: (event: Event, bytes: number) => void) {
    this.#send = send;
  }

  /** Sends the event when there is room for it. Undefined where that is now; a promise that is fulfilled when it is. */
  add(event: Event, bytes: number): Promise<void> | undefined {
    if (this.#isClosed) return undefined;
    if (this.#waiting.length === 0 && this.#hasRoom(bytes)) {
      this.#admit(event, bytes);
      return undefined;
    }
    const admitted = createDeferred();
    this.#waiting.push({ event, bytes, admitted });
    return admitted.promise;
  }

  /** An event of so many bytes has been consumed. */
  consumed(bytes: number): void {
    this.#events--;
    this.#bytes -= bytes;
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoom(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#admit(next.event, next.bytes);
      next.admitted.resolve();
    }
    if (this.#events === 0) this.#becomeIdle();
  }

  /** Has every event so far been consumed? */
  get isIdle(): boolean {
    return this.#events === 0 || this.#isClosed;
  }

  /** Resolves when every event so far has been consumed, or when the window is closed. */
  async idle(): Promise<void> {
    if (this.isIdle) return;
    this.#idle ??= createDeferred();
    await this.#idle.promise;
  }

  /** Nobody takes what is still to come. */
  close(): void {
    this.#isClosed = true;
    for (const { admitted } of this.#waiting.splice(0)) admitted.resolve();
    this.#becomeIdle();
  }

  #hasRoom(bytes: number): boolean {
    return this.#events === 0 || (this.#events < MAX_EVENTS && this.#bytes + bytes <= MAX_BYTES);
  }

  #admit(event: Event, bytes: number): void {
    this.#events++;
    this.#bytes += bytes;
    this.#send(event, bytes);
  }

  #becomeIdle(): void {
    this.#idle?.resolve();
    this.#idle = undefined;
  }
}
