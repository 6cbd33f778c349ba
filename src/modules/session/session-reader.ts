import type { ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import { endWithThisProcess } from "../../base/start-process.ts";
import { endGroup, setReferenced, startCodeProcess } from "../code-process.ts";
import type { Reading, ReadingAnswer, ReadingOrder } from "./session-messages.ts";

/** Longest code of one run, in characters. */
export const MAX_SESSION_CHARS = 1_000_000;

/** How long the reading of one run's code may take, in milliseconds, with the start of the process that does it. */
const READ_MS = 30_000;
/** How long the process waits for more code, in milliseconds. */
const IDLE_MS = 30_000;

/** Reads the code of one session in a process of its own, which starts when it is needed and ends when it is not. */
export class SessionReader {
  #child: ChildProcess | undefined;
  #nextId = 1;
  #settle: ((answer: ReadingAnswer | undefined) => void) | undefined;
  #idle: NodeJS.Timeout | undefined;

  /**
   * What the code is made into; undefined where that took too long, or was the end of the process. One at a time.
   * Rejects with the signal's reason.
   *
   * @throws {GeppettoError} StepError ERR_ENGINE_START where the system has no room for the process.
   */
  async read(name: string, code: string, signal: AbortSignal): Promise<Reading | undefined> {
    signal.throwIfAborted();
    const child = this.#take();
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<ReadingAnswer | undefined>();
    this.#settle = (answer) => {
      if (answer === undefined || answer.id === id) resolve(answer);
    };
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const timer = setTimeout(() => resolve(undefined), READ_MS);
    const letBe = endWithThisProcess(child, () => endGroup(child));
    let answer: ReadingAnswer | undefined;
    try {
      child.send({ id, name, code } satisfies ReadingOrder, () => {});
      answer = await promise;
    } finally {
      this.#settle = undefined;
      letBe();
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      if (answer === undefined) this.close();
      else this.#rest();
    }
    return answer;
  }

  /** Ends the process. The reader can be used again. */
  close(): void {
    clearTimeout(this.#idle);
    if (this.#child !== undefined) endGroup(this.#child);
    this.#child = undefined;
  }

  #take(): ChildProcess {
    clearTimeout(this.#idle);
    const child = (this.#child ??= this.#start());
    setReferenced(child, true);
    return child;
  }

  #start(): ChildProcess {
    const child = startCodeProcess(
      "a session's code",
      createRequire(import.meta.url).resolve("#session-child"),
      "KILL",
    );
    const onEnd = (): void => {
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#settle?.(undefined);
    };
    child.once("exit", onEnd).once("error", onEnd);
    child.on("message", (answer: ReadingAnswer) => this.#settle?.(answer));
    return child;
  }

  #rest(): void {
    if (this.#child !== undefined) setReferenced(this.#child, false);
    this.#idle = setTimeout(() => this.close(), IDLE_MS).unref();
  }
}
