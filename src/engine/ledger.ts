/** A "wait" is an op whose answer may take days. */
export type HoldKind = "turn" | "timer" | "run" | "op" | "wait";

/**
 * Counts what keeps a script going. It schedules nothing: it knows how many holds there are and says when the last
 * strong one is gone. A weak hold may still wake the script but does not keep a settled one alive.
 */
export class Ledger {
  readonly #counts = new Map<HoldKind, number>();
  #strong = 0;
  #weak = 0;
  #chars = 0;
  readonly #releaseListeners: (() => void)[] = [];
  /** Called whenever no strong hold is left. */
  onIdle: () => void = () => {};
  /** Called whenever a hold has gone. */
  onRelease: () => void = () => {};

  /** Takes a hold; the function that it returns releases it, once. */
  hold(kind: HoldKind, { weak = false }: { weak?: boolean } = {}): () => void {
    this.take(kind, weak);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.letGo(kind, weak);
    };
  }

  /** Takes a hold, for whoever is certain to let it go once. */
  take(kind: HoldKind, weak = false): void {
    this.#count(kind, 1);
    if (weak) this.#weak++;
    else this.#strong++;
  }

  letGo(kind: HoldKind, weak = false): void {
    this.#count(kind, -1);
    if (weak) this.#weak--;
    else this.#strong--;
    if (this.#strong === 0) this.onIdle();
    this.onRelease();
    for (const listener of this.#releaseListeners) listener();
  }

  /** Resolves when there is no hold of these kinds. */
  without(...kinds: HoldKind[]): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (kinds.every((kind) => this.count(kind) === 0)) resolve();
      };
      this.#releaseListeners.push(look);
      look();
    });
  }

  /** Counts arguments of a guest's that are kept; the function that it returns, called once, gives them back. */
  reserve(chars: number): () => void {
    this.keep(chars);
    return () => this.keep(-chars);
  }

  /** Counts so many more of them, or fewer. */
  keep(chars: number): void {
    this.#chars += chars;
  }

  /** No strong hold is left: a settled script is over. */
  get idle(): boolean {
    return this.#strong === 0;
  }

  /** Are there no holds but of these kinds, and no weak ones? */
  holdsOnly(...kinds: HoldKind[]): boolean {
    return this.#weak === 0 && this.#strong === kinds.reduce((sum, kind) => sum + this.count(kind), 0);
  }

  /** No hold of any kind is left: nothing can wake the script any more. */
  get empty(): boolean {
    return this.#strong === 0 && this.#weak === 0;
  }

  /** Characters of arguments that are kept. */
  get chars(): number {
    return this.#chars;
  }

  count(kind: HoldKind): number {
    return this.#counts.get(kind) ?? 0;
  }

  #count(kind: HoldKind, by: number): void {
    this.#counts.set(kind, this.count(kind) + by);
  }
}
