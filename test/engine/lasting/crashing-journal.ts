import type {
  ExecutionChange,
  ExecutionLease,
  ExecutionRecord,
  Journal,
} from "../../../src/journal/executions/journal.ts";

/** Where an attempt is killed: before its n-th write, from 1, is kept, or right after that. */
export interface Crash {
  at: number;
  when: "before" | "after";
}

/** Stands for the end of the process: nothing that comes after it is kept, or heard of. */
export class CrashingJournal {
  readonly #journal: Journal;
  readonly #crash: Crash | undefined;
  readonly #onCrash: () => void;
  #hasCrashed = false;
  writes = 0;

  /** @param onCrash told at the moment of the crash */
  constructor(journal: Journal, crash?: Crash, onCrash: () => void = () => {}) {
    this.#journal = journal;
    this.#crash = crash;
    this.#onCrash = onCrash;
  }

  get hasCrashed(): boolean {
    return this.#hasCrashed;
  }

  /** The journal as an attempt sees it. */
  get journal(): Journal {
    return new Proxy(this.#journal, {
      get: (journal, name) => {
        if (name === "begin") {
          return async (...args: Parameters<Journal["begin"]>) => this.#lease(await journal.begin(...args));
        }
        if (name === "resume") {
          return async (id: string) => this.#lease(await journal.resume(id, { takeOver: true }));
        }
        const value = Reflect.get(journal, name) as unknown;
        return typeof value === "function" ? (value.bind(journal) as unknown) : value;
      },
    });
  }

  #lease(lease: ExecutionLease): ExecutionLease {
    return new Proxy(lease, {
      get: (_, name) => {
        if (name === "append") {
          return async (records: readonly ExecutionRecord[], change?: ExecutionChange) => {
            this.#before();
            await lease.append(records, change);
            this.#after();
          };
        }
        if (name === "appendSync") {
          return (records: readonly ExecutionRecord[], change?: ExecutionChange) => {
            this.#before();
            lease.appendSync(records, change);
            this.#after();
          };
        }
        if (name === "release") {
          return async (change?: ExecutionChange) => {
            if (!this.#hasCrashed) await lease.release(change);
          };
        }
        const value = Reflect.get(lease, name) as unknown;
        return typeof value === "function" ? (value.bind(lease) as unknown) : value;
      },
    });
  }

  #before(): void {
    this.writes++;
    this.#look("before");
  }

  #after(): void {
    this.#look("after");
  }

  #look(when: Crash["when"]): void {
    if (this.#crash?.at === this.writes && this.#crash.when === when && !this.#hasCrashed) {
      this.#hasCrashed = true;
      this.#onCrash();
    }
    if (this.#hasCrashed) throw new Error("the process has ended");
  }
}
