import { createDeferred } from "../../base/deferred.ts";
import type { JournalFacts, JournalRecord } from "../../journal/journal-record.ts";
import type { Journal } from "../../journal/read-journal.ts";
import type { HostBridge, Realm, RealmFailure } from "../../sandbox/realm.ts";
import { OPS } from "../../shared/contract/ops.ts";
import { decodeValue } from "../../shared/decode.ts";
import { FRAME_VERSION, type Frame } from "../../shared/frames.ts";
import { realmFactory } from "../realm-factory.ts";
import { compareMessages, opOf } from "./compare-messages.ts";
import { EntryFeed } from "./entry-feed.ts";
import { engineVersions, productVersion, runtimeHash } from "./journal-facts.ts";
import { isClockNote, replayedEntries, toldPlace, type ReplayedEntry } from "./replayed-entries.ts";
import { replayError } from "./replay-error.ts";

/** Hears what a replayed run tells, in the order of then. */
export interface ReplayListener {
  output(stream: "stdout" | "stderr", text: string): void;
  /** A line that the host said of its own. */
  said(text: string): void;
  /** The next of the logged events was told here. */
  event(): void;
  /** The script asked for the record with this index here: "file:///a.js:3:5". Asked for where it is there. */
  place?(index: number, place: string): void;
}

/** More memory than then: how much a heap holds when V8 gives up differs, and a script does not see it. */
const SPARE_MEMORY_MB = 64;

/** How long a turn in a thread may go on when the replay is over, in milliseconds. */
const LAST_TURN_MS = 150;

type Asked = Extract<JournalRecord, { kind: "call" | "wait" | "note" }>;

const SERVED = '{"ok":true}';
const CONSOLE_WRITE = `[${FRAME_VERSION},"${OPS.console_write.name}",`;

/**
 * Runs a journal once more: the same guest is given the same entries and answers, and what it asks and tells is compared
 * with the record. Resolves when it has told everything that is on record. Nothing outside is asked.
 *
 * @throws {GeppettoError} ReplayError with code ERR_REPLAY_DIFFERS, naming the first difference; the signal's reason.
 */
export async function playJournal(
  journal: Journal,
  listener: ReplayListener,
  { signal }: { signal?: AbortSignal } = {},
): Promise<void> {
  signal?.throwIfAborted();
  const player = new Player(journal, listener);
  const onAbort = (): void => player.stop(signal?.reason as Error);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    await player.play();
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

class Player {
  readonly #journal: Journal;
  readonly #listener: ReplayListener;
  readonly #ended = createDeferred();
  readonly #entries: ReplayedEntry[];
  #realm: Realm | undefined;
  /** The record that the guest has come to, and how many messages those before it were. */
  #at = 0;
  #count = 0;
  #isOpen = true;
  #outputLeft: number;
  readonly #feed = new EntryFeed((failure) => {
    if (failure !== undefined) this.#onFailure(failure);
  });

  constructor(journal: Journal, listener: ReplayListener) {
    this.#journal = journal;
    this.#listener = listener;
    this.#entries = replayedEntries(journal, { places: listener.place !== undefined });
    this.#outputLeft = journal.facts.outputBytes;
    this.#ended.promise.catch(() => {});
  }

  async play(): Promise<void> {
    this.#realm = await this.#createRealm();
    try {
      this.#realm.onGone = (failure) => this.#onFailure(failure);
      this.#passBy();
      void this.#toEnd(this.#realm);
      await this.#ended.promise;
    } finally {
      if (this.#journal.facts.isolation === "thread") await this.#lastTurn();
      this.#realm.dispose();
      // A thread that still computes when its process exits takes it with it.
      await this.#realm.ended();
    }
  }

  /**
   * Resolves when no turn is under way, or none ends. A thread that is on its way back from a call when its isolate goes
   * may take the process with it.
   */
  async #lastTurn(): Promise<void> {
    const patience = createDeferred();
    const timer = setTimeout(() => patience.resolve(), LAST_TURN_MS);
    let isPatient = true;
    void patience.promise.then(() => (isPatient = false));
    while (isPatient && this.#feed.underWay > 0) await Promise.race([this.#feed.change(), patience.promise]);
    clearTimeout(timer);
  }

  stop(reason: Error): void {
    if (this.#feed.isOver) return;
    this.#ended.reject(reason);
    this.#feed.stop();
  }

  async #createRealm(): Promise<Realm> {
    const { facts } = this.#journal;
    checkEngine(facts);
    const { isolation, hardening, timeZone, memoryMB } = facts;
    try {
      // The last turn may be one that goes on for ever: what is told before that ends the replay.
      const create = realmFactory({ isolation, hardening, timeZone }, { isPrompt: true });
      return await create(this.#bridge(), { memoryMB: memoryMB + SPARE_MEMORY_MB });
    } catch (error) {
      const how = hardening === "strict" ? `strict ${isolation}` : isolation;
      throw replayError(`it ran in ${how} isolation, which cannot be had here: ${(error as Error).message}`);
    }
  }

  #bridge(): HostBridge {
    return {
      call: (text) => {
        const asked = this.#meet("call", text);
        return asked?.kind === "call" ? asked.answer : SERVED;
      },
      note: (text) => {
        const place = toldPlace(text);
        if (place !== undefined) return this.#listener.place?.(this.#at, place);
        // What a virtual clock tells follows from its reads.
        if (!isClockNote(text)) this.#meet("note", text);
      },
      callBlocking: (text) => {
        const place = this.#at;
        return this.#meet("wait", text) === undefined ? NEVER : this.#answerAfter(place);
      },
    };
  }

  /** The answer to the wait at this place; where there is none, the run ended while the guest waited. */
  #answerAfter(place: number): Promise<Frame> | Frame {
    const { records } = this.#journal;
    for (let at = place + 1; at < records.length; at++) {
      const record = records[at]!;
      if (record.kind === "answer") return record.frame;
    }
    return NEVER;
  }

  /** The guest says something: compares it with the record, and returns that; undefined when the replay is over. */
  #meet(kind: Asked["kind"], text: string): Asked | undefined {
    if (this.#feed.isOver) return undefined;
    const then = this.#journal.records[this.#at] as Asked;
    this.#count++;
    const found = compareMessages(then, { kind, text });
    if (found !== undefined) {
      this.#differ(found);
      return undefined;
    }
    if (this.#isOpen && text.startsWith(CONSOLE_WRITE)) this.#print(text);
    this.#at++;
    this.#passBy();
    return then;
  }

  /** Goes on to the next message that is expected of the guest; past the last one the replay is over. */
  #passBy(): void {
    const { records } = this.#journal;
    for (; this.#at < records.length; this.#at++) {
      const record = records[this.#at]!;
      if (record.kind === "gate") this.#isOpen = record.isOpen;
      else if (record.kind === "said") this.#listener.said(record.text);
      else if (record.kind === "event") this.#listener.event();
      else if (isAsked(record)) return;
    }
    this.#ended.resolve();
    this.#feed.stop();
  }

  #print(text: string): void {
    const [, , args] = decodeValue(text) as [unknown, unknown, { stream: unknown; text: unknown }];
    if (typeof args.text !== "string") return;
    this.#outputLeft -= Buffer.byteLength(args.text);
    if (this.#outputLeft >= 0) this.#listener.output(args.stream === "stderr" ? "stderr" : "stdout", args.text);
  }

  #differ(how: string): void {
    const { facts } = this.#journal;
    this.stop(
      replayError(`message ${this.#count} of the script is another one than then: ${how}${whatChanged(facts)}`),
    );
  }

  async #toEnd(realm: Realm): Promise<void> {
    const feed = this.#feed;
    await feed.give(realm, this.#entries);
    while (!feed.isOver && feed.underWay > 0) await feed.change();
    // What the guest told last may be on its way.
    await new Promise((resolve) => setImmediate(resolve));
    if (feed.isOver) return;
    const { text } = this.#journal.records[this.#at] as Asked;
    this.#count++;
    this.#differ(`the script says nothing more now, and called "${opOf(text)}" then`);
  }

  /** What the script throws is told by the entries that follow; a realm that has gone ends the replay. */
  #onFailure(failure: RealmFailure): void {
    if (failure.kind === "thrown" || failure.kind === "load") return;
    this.stop(replayError(`its guest ended before the record did: ${failure.kind}`));
  }
}

/** @throws {GeppettoError} ReplayError where another JavaScript engine would run it. */
function checkEngine({ node, v8 }: JournalFacts): void {
  const own = engineVersions();
  if (own.node !== node) throw replayError(`it ran on Node ${node}, and this is Node ${own.node}`);
  if (own.v8 !== v8) throw replayError(`it ran on version ${v8} of V8, and this is version ${own.v8}`);
}

/** What may be why a script does something else: geppetto-js is not what it was then. */
function whatChanged({ product, runtime }: JournalFacts): string {
  const version = productVersion();
  if (product !== version) return `; geppetto-js was version ${product} then, and is ${version} now`;
  return runtime === runtimeHash() ? "" : "; what geppetto-js runs in the guest has changed since";
}

const NEVER = new Promise<Frame>(() => {});

function isAsked(record: JournalRecord): record is Asked {
  const { kind } = record;
  if (kind !== "call" && kind !== "wait" && kind !== "note") return false;
  return !isClockNote(record.text);
}
