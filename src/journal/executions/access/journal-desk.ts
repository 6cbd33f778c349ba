import { JournalTables } from "../tables/journal-tables.ts";
import { perform, type JournalOutcome, type JournalRequest } from "../tables/perform.ts";

/** An execution that this process holds. */
export interface HeldExecution {
  id: string;
  fence: number;
}

/** What those who listen are to be told. */
export interface JournalNews {
  /** Executions of which something may have changed. */
  changed: string[];
  /** Executions that whoever holds them here has written: what they are told has not changed by that. */
  written: string[];
  /** What another attempt has taken over, or what is gone. */
  lost: (HeldExecution & { isGone?: boolean })[];
}

export const NO_NEWS: Readonly<JournalNews> = { changed: [], written: [], lost: [] };

/** What only the holder of an execution does. */
const HOLDERS_OPS: ReadonlySet<string> = new Set(["append", "restart", "release"]);

/** Serves the tables of a journal, and knows who wants to hear of what. */
export class JournalDesk {
  readonly #tables: JournalTables;
  /** What was last seen of those that are watched. */
  readonly #watched = new Map<string, string>();
  readonly #held = new Map<string, HeldExecution>();

  constructor(tables: JournalTables) {
    this.#tables = tables;
  }

  get isWatching(): boolean {
    return this.#watched.size > 0;
  }

  watch(id: string): void {
    this.#watched.set(id, this.#versionOf(id));
  }

  unwatch(id: string): void {
    this.#watched.delete(id);
  }

  hold(held: HeldExecution): void {
    this.#held.set(held.id, held);
  }

  letGo({ id, fence }: HeldExecution): void {
    if (this.#held.get(id)?.fence === fence) this.#held.delete(id);
  }

  perform(requests: readonly JournalRequest[]): { outcomes: JournalOutcome[] } & JournalNews {
    const outcomes = perform(this.#tables, requests);
    const changes = requests.filter(({ op }) => !JournalTables.isRead(op));
    const watched = (isOwn: boolean): string[] => {
      const ids = changes.filter(({ op }) => HOLDERS_OPS.has(op) === isOwn).flatMap(idOf);
      return [...new Set(ids)].filter((id) => this.#watched.has(id));
    };
    const moved = changes.filter(({ op }) => op === "resume" || op === "cancel").flatMap(idOf);
    return { outcomes, changed: watched(false), written: watched(true), lost: this.#lostOf(new Set(moved)) };
  }

  /** Says that what this process holds goes on. */
  heartbeat(): JournalNews {
    const keys = [...this.#held.values()].map((held) => ({ ...held, attempt: 0 }));
    if (keys.length === 0) return { ...NO_NEWS };
    const [outcome] = perform(this.#tables, [{ op: "renew", args: [keys] }]);
    return { ...NO_NEWS, lost: "value" in outcome! ? this.#forget(outcome.value as HeldExecution[]) : [] };
  }

  /** What other processes have changed. */
  poll(): JournalNews {
    const changed: string[] = [];
    for (const [id, seen] of this.#watched) {
      const now = this.#versionOf(id);
      if (now !== seen) changed.push(id);
      this.#watched.set(id, now);
    }
    return { ...NO_NEWS, changed };
  }

  #lostOf(ids: ReadonlySet<string>): HeldExecution[] {
    const held = [...ids].flatMap((id) => this.#held.get(id) ?? []);
    return this.#forget(held.filter(({ id, fence }) => this.#fenceOf(id) !== fence));
  }

  #forget(lost: HeldExecution[]): HeldExecution[] {
    for (const { id } of lost) this.#held.delete(id);
    return lost;
  }

  #fenceOf(id: string): unknown {
    return (JSON.parse(this.#versionOf(id)) as { fence?: number } | null)?.fence;
  }

  /** "null" where it cannot be read: whoever asks for more will hear why. */
  #versionOf(id: string): string {
    const [outcome] = perform(this.#tables, [{ op: "version", args: [id] }]);
    return "value" in outcome! ? (outcome.value as string) : "null";
  }
}

/** The execution that a request is about. */
function idOf({ args: [first] }: JournalRequest): string[] {
  if (typeof first === "string") return [first];
  return "id" in first ? [first.id] : [];
}
