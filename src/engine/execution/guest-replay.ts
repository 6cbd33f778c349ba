import { createDeferred } from "../../base/deferred.ts";
import type { Realm, RealmFailure } from "../../sandbox/realm.ts";
import type { Frame } from "../../shared/frames.ts";
import { compareMessages, opOf } from "../journal/compare-messages.ts";
import { EntryFeed } from "../journal/entry-feed.ts";
import { isClockNote } from "../journal/replayed-entries.ts";
import { differs } from "./execution-errors.ts";
import type { BroughtBack } from "./host-replay.ts";
import { turnRecord } from "./tape-record.ts";
import type { Said, TapeIndex } from "./tape-index.ts";
import type { Tape } from "./tape.ts";
import type { WhatWasSaid } from "./wall.ts";

const SERVED = '{"ok":true}';
const NEVER = new Promise<Frame>(() => {});

export interface GuestReplayOptions {
  executionId: string;
  index: TapeIndex;
  brought: BroughtBack;
  realm: Pick<Realm, "invoke" | "run">;
  tape: Tape;
  /** Keeps the answer to a guest that waits before it gets it. */
  reply(answered: Promise<Frame>): Promise<Frame>;
}

/**
 * Brings the guest of an execution back: it is given what went in then, and what it says is compared with what it said and
 * answered as it was. What it says beyond that is new.
 */
export class GuestReplay implements WhatWasSaid {
  readonly #options: GuestReplayOptions;
  readonly #done = createDeferred();
  #at = 0;
  #isFed = false;
  #hasDiffered = false;
  readonly #feed = new EntryFeed((failure, place) => this.#endTurn(failure, place));

  constructor(options: GuestReplayOptions) {
    this.#options = options;
    this.#done.promise.catch(() => {});
  }

  /** @throws {GeppettoError} ReplayError naming the first thing that the guest says and did not, or the other way round. */
  async play(): Promise<void> {
    void this.#enterAll();
    await this.#done.promise;
  }

  /** The script is over. */
  stop(): void {
    this.#done.resolve();
    this.#feed.stop();
  }

  /** What the guest was answered; undefined for what is new. */
  call(text: string): string | undefined {
    const said = this.#feed.isOver ? undefined : this.#meet("call", text);
    if (said === undefined) return this.#hasDiffered ? SERVED : undefined;
    return said.kind === "call" ? said.answer : SERVED;
  }

  /** Is it something that the guest told then? */
  note(text: string): boolean {
    if (!this.#feed.isOver && !isClockNote(text) && this.#meet("note", text) !== undefined) return true;
    return this.#hasDiffered;
  }

  callBlocking(text: string): Promise<Frame> | undefined {
    const said = this.#feed.isOver ? undefined : this.#meet("wait", text);
    if (said === undefined) return this.#hasDiffered ? NEVER : undefined;
    const { reply } = said as Said & { kind: "wait" };
    if (reply !== undefined) return Promise.resolve(reply);
    return this.#options.reply(this.#options.brought.waiting ?? NEVER);
  }

  /** What the guest says now was said then, too; undefined for what is new, and when it differs. */
  #meet(kind: Said["kind"], text: string): Said | undefined {
    const { said } = this.#options.index;
    const then = said[this.#at];
    if (then === undefined) return undefined;
    this.#at++;
    const found = compareMessages(then, { kind, text });
    if (found !== undefined) {
      this.#differ(`message ${this.#at} of the script is another one than then: ${found}`);
      return undefined;
    }
    this.#look();
    return then;
  }

  #differ(how: string): void {
    if (this.#feed.isOver) return;
    this.#hasDiffered = true;
    this.#done.reject(differs(this.#options.executionId, how));
    this.#feed.stop();
  }

  /** Has the guest come to where it was? */
  #look(): void {
    if (!this.#isFed || this.#feed.isOver) return;
    const { said } = this.#options.index;
    if (this.#at >= said.length) this.stop();
    else if (this.#feed.underWay === 0) void this.#missing();
  }

  /** The guest has nothing more to do and has not said all; what it told last may be on its way. */
  async #missing(): Promise<void> {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
    const then = this.#options.index.said[this.#at];
    if (this.#feed.isOver || then === undefined) return;
    this.#differ(`the script says nothing more now, and called "${opOf(then.text)}" then (message ${this.#at + 1})`);
  }

  async #enterAll(): Promise<void> {
    const { brought, realm } = this.#options;
    await this.#feed.give(realm, brought.entries);
    this.#isFed = true;
    this.#look();
  }

  #endTurn(failure: RealmFailure | undefined, place: number): void {
    const { index, brought, tape } = this.#options;
    if (place >= index.turns) {
      // The turn was not over then.
      const turn = turnRecord(failure);
      if (turn !== undefined) tape.push(turn);
      brought.open.shift()?.end(failure);
    } else if (failure !== undefined && !index.failedTurns.has(place))
      this.#differ(`its guest failed (${failure.kind}) where it did not then`);
    this.#look();
  }
}
