import type { EventLoopUtilization } from "node:perf_hooks";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";

/** What a tenant may take of this process's time before others have theirs, in milliseconds. */
const BURST_MS = 25;
/** How long one who has taken none counts as one who wants some, in milliseconds. */
const RECENT_MS = 250;
/** Longest time that one is held back before it is looked at again, in milliseconds. */
const MAX_HOLD_MS = 250;

/** Longest time that work made of promises alone may hold up timers and I/O, in milliseconds. */
const MAX_RUN_MS = 10;
/** How often, and up to what, the work is weighed for which nobody is charged. */
const WINDOW_MS = 50;
const MAX_OVERHEAD = 4;

interface Account {
  /** Scripts that run. */
  scripts: number;
  /** Time taken that has not been made up for by waiting, in milliseconds, and when that was. */
  debtMs: number;
  at: number;
  /** Loops that wait for their turn, and what the next one has to wait for. */
  waiting: number;
  last: Promise<void> | undefined;
}

function newAccount(): Account {
  return { scripts: 0, debtMs: 0, at: 0, waiting: 0, last: undefined };
}

/**
 * The time of this process's only thread, by the tenants for whom it is spent. What comes for a tenant who has taken more
 * than a share of it lately waits, while others want theirs; a tenant who is alone never does. A piece of work that has
 * begun is not interrupted: that each is short is for its bounds.
 */
class HostTime {
  readonly #accounts = new Map<string, Account>();
  /** Of work for no script. */
  readonly #nobody = newAccount();
  #yieldedAt = 0;
  #measured: Account | undefined;
  /** How many times longer this thread works than tenants are charged for, as seen in the last window of time. */
  #overhead = 1;
  #chargedMs = 0;
  #windowAt = 0;
  #loop: EventLoopUtilization | undefined;

  /** Counts a script of a tenant's; call what it returns when the script has ended. */
  enter(tenant: string): () => void {
    const account = this.#accounts.get(tenant) ?? newAccount();
    this.#accounts.set(tenant, account);
    account.scripts++;
    // Whoever begins wants time.
    const now = performance.now();
    account.debtMs = this.#debtNow(account, now);
    account.at = now;
    return () => {
      // One who comes back soon has not made up for anything.
      if (--account.scripts === 0) setTimeout(() => this.#forget(tenant, account), MAX_HOLD_MS).unref();
    };
  }

  /** Are there several tenants? Where there are not, nothing has to be known of whom work is done for. */
  get isShared(): boolean {
    return this.#accounts.size > 1;
  }

  /** Charges a tenant for what goes on from now until this thread turns to something else. */
  charge(tenant: string): void {
    const account = this.#accounts.get(tenant);
    if (account !== undefined) this.#charge(account);
  }

  /** How long what comes for a tenant has to wait, in milliseconds; to be asked again then. */
  holdMs(tenant: string): number {
    const account = this.#accounts.get(tenant);
    return account === undefined ? 0 : this.#holdOf(account, performance.now());
  }

  #holdOf(account: Account, now: number): number {
    if (account.debtMs <= BURST_MS) return 0;
    const others = this.#othersOf(account, now);
    if (others.length === 0) return 0;
    const factor = waitFactor(others.length);
    const excessMs = debtOf(account, now, factor) - BURST_MS;
    // Who has taken least never waits for those who have taken more.
    const leastMs = Math.min(...others.map((other) => debtOf(other, now, factor)));
    return Math.max(0, Math.min(MAX_HOLD_MS, (excessMs - leastMs) * factor));
  }

  /**
   * What a loop is to await that works for a tenant, and may never have to wait for anything else: undefined where it may
   * go on at once. Of those that wait for one tenant one goes on in each turn of the event loop.
   */
  turn(tenant: string): Promise<void> | undefined {
    const account = this.#accounts.get(tenant) ?? this.#nobody;
    const now = performance.now();
    if (account.waiting > 0 || now - this.#yieldedAt > MAX_RUN_MS || this.#holdOf(account, now) > 0) {
      return this.#wait(account);
    }
    this.#charge(account);
    return undefined;
  }

  async #wait(account: Account): Promise<void> {
    const { promise: next, resolve: letNext } = Promise.withResolvers<void>();
    const before = account.last;
    account.last = next;
    account.waiting++;
    await before;
    await nextTurn();
    for (let ms = this.#holdOf(account, performance.now()); ms > 0; ms = this.#holdOf(account, performance.now())) {
      await sleep(ms);
    }
    account.waiting--;
    this.#yieldedAt = performance.now();
    this.#charge(account);
    setImmediate(letNext);
  }

  #charge(account: Account): void {
    if (!this.isShared || this.#measured !== undefined) return;
    this.#measured = account;
    const startedAt = performance.now();
    // When the promises that follow from it have been served, and those that follow from them.
    queueMicrotask(() =>
      process.nextTick(() => {
        this.#measured = undefined;
        const now = performance.now();
        const spentMs = now - startedAt;
        account.debtMs = this.#debtNow(account, now) + spentMs * this.#overhead;
        account.at = now;
        this.#chargedMs += spentMs;
        if (now - this.#windowAt > WINDOW_MS) this.#weighOverhead(now);
      }),
    );
  }

  /** What this thread did that nobody was charged for, sockets for example, is shared out alike. */
  #weighOverhead(now: number): void {
    const loop = performance.eventLoopUtilization();
    const { active } = performance.eventLoopUtilization(loop, this.#loop);
    // The first window after a while without several tenants says nothing of now.
    const isWhole = now - this.#windowAt < 2 * WINDOW_MS && this.#chargedMs > 0;
    this.#overhead = isWhole ? Math.min(MAX_OVERHEAD, Math.max(1, active / this.#chargedMs)) : 1;
    this.#loop = loop;
    this.#chargedMs = 0;
    this.#windowAt = now;
  }

  #debtNow(account: Account, now: number): number {
    return account.debtMs === 0 ? 0 : debtOf(account, now, waitFactor(this.#othersOf(account, now).length));
  }

  /** Who else wants some time. */
  #othersOf(account: Account, now: number): Account[] {
    return [...this.#accounts.values()].filter((other) => other !== account && now - other.at < RECENT_MS);
  }

  #forget(tenant: string, account: Account): void {
    if (account.scripts === 0 && this.#accounts.get(tenant) === account) this.#accounts.delete(tenant);
  }
}

/** How much longer than it takes one waits for what is beyond its share: half of the time is nobody's. */
function waitFactor(others: number): number {
  return others === 0 ? 1 : 2 * (others + 1);
}

function debtOf({ debtMs, at }: Account, now: number, factor: number): number {
  return Math.max(0, debtMs - (now - at) / factor);
}

/** The time of this process. */
export const hostTime: HostTime = new HostTime();
