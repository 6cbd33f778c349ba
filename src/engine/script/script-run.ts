import type { ResultCopy } from "../../shared/contract/ops.ts";
import { toErrorRecord, GeppettoError } from "../../shared/errors.ts";
import type { ErrorRecord } from "../../shared/frames.ts";
import type { Waiting } from "../../journal/executions/journal.ts";
import { createDeferred } from "../../base/deferred.ts";

/**
 * Why a script is over.
 * - completed: its body has settled and nothing was pending
 * - done, exit: it called `done()`, `process.exit()`
 * - uncaught: an error that nobody caught
 * - load: it does not parse, or imports what cannot be imported
 * - stalled: it awaits what nothing can settle any more
 * - limit: a limit ended it · aborted: the host's signal did · crashed: the realm is gone
 * - suspended: it waits for long, and goes on when somebody resumes its execution
 */
export type ScriptEnd =
  | "completed"
  | "done"
  | "exit"
  | "uncaught"
  | "load"
  | "stalled"
  | "limit"
  | "aborted"
  | "crashed"
  | "suspended";

/** An error of a script as plain data. */
export interface ScriptError extends ErrorRecord {
  /** The host itself made this error (a provider failed, a permission was refused …), whatever the script did with it. */
  fromHost: boolean;
}

export interface ScriptStats {
  durationMs: number;
  cpuMs: number;
  turns: number;
}

/** What a script was waiting for. */
export interface PendingWork {
  /** A name for each run, with its model where that is known: "chat (gpt-5-mini)". */
  runs: string[];
  timers: number;
  ops: number;
}

export interface ScriptOutcome {
  ok: boolean;
  end: ScriptEnd;
  /** A copy of the result: what `done` was given, or the default export. */
  value?: unknown;
  /** The result as `console.log` shows it. */
  text?: string;
  /** What `process.exit` was given, or `process.exitCode` set to, 0 to 63. */
  exitCode?: number;
  error?: ScriptError;
  /** Errors of runs that nobody in the script has looked at; with one a script has failed, however else it ended. */
  unhandledErrors?: ScriptError[];
  /** What was under way when a limit ended it. */
  pending?: PendingWork;
  /** What a suspended one waits for. */
  waitsFor?: readonly Waiting[];
  /** Somebody has cancelled its execution, for good. */
  isCancelled?: boolean;
  stats: ScriptStats;
  /** Of a script that was put together from modules: their texts, by the names that its stacks have. */
  sources?: Readonly<Record<string, string>>;
}

type State = "running" | "settled" | "ended";

/** Most errors that are kept until somebody looks at them. */
const MAX_UNHANDLED = 100;

/** One execution of a script: running until its body settles, then until nothing is pending, then ended, for good. */
export class ScriptRun {
  readonly #ended = createDeferred<Omit<ScriptOutcome, "stats" | "sources">>();
  #state: State = "running";
  #result: ResultCopy = {};
  #cutOff = false;
  /** Errors that nobody has looked at, by the ids of their runs. */
  readonly #unhandled = new Map<string, ScriptError>();
  /** What `process.exitCode` says. */
  exitCode: number | undefined;

  get over(): boolean {
    return this.#state === "ended";
  }

  /** Resolves when the script is over. */
  get ended(): Promise<Omit<ScriptOutcome, "stats" | "sources">> {
    return this.#ended.promise;
  }

  /** The body has run to its end. */
  settle(result: ResultCopy): void {
    if (this.#state !== "running") return;
    this.#state = "settled";
    const { uncopied: _, ...copied } = result;
    this.#result = copied;
  }

  /** Nothing strong is pending; `empty` when nothing at all is. */
  idle(empty: boolean): void {
    if (this.#state === "settled") this.#end({ ...this.#success(), end: "completed", ...this.#result });
    else if (this.#state === "running" && empty) this.fail("stalled", { ...STALLED, fromHost: true });
  }

  /** A limit or the host ended the script while it may still have been running. */
  get cutOff(): boolean {
    return this.#cutOff;
  }

  done({ uncopied: _, ...result }: ResultCopy): void {
    this.#end({ ...this.#success(), end: "done", ...result });
  }

  exit(exitCode: number): void {
    this.#end({ ok: exitCode === 0, end: "exit", exitCode });
  }

  /** Somebody has cancelled its execution. */
  cancel(error: ScriptError): void {
    if (!this.over) this.#cutOff = true;
    this.#end({ ok: false, end: "aborted", error, isCancelled: true });
  }

  /** @param told the error with what is still to be found out; the script is over all the same */
  fail(end: ScriptEnd, error: ScriptError, pending?: PendingWork, told?: Promise<ScriptError>): void {
    if (!this.over) this.#cutOff = end === "limit" || end === "aborted" || end === "crashed";
    this.#end({ ok: false, end, error, ...(pending === undefined ? {} : { pending }) }, told);
  }

  /** It waits for long: this much of it is over. */
  suspend(waitsFor: readonly Waiting[]): void {
    if (!this.over) this.#cutOff = true;
    this.#end({ ok: true, end: "suspended", waitsFor });
  }

  /** A run has failed. */
  keepError(runId: string, error: ScriptError): void {
    if (this.#unhandled.size < MAX_UNHANDLED) this.#unhandled.set(runId, error);
  }

  /** The script has looked at the run's error. */
  lookAtError(runId: string): void {
    this.#unhandled.delete(runId);
  }

  #success(): { ok: boolean; exitCode?: number } {
    const { exitCode } = this;
    return exitCode === undefined ? { ok: true } : { ok: exitCode === 0, exitCode };
  }

  #end(outcome: Omit<ScriptOutcome, "stats" | "sources">, told?: Promise<ScriptError>): void {
    if (this.over) return;
    this.#state = "ended";
    const ended = this.#withUnhandled(outcome);
    if (told === undefined) this.#ended.resolve(ended);
    else void told.then((error) => this.#ended.resolve({ ...ended, error }));
  }

  #withUnhandled(outcome: Omit<ScriptOutcome, "stats" | "sources">): Omit<ScriptOutcome, "stats" | "sources"> {
    const unhandledErrors = [...this.#unhandled.values()];
    const [error] = unhandledErrors;
    if (error === undefined || outcome.end === "aborted" || outcome.end === "suspended") return outcome;
    return { error, ...outcome, ok: false, unhandledErrors };
  }
}

/** What becomes of a script that was ended before it had begun. */
export function failedOutcome(end: ScriptEnd, error: GeppettoError): ScriptOutcome {
  return {
    ok: false,
    end,
    error: { ...toErrorRecord(error), fromHost: true },
    stats: { durationMs: 0, cpuMs: 0, turns: 0 },
  };
}

/** Why its host has ended a script. */
export function abortedError(): GeppettoError {
  return new GeppettoError("AbortError", "The script was aborted by its host", { code: "ERR_ABORTED" });
}

/** Why somebody has ended an execution. */
export function cancelledError(): GeppettoError {
  return new GeppettoError("AbortError", "The execution was cancelled", { code: "ERR_ABORTED" });
}

const STALLED: ErrorRecord = {
  name: "Error",
  message: "The script awaits a promise that nothing can settle: no timer, run or operation is pending",
  code: "ERR_SCRIPT_STALLED",
};
