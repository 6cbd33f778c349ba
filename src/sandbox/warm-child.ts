import { setReferenced, type Child } from "./child.ts";
import type { FramePipe } from "./frame-pipe.ts";
import { MESSAGE, type Message } from "./message.ts";

/** The id of what a child is told between two realms; no turn has it. */
const RENEW_ID = 0;

export interface UsedChild {
  child: Child;
  pipe: FramePipe;
  /** Realms that it has had, and their CPU time together in milliseconds. */
  uses: number;
  cpuMs: number;
}

/**
 * A child whose realm has ended, and which makes another one: a fresh isolate with the guest runtime, in the same process.
 * It serves whoever was served before, and nobody else.
 */
export class WarmChild {
  readonly used: UsedChild;
  #isReady = false;
  #isTaken = false;
  readonly #onGone: () => void;

  /** @param onGone is called, at most once, when it has died before it was taken */
  constructor(used: UsedChild, onGone: () => void) {
    const { child, pipe } = used;
    this.used = used;
    this.#onGone = onGone;
    setReferenced(child, false);
    child.process.once("exit", this.#leave);
    pipe.listen({
      onMessage: (message) => {
        // A child that has nothing to do has nothing to say.
        if (!this.isStale(message)) this.#leave();
      },
      onEnd: this.#leave,
    });
    pipe.send({ type: MESSAGE.renew, id: RENEW_ID });
  }

  /** Whoever calls this listens to the pipe from now on. */
  take(): this {
    this.#isTaken = true;
    this.used.child.process.off("exit", this.#leave);
    return this;
  }

  /** Was this said before the new realm was there, or to say that it is? */
  isStale({ type, id }: Message): boolean {
    if (this.#isReady) return false;
    this.#isReady = type === MESSAGE.ready && id === RENEW_ID;
    return true;
  }

  end(): void {
    this.used.child.process.kill("SIGKILL");
  }

  readonly #leave = (): void => {
    if (this.#isTaken) return;
    this.#isTaken = true;
    this.end();
    this.#onGone();
  };
}
