/**
 * What a step is in the guest. The body of one that was made here is a generator that says what it needs, one effect at a
 * time, and never how to wait for it: it is driven with promises, or within one turn. So each combinator is written once.
 *
 * A body has no `yield*` and no `for…of`: those ask a prototype that belongs to the script for an iterator.
 */
import type { Interception } from "../../../src/shared/contract/runs.ts";
import type { StepInfo } from "../../../src/shared/step-events.ts";
import type { AbortSignal } from "../web/abort.ts";

/** Where a step's work is done, and how values change on the way. */
export interface StepBinding extends StepInfo {
  /** The name under which the host knows the step. */
  step: string;
  /** The binding for this input, where it depends on it. */
  forInput?(input: unknown): StepBinding;
  /** For a step of the host's: what crosses for an input. */
  toInput?(input: unknown): unknown;
  /** What a script gets for a result that crossed: of a step of the host's, or of a run that was kept. */
  fromResult?(result: unknown): unknown;
  /** Functions that the step may call back, by name. */
  functionsOf?(input: unknown): Record<string, RunFunction>;
  /** For a step that was made here: what it does. */
  body?: Body;
}

/** A function that a run may call back, for example a tool. */
export type RunFunction = (args: unknown, signal: AbortSignal, run: BodyRun) => unknown;

/** Calls a function of the script's and waits for what it returns. */
export interface CallEffect {
  do: "call";
  fn: (...args: never[]) => unknown;
  args: readonly unknown[];
  /** For an error's text: "the function of the lambda step". */
  what: string;
  /** What it returns is a result of the step, or all of them: so is the text of the one run that it starts at once. */
  givesResult?: boolean;
}

/** Runs another step to its end; gives the array of its results. */
export interface RunEffect {
  do: "run";
  step: object;
  binding: StepBinding;
  input: unknown;
  /** Its pieces of text, tool events and results are handed out as this step's own, as they come. */
  forwards?: boolean;
  /** Its pieces of text are this step's own; its results are not handed out. */
  streams?: boolean;
  /** Of several that stream at a time: which it is. */
  part?: number;
  /** Where it forwards: hears of each result before it is handed out. */
  onResult?: (result: unknown) => void;
  /** Fails with a TimeoutError after this many milliseconds. */
  timeoutMs?: number;
  interception?: Interception;
}

/** Drives several bodies, at most `limit` at a time; gives what they returned, in order. The first failure ends all. */
export interface AllEffect {
  do: "all";
  bodies: readonly (() => EffectBody)[];
  limit: number;
}

/** Hands out a result and waits until there is room for more. */
export interface ResultEffect {
  do: "result";
  value: unknown;
  /** The part of several that this is the last result of. */
  endsPart?: number | undefined;
}

/** What a body can ask for. The value of the `yield` is what came of it; failures are thrown into it. */
export type Effect =
  | CallEffect
  | RunEffect
  | AllEffect
  /** Waits. */
  | { do: "sleep"; ms: number }
  | ResultEffect;

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
  /** The one who started it waits with its thread: whatever it needs has to be there within the turn. */
  readonly isWaitedFor: boolean;
}
