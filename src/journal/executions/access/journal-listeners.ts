import type { HeldExecution, JournalNews } from "./journal-desk.ts";

/** Whom a {@link JournalDesk} is told of: for whom it watches, and what they hold. */
export interface DeskOrders {
  watch(id: string): void;
  unwatch(id: string): void;
  hold(held: HeldExecution): void;
  letGo(held: HeldExecution): void;
}

/** Of what somebody wants to hear: of all changes, or only of those that others make. */
export type WatchedChanges = "all" | "others";

/** Hears that another attempt has it now, or that nothing is kept of it any more. */
export type OnLost = (isGone: boolean) => void;

interface Watcher {
  changes: WatchedChanges;
  onChange(): void;
}

/** Those who listen to news of a journal. */
export class JournalListeners {
  readonly #desk: DeskOrders;
  readonly #watchers = new Map<string, Set<Watcher>>();
  readonly #holders = new Map<string, OnLost>();

  constructor(desk: DeskOrders) {
    this.#desk = desk;
  }

  get areWatching(): boolean {
    return this.#watchers.size > 0;
  }

  watch(id: string, onChange: () => void, changes: WatchedChanges): () => void {
    let own = this.#watchers.get(id);
    if (own === undefined) {
      this.#watchers.set(id, (own = new Set()));
      this.#desk.watch(id);
    }
    const watcher = { changes, onChange };
    own.add(watcher);
    return () => {
      if (!own.delete(watcher) || own.size > 0) return;
      this.#watchers.delete(id);
      this.#desk.unwatch(id);
    };
  }

  hold(id: string, fence: number, onLost: OnLost): () => void {
    const key = keyOf({ id, fence });
    this.#holders.set(key, onLost);
    this.#desk.hold({ id, fence });
    return () => {
      if (this.#holders.delete(key)) this.#desk.letGo({ id, fence });
    };
  }

  tell({ changed, written, lost }: JournalNews): void {
    for (const held of lost) {
      const key = keyOf(held);
      const onLost = this.#holders.get(key);
      this.#holders.delete(key);
      onLost?.(held.isGone === true);
    }
    for (const id of changed) this.#watchers.get(id)?.forEach(({ onChange }) => onChange());
    for (const id of written)
      this.#watchers.get(id)?.forEach(({ changes, onChange }) => {
        if (changes === "all") onChange();
      });
  }

  /** The journal is closed: whoever waits is to look, and will hear of it. */
  wakeAll(): void {
    for (const own of this.#watchers.values()) own.forEach(({ onChange }) => onChange());
  }
}

function keyOf({ id, fence }: HeldExecution): string {
  return `${fence} ${id}`;
}
