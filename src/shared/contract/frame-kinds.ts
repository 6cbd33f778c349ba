/** Every kind of entry: what the host says when it enters the guest. */
import type { ErrorRecord, Outcome } from "../frames.ts";
import type { SourcePositions } from "../source-positions.ts";
import type { EventFrame } from "../step-events.ts";
import type { Seed } from "../random.ts";
import type { ClockConfig, FeatureConfigs, FeatureName } from "./features.ts";
import { named } from "./op.ts";
import type { SessionPlan } from "./sessions.ts";

/** A kind of entry as both sides know it; the type alone keeps what belongs to it. */
export interface FrameKind<Body extends readonly unknown[] = never> {
  readonly name: string;
  readonly types?: (...body: Body) => void;
}

function kind<Body extends readonly unknown[]>(): Omit<FrameKind<Body>, "name"> {
  return {};
}

/** A limit that the guest keeps to itself: how many there may be, and the error for one more. */
export interface GuestLimit {
  most: number;
  error: ErrorRecord;
}

export interface GuestLimits {
  timers: GuestLimit;
  runs: GuestLimit;
  ops: GuestLimit;
  /** Of calls and runs under way, together. */
  argumentChars: GuestLimit;
}

/** What a script is told about itself. */
export interface ScriptContext {
  argv: string[];
  env: Record<string, string>;
  input?: string;
}

/** What a script's `execution` is: one attempt at it. */
export interface ExecutionBegin {
  id: string;
  /** From 1. */
  attempt: number;
  /** It outlives its process. */
  isDurable: boolean;
  /** What the last checkpoint was given. */
  state?: unknown;
  /** Of one that outlives its process: where time and chance come from. */
  clock?: ClockConfig;
  seed?: Seed;
}

const DECLARED = {
  /** Switches a feature of the guest on. */
  feature_install: kind<[feature: FeatureName, config: FeatureConfigs[FeatureName]]>(),
  /** What the guest may have under way, and the errors for more. */
  limits_set: kind<[limits: GuestLimits]>(),
  /** Calls that are traced say what they are made for. */
  tracing_set: kind<[]>(),
  global_set: kind<[name: string, value: unknown]>(),
  /** An execution of a script begins, or a further attempt at one. */
  execution_begin: kind<[execution: ExecutionBegin]>(),
  /** The attempt of this number goes on from where the one before it was: its clock is its machine's again. */
  attempt_live: kind<[attempt: number]>(),
  /** A script begins; before its first line. */
  script_begin: kind<[context: ScriptContext]>(),
  /** Where the lines of a script that was put together come from. */
  positions_set: kind<[positions: SourcePositions]>(),
  /** Evaluates a session's code; answered by `session_settle`. */
  session_run: kind<[id: number, plan: SessionPlan, awaits: boolean]>(),
  /** The guest is to take what a module of the session's imports, from this code's on. */
  session_import: kind<[file: string, positions: SourcePositions[]]>(),
  /** What could follow such a name or path in a session's code. */
  session_complete: kind<[path: string[], prefix: string]>(),
  /** Forgets what a session has declared. */
  session_end: kind<[]>(),
  /** Forgets what is pending. */
  guest_reset: kind<[scriptBegins: boolean]>(),
  /** Enters with the entry that follows, of that kind, and answers by `check_settle` what came of it. */
  entry_check: kind<[id: number, kind: string, ...body: unknown[]]>(),
  /** What is known of the error with this message that left the guest last. */
  error_recall: kind<[message: string]>(),

  /** Where time is virtual: how much of it has passed, in milliseconds. */
  clock_jump: kind<[elapsedMs: number]>(),
  timer_fire: kind<[id: number]>(),
  /** The outcome of an asynchronous op. */
  call_settle: kind<[callId: number, outcome: Outcome]>(),
  event_deliver: kind<[runId: string, event: EventFrame]>(),
  /** The guest tells how many events of this run it has taken, and until the next one comes of each at once. */
  acks_now: kind<[runId: string]>(),
  /** Calls a function for a run; answered by `run_answer`. */
  run_call: kind<[runId: string, callId: number, name: string, args: unknown]>(),
  /** Nobody waits for what is still done for this run. */
  run_abort: kind<[runId: string, callId: number]>(),
  /** So many more results of this run have been taken. */
  run_resume: kind<[runId: string, count: number]>(),
};

export const FRAMES: ReturnType<typeof named<typeof DECLARED>> = named(DECLARED);
