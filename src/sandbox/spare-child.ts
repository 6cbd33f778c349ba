import { type ChildOptions, dropSpare, prestart } from "./child.ts";

/** How many keep a child of a kind ready. */
const keepers = new Map<string, number>();

/** Keeps a child ready for the next process realm of its user, as long as that says so. All who keep one of a kind share it. */
export class SpareChild {
  readonly #options: ChildOptions;
  readonly #kind: string;
  #isKept = false;

  constructor(options: ChildOptions) {
    this.#options = options;
    this.#kind = options.hardening === "strict" ? `strict ${options.memoryMB}` : "standard";
  }

  /** Starts one, where none is ready. It does not keep this process alive. */
  keep(): void {
    if (!this.#isKept) keepers.set(this.#kind, (keepers.get(this.#kind) ?? 0) + 1);
    this.#isKept = true;
    prestart(1, this.#options);
  }

  /** Ends it, unless others keep one of the kind. */
  drop(): void {
    if (!this.#isKept) return;
    this.#isKept = false;
    const others = keepers.get(this.#kind)! - 1;
    if (others > 0) keepers.set(this.#kind, others);
    else {
      keepers.delete(this.#kind);
      dropSpare(this.#options);
    }
  }
}
