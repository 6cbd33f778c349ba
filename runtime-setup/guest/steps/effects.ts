/**
 * Bodies of the steps that are made in the guest. A body is a generator that says what it needs, one effect at a time,
 * and never how to wait for it: one driver does so with promises, the other blocks. So each combinator is written once.
 *
 * A body has no `yield*` and no `for…of`: those ask a prototype that belongs to the script for an iterator.
 */
import type { StepBinding } from "./runs.ts";
import type { AbortSignal } from "../web/abort.ts";

/** Calls a function of the script's and waits for what it returns. */
export interface CallEffect {
  do: "call";
  fn: (...args: never[]) => unknown;
  args: readonly unknown[];
  /** For an error's text: "the function of the lambda step". */
  what: string;
}

/** Runs another step to its end; gives the array of its results. */
export interface RunEffect {
  do: "run";
  step: object;
  binding: StepBinding;
  input: unknown;
  /** Its pieces of text, tool events and results are handed out as this step's own, as they come. */
  forwards?: boolean;
  /** Where it forwards: hears of each result before it is handed out. */
  onResult?: (result: unknown) => void;
  /** Fails with a TimeoutError after this many milliseconds. */
  timeoutMs?: number;
  /** What a feature of the host's is to put around it. */
  interceptor?: Interceptor;
}

/** Something of the host's around a step, for one run. */
export interface Interceptor {
  name: string;
  args: object;
}

/** What a body of a guest's step can ask for. The value of the `yield` is what came of it; failures are thrown into it. */
export type Effect =
  | CallEffect
  | RunEffect
  /** Waits. */
  | { do: "sleep"; ms: number }
  /** Drives several bodies, at most `limit` at a time; gives what they returned, in order. The first failure ends all. */
  | { do: "all"; bodies: readonly (() => EffectBody)[]; limit: number }
  /** Hands out a result and waits until there is room for more. */
  | { do: "result"; value: unknown };

export type EffectBody = Generator<Effect, unknown, unknown>;

/** What a step does with its input; its results go out by effects. When its run is cancelled only its `finally` runs. */
export type Body = (input: unknown, run: BodyRun) => EffectBody;

/** What a body may know of its run. */
export interface BodyRun {
  readonly id: string;
  /** Aborted when the run is cancelled. */
  readonly signal: AbortSignal;
  /** The results so far, as they are. */
  readonly results: unknown[];
  /** What has gone out so far cannot be taken back. */
  readonly progress: { hasEmitted: boolean };
  /** The host keeps what is handed out: it is to know where a copy is not as good. */
  readonly isKept: boolean;
}
