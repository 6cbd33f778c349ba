import { isClockNote } from "../journal/replayed-entries.ts";
import type { EntryOptions, HostBridge, Realm, RealmFailure, Source } from "../../sandbox/realm.ts";
import { OPS } from "../../shared/contract/ops.ts";
import { FRAME_VERSION, type Frame } from "../../shared/frames.ts";
import type { OutsideKeeper } from "./outside-keeper.ts";
import { callRecord, entryKey, frameRecord, RECORDS, turnRecord } from "./tape-record.ts";
import type { Tape } from "./tape.ts";

/** What goes into the guest: a frame, or source text. */
export type Entry = { kind: "deliver"; frame: Frame } | { kind: "run"; source: Source };

/** An entry that the host has made and that has not gone in, or is not over. */
export interface MadeEntry {
  entry: Entry;
  options: EntryOptions;
  /** The turn is over. */
  end(failure: RealmFailure | undefined): void;
}

/** One that waits for the execution to be brought back to where it went in. */
interface HeldEntry extends MadeEntry {
  /** How many were made before it. */
  place: number;
}

/** Answers what the guest said before as it was answered then; undefined, or false, for what is new. */
export interface WhatWasSaid {
  call(text: string): string | undefined;
  note(text: string): boolean;
  callBlocking(text: string): Promise<Frame> | undefined;
  /** The script is over. */
  stop(): void;
}

export interface WallOptions {
  realm: Pick<Realm, "invoke" | "run">;
  /** What serves the guest's messages. */
  served: Pick<HostBridge, "call" | "note" | "callBlocking">;
  tape: Tape;
  keeper: OutsideKeeper;
}

const OUTPUT = `[${FRAME_VERSION},"${OPS.console_write.name}",`;
const IGNORED = '{"ok":true}';
const NEVER = new Promise<Frame>(() => {});
const DISPOSED: RealmFailure = { kind: "disposed" };

/**
 * Stands at the wall between the host and the guest of an execution that lasts. What crosses is kept before it has gone in,
 * and before it has an effect outside. While the execution is brought back, what the host makes waits here.
 */
export class Wall implements Pick<HostBridge, "call" | "note" | "callBlocking"> {
  readonly #options: WallOptions;
  /** By what they are known by, while the execution is brought back. */
  readonly #made = new Map<string, HeldEntry[]>();
  #madeCount = 0;
  #onMade: () => void = () => {};
  #isHeld: boolean;
  #isOver = false;
  /** What brings the guest back, while it does. */
  guestReplay: WhatWasSaid | undefined;

  constructor(options: WallOptions) {
    this.#options = options;
    this.#isHeld = !options.keeper.isLive;
  }

  call(text: string): string {
    const known = this.guestReplay?.call(text);
    if (known !== undefined) return known;
    const { tape, served, keeper } = this.#options;
    if (tape.hasFailed || keeper.isStuck) return IGNORED;
    const isClock = isClockNote(text);
    try {
      const serve = (): string => (isClock ? served.call(text) : keeper.serve(() => served.call(text)));
      const answer = tape.pushServed(serve, (given) => (keeper.isStuck ? undefined : callRecord(text, given)));
      if (keeper.isStuck) tape.close();
      else if (keeper.takeUrgency()) tape.storeNow();
      return answer;
    } catch {
      // It cannot be kept: the execution ends, and its guest with it.
      return IGNORED;
    }
  }

  note(text: string): void {
    if (this.guestReplay?.note(text) === true) return;
    const { tape, served, keeper } = this.#options;
    if (tape.hasFailed || keeper.isStuck) return;
    tape.push({ kind: text.startsWith(OUTPUT) ? RECORDS.output : RECORDS.note, text });
    if (isClockNote(text)) served.note(text);
    else keeper.serve(() => served.note(text));
  }

  async callBlocking(text: string): Promise<Frame> {
    const known = this.guestReplay?.callBlocking(text);
    if (known !== undefined) return known;
    const { tape, served, keeper } = this.#options;
    if (keeper.isStuck) return NEVER;
    tape.push({ kind: RECORDS.wait, text });
    return this.reply(keeper.serve(() => served.callBlocking(text)));
  }

  /** Keeps the answer to a guest that waits before it gets it. */
  async reply(answered: Promise<Frame> | Frame): Promise<Frame> {
    const { tape } = this.#options;
    const answer = await answered;
    tape.push(frameRecord(RECORDS.reply, answer));
    try {
      await tape.stored();
    } catch {
      return { text: IGNORED };
    }
    return answer;
  }

  invoke(frame: Frame, options: EntryOptions = {}): Promise<RealmFailure | undefined> {
    return this.#enter({ kind: "deliver", frame }, options);
  }

  run(source: Source, options: EntryOptions = {}): Promise<RealmFailure | undefined> {
    return this.#enter({ kind: "run", source }, options);
  }

  /** Sends this, and what was made and has not gone in; from here on everything goes in as it is made. */
  goOn(first: Frame): void {
    this.#isHeld = false;
    void this.#send({ kind: "deliver", frame: first }, {});
    for (const made of this.#inOrder()) void this.#send(made.entry, made.options).then((failure) => made.end(failure));
    this.#made.clear();
  }

  /** The script is over: nothing of it goes in any more. */
  end(): void {
    this.#isOver = true;
    for (const made of this.#inOrder()) made.end(undefined);
    this.#made.clear();
    this.#onMade();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The first entry of this kind and for this one that the host has made; undefined where it has made none yet. */
  takeMade(key: string): MadeEntry | undefined {
    const made = this.#made.get(key);
    const first = made?.shift();
    if (made?.length === 0) this.#made.delete(key);
    return first;
  }

  /** Resolves when the host makes an entry, or the script is over. */
  nextMade(): Promise<void> {
    return new Promise((resolve) => {
      this.#onMade = resolve;
    });
  }

  #inOrder(): MadeEntry[] {
    return [...this.#made.values()].flat().sort((a, b) => a.place - b.place);
  }

  #enter(entry: Entry, options: EntryOptions): Promise<RealmFailure | undefined> {
    if (this.#isOver) return Promise.resolve(undefined);
    if (!this.#isHeld) return this.#send(entry, options);
    return new Promise((end) => {
      const key = entry.kind === "run" ? RECORDS.run : entryKey(entry.frame.text);
      const made: HeldEntry = { entry, options, end, place: this.#madeCount++ };
      const others = this.#made.get(key);
      if (others === undefined) this.#made.set(key, [made]);
      else others.push(made);
      this.#onMade();
    });
  }

  async #send(entry: Entry, options: EntryOptions): Promise<RealmFailure | undefined> {
    const { tape, realm } = this.#options;
    if (entry.kind === "deliver") tape.push(frameRecord(RECORDS.deliver, entry.frame));
    else {
      const { code: _, ...facts } = entry.source;
      tape.push({ kind: RECORDS.run, text: JSON.stringify(facts) });
    }
    try {
      await tape.stored();
    } catch {
      return DISPOSED;
    }
    if (this.#isOver) return undefined;
    const failure = await (entry.kind === "run"
      ? realm.run(entry.source, options)
      : realm.invoke(entry.frame, options));
    const turn = turnRecord(failure);
    if (turn !== undefined) tape.push(turn);
    return failure;
  }
}
