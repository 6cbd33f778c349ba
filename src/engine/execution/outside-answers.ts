import { createDeferred, type Deferred } from "../../base/deferred.ts";
import type { OutsidePart } from "./tape-record.ts";

/** What is on record of one thing that was asked for outside. While the execution is brought back its parts come one by one. */
export class OutsideAnswers {
  /** What was asked has begun, and nobody has said since that it is to be asked again. */
  hasBegun = false;
  /** All of it is on record. */
  isWhole = false;
  /** Where the first of several values stands on the tape. */
  firstItemAt: number | undefined;
  /** Of values that broke off: the script has seen something that came of them. */
  isShown = false;
  /** The question that is open, whose answer somebody is to give. */
  asked: (OutsidePart & { type: "asked" }) | undefined;
  /** Values since it was asked last, and those before that, which nobody gets. */
  #items = 0;
  #forgotten = 0;
  readonly #ready: OutsidePart[] = [];
  #more: Deferred<void> | undefined;

  begin(): void {
    this.hasBegun = true;
  }

  /** Reading the tape. */
  add(part: OutsidePart, place: number): void {
    if (part.type === "item") {
      this.firstItemAt ??= place;
      this.#items++;
    }
    if (part.type === "asked") this.asked = part;
    if (part.type === "again") {
      this.hasBegun = false;
      this.asked = undefined;
      this.firstItemAt = undefined;
      this.#forgotten += this.#items;
      this.#items = 0;
    }
    if (part.type === "value" || part.type === "error" || part.type === "end") this.isWhole = true;
  }

  /** This part has come, now that the execution is brought back to where it did. */
  release(part: OutsidePart): void {
    if (part.type === "asked" || part.type === "again") return;
    if (part.type === "item" && this.#forgotten > 0) {
      this.#forgotten--;
      return;
    }
    this.#ready.push(part);
    this.#more?.resolve();
  }

  /** The next part that has come; undefined where none has. */
  take(): OutsidePart | undefined {
    return this.#ready.shift();
  }

  /** The next part, when it comes. */
  async next(): Promise<OutsidePart> {
    while (this.#ready.length === 0) {
      this.#more = createDeferred();
      await this.#more.promise;
    }
    return this.#ready.shift()!;
  }
}
