import { createDeferred } from "../../base/deferred.ts";
import type { Realm, RealmFailure, Source } from "../../sandbox/realm.ts";
import type { Frame } from "../../shared/frames.ts";

/** Entries that are under way at a time, and how much text and buffers they may hold, in characters and bytes. */
const WINDOW = 64;
const WINDOW_SIZE = 4 * 1024 * 1024;

/** What went into a guest, and goes in again. */
type FedEntry = { kind: "entry" | "deliver"; frame: Frame } | { kind: "run"; source: Source };

/** Gives a guest what went into it then, in order, and no more at a time than a bounded window of it. */
export class EntryFeed {
  readonly #onEnd: (failure: RealmFailure | undefined, place: number) => void;
  #isOver = false;
  #underWay = 0;
  #sizeUnderWay = 0;
  #onChange = (): void => {};

  /** @param onEnd told when the turn of the entry at this place is over */
  constructor(onEnd: (failure: RealmFailure | undefined, place: number) => void) {
    this.#onEnd = onEnd;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** Nothing more goes in. */
  stop(): void {
    this.#isOver = true;
    this.#onChange();
  }

  /** Resolves when all have gone in, or the feed was stopped. */
  async give(realm: Pick<Realm, "invoke" | "run">, entries: readonly FedEntry[]): Promise<void> {
    for (const [place, entry] of entries.entries()) {
      const size = sizeOf(entry);
      while (!this.#isOver && this.#isFull(size)) await this.change();
      if (this.#isOver) return;
      void this.#enter(realm, entry, place, size);
    }
  }

  /** Resolves when the next turn is over, or the feed is stopped. One waits for it at a time. */
  change(): Promise<void> {
    const { promise, resolve } = createDeferred();
    this.#onChange = resolve;
    return promise;
  }

  #isFull(size: number): boolean {
    return this.#underWay >= WINDOW || (this.#underWay > 0 && this.#sizeUnderWay + size > WINDOW_SIZE);
  }

  async #enter(realm: Pick<Realm, "invoke" | "run">, entry: FedEntry, place: number, size: number): Promise<void> {
    this.#underWay++;
    this.#sizeUnderWay += size;
    const failure = await (entry.kind === "run" ? realm.run(entry.source) : realm.invoke(entry.frame));
    this.#underWay--;
    this.#sizeUnderWay -= size;
    this.#onEnd(failure, place);
    this.#onChange();
  }
}

function sizeOf(entry: FedEntry): number {
  if (entry.kind === "run") return entry.source.code.length;
  let size = entry.frame.text.length;
  for (const { byteLength } of entry.frame.buffers ?? []) size += byteLength;
  return size;
}
