/** A realm without a guest: turns end when the test says so. */
import { EntryQueue } from "../../../src/engine/entry-queue.ts";
import { Ledger } from "../../../src/engine/ledger.ts";
import type { EntryOptions, Realm, RealmFailure } from "../../../src/sandbox/realm.ts";
import { FRAMES } from "../../../src/shared/contract/frame-kinds.ts";
import { decodeValue } from "../../../src/shared/decode.ts";
import type { Frame } from "../../../src/shared/frames.ts";

/** A turn that is under way. */
export interface Turn {
  /** Its entry, decoded: version, kind, body. */
  entry: unknown[];
  options: EntryOptions;
  end(failure?: RealmFailure): void;
}

export class FakeRealm implements Realm {
  ended = (): Promise<void> => Promise.resolve();
  readonly disposed = false;
  readonly tainted = false;
  onGone: (failure: RealmFailure) => void = () => {};
  /** The turns under way, in order. */
  readonly turns: Turn[] = [];
  /** Every entry so far. */
  readonly entries: unknown[][] = [];

  invoke({ text, buffers = [] }: Frame, options: EntryOptions = {}): Promise<RealmFailure | undefined> {
    const entry = decodeValue(text, buffers) as unknown[];
    this.entries.push(entry);
    return new Promise((resolve) => {
      const turn: Turn = {
        entry,
        options,
        end: (failure) => {
          this.turns.splice(this.turns.indexOf(turn), 1);
          resolve(failure);
        },
      };
      this.turns.push(turn);
    });
  }

  run(): Promise<RealmFailure | undefined> {
    return Promise.resolve(undefined);
  }

  dispose(): void {}

  stats(): { cpuMs: number } {
    return { cpuMs: 0 };
  }
}

export class QueueFixture {
  readonly realm: FakeRealm = new FakeRealm();
  readonly ledger: Ledger = new Ledger();
  readonly failures: RealmFailure[] = [];
  /** How often there were more entries than the guest may cause. */
  floods = 0;
  timeoutMs: number | undefined;
  readonly queue: EntryQueue = new EntryQueue(this.realm, this.ledger, {
    onFailure: (failure) => this.failures.push(failure),
    onFlood: () => void this.floods++,
    timeoutMs: () => this.timeoutMs,
  });

  /** Enters with a timer, which is as good as any. */
  enter(id: number): Promise<boolean> {
    return this.queue.enter(FRAMES.timer_fire, id);
  }

  /** The ids of the timers that have gone in so far. */
  get entered(): unknown[] {
    return this.realm.entries.map(([, , id]) => id);
  }
}
