import type { ErrorName, GeppettoError } from "../../../shared/errors.ts";
import type { JournalRequest } from "../tables/perform.ts";
import type { HeldExecution, JournalNews } from "./journal-desk.ts";

/** How the thread of a journal answers who waits for it; it is started with this, and with what is its own. */
export interface ThreadAnswers {
  /** Set to 1, and those who wait on it woken, when an answer has been sent through `answers`. */
  answered: Int32Array<SharedArrayBuffer>;
  answers: import("node:worker_threads").MessagePort;
}

export type NumberedRequest = JournalRequest & {
  number: number;
  /** Does the other thread wait? */
  isSync: boolean;
};

export type ToJournalThread =
  | { kind: "requests"; requests: readonly NumberedRequest[] }
  | { kind: "watch" | "unwatch"; id: string }
  | { kind: "hold" | "letGo"; held: HeldExecution }
  | { kind: "close" };

/** An error of ours, as it crosses. */
export interface SentError {
  name: ErrorName;
  message: string;
  code: string;
  isTransient: boolean;
}

export type NumberedAnswer = { number: number } & ({ value: unknown } | { error: SentError });

export type FromJournalThread =
  | { kind: "opened"; error?: SentError }
  | { kind: "answers"; answers: readonly NumberedAnswer[]; news: JournalNews }
  | { kind: "news"; news: JournalNews };

export function toSent({ name, message, code, isTransient }: GeppettoError): SentError {
  return { name: name as ErrorName, message, code, isTransient };
}

/** The answer to who waits: one thread asks, and waits for one answer at a time. */
export function answerNow({ answered, answers }: ThreadAnswers, answer: NumberedAnswer): void {
  answers.postMessage(answer);
  Atomics.store(answered, 0, 1);
  Atomics.notify(answered, 0);
}
