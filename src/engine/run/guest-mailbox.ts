import { createDeferred, type Deferred } from "../../base/deferred.ts";
import type { WaitAnswer } from "../../shared/contract/runs.ts";

/** What a guest that waits for a run with its thread is told, one thing for each time that it asks. */
export class GuestMailbox {
  readonly #answers: WaitAnswer[] = [];
  #waiter: Deferred<void> | undefined;
  #idle: Deferred<void> | undefined;
  #isClosed = false;

  tell(answer: WaitAnswer): void {
    this.#answers.push(answer);
    this.#waiter?.resolve();
  }

  /** Resolves with what the guest is told next. One caller at a time. */
  async next(): Promise<WaitAnswer> {
    while (this.#answers.length === 0) {
      this.#waiter = createDeferred();
      await this.#waiter.promise;
    }
    const answer = this.#answers.shift()!;
    if (this.#answers.length === 0) this.#idle?.resolve();
    return answer;
  }

  /** Resolves when the guest has been told all that there is, or nobody tells it anything any more. */
  async idle(): Promise<void> {
    if (this.#answers.length === 0 || this.#isClosed) return;
    this.#idle ??= createDeferred();
    await this.#idle.promise;
  }

  close(): void {
    this.#isClosed = true;
    this.#idle?.resolve();
  }
}
