import type { EngineLimits } from "../limits.ts";
import type { RunScriptOptions } from "../engine-options.ts";
import type { ScriptError, ScriptOutcome } from "../script/script-run.ts";
import type { GeppettoError } from "../../shared/errors.ts";
import type { FieldsOf } from "../../shared/wrong-option.ts";

/** What a session has from its beginning to its end. */
export interface SessionOptions extends Pick<
  RunScriptOptions,
  "args" | "env" | "input" | "tenant" | "context" | "onEvent"
> {
  /** Where the code's imports and paths start from; default the working directory. */
  folder?: string;
  /** Code whose value is a promise has come to its end when that has settled, with its value. Default true. */
  awaits?: boolean;
  /** The last value that is not undefined is to be had as `_`. Default false. */
  keepsLast?: boolean;
  /** Hears of errors that nobody caught while no code of the session's was running. Default: the engine's `onGuestError`. */
  onError?: (error: ScriptError) => void;
  /** Hears, once, that the session has ended by itself: its guest has gone, with all that was declared. */
  onEnd?: (reason: GeppettoError) => void;
}

export const SESSION_OPTIONS: FieldsOf<SessionOptions> = {
  args: true,
  env: true,
  input: true,
  tenant: true,
  context: true,
  onEvent: true,
  folder: true,
  awaits: true,
  keepsLast: true,
  onError: true,
  onEnd: true,
};

/** What one run of a session has for itself. */
export interface SessionRunOptions extends Pick<
  RunScriptOptions,
  "runId" | "tenant" | "context" | "onEvent" | "signal"
> {
  /** The name that stacks have; default "session-1.js", and so on. */
  name?: string;
  /** Where this code's imports and paths start from; default the session's folder. */
  folder?: string;
  /** What `input()` gives, from this run on; default as before. */
  input?: string;
  /** Bounds of this run beside those of the engine: the lower one counts. */
  limits?: SessionRunLimits;
}

/** All that a part of a session can be bounded by: the rest belongs to its engine. */
export type SessionRunLimits = Pick<Partial<EngineLimits>, "wallMs" | "cpuMs" | "turnMs">;

export const SESSION_RUN_LIMITS: FieldsOf<SessionRunLimits> = {
  wallMs: "milliseconds",
  cpuMs: "milliseconds",
  turnMs: "milliseconds",
};

export const SESSION_RUN_OPTIONS: FieldsOf<SessionRunOptions> = {
  runId: true,
  tenant: true,
  context: true,
  onEvent: true,
  signal: true,
  name: true,
  folder: true,
  input: true,
  limits: true,
};

/** Where in a session's code something is. */
export interface SessionPlace {
  /** The name of the run's code: "session-1.js". */
  file: string;
  /** Both from 1. */
  line: number;
  column: number;
}

/** How one run of a session has ended. The session goes on, unless {@link isOver} says otherwise. */
export interface SessionOutcome extends ScriptOutcome {
  /** The name of its code. */
  name: string;
  /** Where the error is. */
  place?: SessionPlace;
  /** The code ends before it is complete; nothing of it has run. */
  isIncomplete?: true;
  /** The session is over: its guest has gone, and with it what was declared. */
  isOver?: true;
}
