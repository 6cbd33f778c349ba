import { type UsedChild, WarmChild } from "./warm-child.ts";

/** Realms that one child has, one after the other: what V8 and the allocator keep of each goes with the child. */
const MAX_USES = 500;
/** CPU time of all of them together, in milliseconds: the system gives a strict child ten times as much. */
const MAX_CPU_MS = 60_000;
/** How long a child is kept for a tenant that has nothing to run, in milliseconds. */
const IDLE_MS = 30_000;

/** Where a process realm finds a child that has served before, and leaves its own. */
export interface ChildShelf {
  take(): WarmChild | undefined;
  /** Says whether the child is kept; otherwise it is to be ended. */
  keep(used: UsedChild): boolean;
}

interface Kept {
  tenant: string;
  warm: WarmChild;
  timer: NodeJS.Timeout;
}

/** Children that wait for the next script of their tenant. No tenant ever gets another one's. */
export class TenantChildren {
  readonly #size: number;
  /** The one that was used last comes last. */
  readonly #kept = new Set<Kept>();
  #isClosed = false;

  /** @param size most that are kept, of all tenants together; whichever has waited longest goes first */
  constructor(size: number) {
    this.#size = size;
  }

  of(tenant: string): ChildShelf {
    return {
      take: () => this.#take(tenant),
      keep: (used) => this.#keep(tenant, used),
    };
  }

  close(): void {
    this.#isClosed = true;
    for (const kept of this.#kept) this.#drop(kept);
  }

  #take(tenant: string): WarmChild | undefined {
    const kept = [...this.#kept].findLast((one) => one.tenant === tenant);
    if (kept === undefined) return undefined;
    this.#forget(kept);
    return kept.warm.take();
  }

  #keep(tenant: string, used: UsedChild): boolean {
    if (this.#isClosed || used.uses >= MAX_USES || used.cpuMs > MAX_CPU_MS) return false;
    const warm = new WarmChild(used, () => this.#forget(kept));
    const kept: Kept = { tenant, warm, timer: setTimeout(() => this.#drop(kept), IDLE_MS).unref() };
    this.#kept.add(kept);
    const [oldest] = this.#kept;
    if (this.#kept.size > this.#size) this.#drop(oldest!);
    return true;
  }

  #drop(kept: Kept): void {
    this.#forget(kept);
    kept.warm.take().end();
  }

  #forget(kept: Kept): void {
    clearTimeout(kept.timer);
    this.#kept.delete(kept);
  }
}
