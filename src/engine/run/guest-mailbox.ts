import { createDeferred, type Deferred } from "../../base/deferred.ts";
import { encodeValue } from "../../shared/codec.ts";
import type { WaitAnswer } from "../../shared/contract/runs.ts";
import type { Outcome } from "../../shared/frames.ts";

/** What a guest that waits for a run with its thread is told, one thing for each time that it asks. */
export class GuestMailbox {
  readonly #answers: WaitAnswer[] = [];
  #waiter: Deferred<void> | undefined;
  #idle: Deferred<void> | undefined;
  #isClosed = false;

  /** @throws {GeppettoError} for what cannot cross: as the answer of an op it would be the guest's failure, not the run's. */
  tell(answer: WaitAnswer): void {
    encodeValue({ ok: true, value: answer } satisfies Outcome, { buffers: [], exotic: "omit" });
    this.#answers.push(answer);
    this.#waiter?.resolve();
  }

  /** The guest is not to make this call, if it has not been told of it. */
  withdraw(callId: number): void {
    const index = this.#answers.findIndex(({ call }) => call?.callId === callId);
    if (index === -1) return;
    this.#answers.splice(index, 1);
    if (this.#answers.length === 0) this.#becomeIdle();
  }

  /** Resolves with what the guest is told next. One caller at a time. */
  async next(): Promise<WaitAnswer> {
    while (this.#answers.length === 0) {
      this.#waiter = createDeferred();
      await this.#waiter.promise;
    }
    const answer = this.#answers.shift()!;
    if (this.#answers.length === 0) this.#becomeIdle();
    return answer;
  }

  /** Has the guest been told all that there is? */
  get isIdle(): boolean {
    return this.#answers.length === 0 || this.#isClosed;
  }

  /** Resolves when the guest has been told all that there is, or nobody tells it anything any more. */
  async idle(): Promise<void> {
    if (this.isIdle) return;
    this.#idle ??= createDeferred();
    await this.#idle.promise;
  }

  close(): void {
    this.#isClosed = true;
    this.#becomeIdle();
  }

  #becomeIdle(): void {
    this.#idle?.resolve();
    this.#idle = undefined;
  }
}
