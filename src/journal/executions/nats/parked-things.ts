/** For how long something is kept that somebody may go on with, in milliseconds. */
const PARKED_MS = 20_000;

/** Keeps what somebody may go on with in a moment, by what it is known by: so many at most, and each for a while. */
export class ParkedThings<Thing> {
  readonly #most: number;
  readonly #end: (thing: Thing) => void;
  readonly #parked = new Map<string, { thing: Thing; timer: NodeJS.Timeout }>();

  /** @param end is called with what nobody has taken */
  constructor(most: number, end: (thing: Thing) => void) {
    this.#most = most;
    this.#end = end;
  }

  keep(key: string, thing: Thing): void {
    if (this.#parked.has(key) || this.#parked.size >= this.#most) {
      this.#end(thing);
      return;
    }
    const timer = setTimeout(() => this.#end(this.take(key)!), PARKED_MS).unref();
    this.#parked.set(key, { thing, timer });
  }

  take(key: string): Thing | undefined {
    const parked = this.#parked.get(key);
    clearTimeout(parked?.timer);
    this.#parked.delete(key);
    return parked?.thing;
  }

  clear(): void {
    for (const key of this.#parked.keys()) this.#end(this.take(key)!);
  }
}
