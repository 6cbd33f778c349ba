import { createDeferred } from "../base/deferred.ts";
import { encodeValue } from "../shared/codec.ts";
import { FRAMES, type FrameKind } from "../shared/contract/frame-kinds.ts";
import { FRAME_VERSION, type Frame, type Outcome } from "../shared/frames.ts";
import { plainOutcome } from "../shared/plain-text.ts";
import type { EntryOptions, Realm, RealmFailure } from "../sandbox/realm.ts";
import type { Ledger } from "./ledger.ts";

/** Entries that may be under way in the realm at a time. More would only wait there, where they cannot be withdrawn. */
const WINDOW = 64;
/** Likewise, how large they may be together, in characters and bytes; one always may. */
const WINDOW_SIZE = 4 * 1024 * 1024;

/** Most entries that may wait where nobody says how many. */
const MAX_WAITING = 200_000;

const NO_OPTIONS: EntryOptions = {};

interface Entry {
  frame: Frame;
  size: number;
  onOver(delivered: boolean): void;
}

/**
 * An entry as it goes in. `exotic` says what becomes of functions and symbols in it: "omit" leaves them out, as JSON does.
 *
 * @throws {GeppettoError} for what cannot cross.
 */
export function toFrame<Body extends readonly unknown[]>(
  { name }: FrameKind<Body>,
  body: Body,
  exotic: "refuse" | "omit" = "refuse",
): Frame {
  const buffers: ArrayBuffer[] = [];
  const text = encodeValue([FRAME_VERSION, name, ...body], { buffers, exotic, isTrusted: true });
  return buffers.length === 0 ? { text } : { text, buffers };
}

const SETTLE_HEAD = `[${FRAME_VERSION},"${FRAMES.call_settle.name}",`;

/**
 * The entry that settles a call.
 *
 * @throws {GeppettoError} for what cannot cross.
 */
export function toSettleFrame(callId: number, outcome: Outcome): Frame {
  const plain = plainOutcome(outcome);
  if (plain === undefined) return toFrame(FRAMES.call_settle, [callId, outcome], "omit");
  return { text: `${SETTLE_HEAD}${callId},${plain}]` };
}

/** The one way into the guest: entries in order, each a turn of its own, pipelined within a bounded window. */
export class EntryQueue {
  readonly #realm: Pick<Realm, "invoke">;
  readonly #ledger: Ledger;
  #waiting: Entry[] = [];
  /** Those before it have gone in. */
  #next = 0;
  readonly #onFailure: (failure: RealmFailure) => void;
  readonly #onFlood: () => void;
  readonly #onEveryTurn: (() => void) | undefined;
  readonly #maxWaiting: number;
  readonly #timeoutMs: () => number | undefined;
  #underWay = 0;
  #sizeUnderWay = 0;
  #turns = 0;
  /** Turns to come and under way, and what holds the script as long as there are any. */
  #held = 0;
  #onTurn: (() => void) | undefined;

  constructor(
    realm: Pick<Realm, "invoke">,
    ledger: Ledger,
    options: {
      onFailure: (failure: RealmFailure) => void;
      /** Most entries that may wait. */
      maxWaiting?: number;
      /** More waits than any guest that keeps to its limits can make wait. */
      onFlood: () => void;
      /** A turn has ended. */
      onTurn?: () => void;
      timeoutMs: () => number | undefined;
    },
  ) {
    this.#realm = realm;
    this.#ledger = ledger;
    this.#onFailure = options.onFailure;
    this.#onFlood = options.onFlood;
    this.#onEveryTurn = options.onTurn;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING;
    this.#timeoutMs = options.timeoutMs;
  }

  /** Turns completed so far: the same number twice means the same turn. */
  get turns(): number {
    return this.#turns;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /**
   * Resolves when no turn is under way and none follows from what the last one did without waiting for the outside; at
   * the latest after `maxTurns` more turns. One caller at a time.
   */
  async quiet(maxTurns: number): Promise<void> {
    const last = this.#turns + maxTurns;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#underWay === 0 || this.#turns >= last) return;
      const { promise, resolve } = createDeferred();
      this.#onTurn = () => {
        if (this.#underWay === 0 || this.#turns >= last) resolve();
      };
      await promise;
    }
  }

  /**
   * Delivers an entry as a turn. Resolves when the turn is over: true, or false when it was withdrawn or failed.
   *
   * @throws {GeppettoError} at once, for what cannot cross.
   */
  enter<Body extends readonly unknown[]>(kind: FrameKind<Body>, ...body: Body): Promise<boolean> {
    const frame = toFrame(kind, body);
    return new Promise((resolve) => this.send(frame, resolve));
  }

  /** Delivers an entry as a turn; `onOver` hears, later, when the turn is over, or that there was none. */
  send(frame: Frame, onOver: (delivered: boolean) => void): void {
    if (this.#waiting.length - this.#next >= this.#maxWaiting) {
      this.#onFlood();
      queueMicrotask(() => onOver(false));
      return;
    }
    this.#hold();
    this.#waiting.push({ frame, size: sizeOf(frame), onOver });
    this.#pump();
  }

  /**
   * Counts something that is a turn but no frame: source text that runs. `onEnd` hears how it ended while the turn
   * still holds the script.
   */
  async track(
    enter: (timeoutMs: number | undefined) => Promise<RealmFailure | undefined>,
    onEnd: (failure: RealmFailure | undefined) => void,
  ): Promise<void> {
    this.#hold();
    this.#underWay++;
    const failure = await enter(this.#timeoutMs());
    this.#underWay--;
    onEnd(failure);
    this.#letGo();
    this.#endTurn();
  }

  /** Withdraws every entry that has not gone in yet. */
  clear(): void {
    const waiting = this.#waiting.slice(this.#next);
    this.#waiting = [];
    this.#next = 0;
    for (const { onOver } of waiting) {
      queueMicrotask(() => onOver(false));
      this.#letGo();
    }
  }

  #hold(): void {
    if (this.#held++ === 0) this.#ledger.take("turn");
  }

  #letGo(): void {
    if (--this.#held === 0) this.#ledger.letGo("turn");
  }

  #pump(): void {
    for (let entry = this.#waiting[this.#next]; entry !== undefined; entry = this.#waiting[this.#next]) {
      const isFree = this.#underWay < WINDOW && this.#sizeUnderWay + entry.size <= WINDOW_SIZE;
      if (!isFree && this.#underWay > 0) return;
      if (++this.#next === this.#waiting.length) {
        this.#waiting = [];
        this.#next = 0;
      } else if (this.#next > 1024) {
        this.#waiting = this.#waiting.slice(this.#next);
        this.#next = 0;
      }
      this.#underWay++;
      this.#sizeUnderWay += entry.size;
      this.#enter(entry);
    }
  }

  #enter(entry: Entry): void {
    const timeoutMs = this.#timeoutMs();
    void this.#realm
      .invoke(entry.frame, timeoutMs === undefined ? NO_OPTIONS : { timeoutMs })
      .then((failure) => this.#over(entry, failure));
  }

  #over({ size, onOver }: Entry, failure: RealmFailure | undefined): void {
    this.#underWay--;
    this.#sizeUnderWay -= size;
    if (failure !== undefined) this.#onFailure(failure);
    onOver(failure === undefined);
    this.#letGo();
    this.#endTurn();
  }

  #endTurn(): void {
    this.#turns++;
    this.#pump();
    this.#onTurn?.();
    this.#onEveryTurn?.();
  }
}

function sizeOf({ text, buffers }: Frame): number {
  let size = text.length;
  if (buffers === undefined) return size;
  for (const { byteLength } of buffers) size += byteLength;
  return size;
}
