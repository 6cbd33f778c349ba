/**
 * Bodies of the steps that are made in the guest. A body is a generator that says what it needs, one effect at a time,
 * and never how to wait for it: one driver does so with promises, the other blocks. So each combinator is written once.
 */
import type { StepBinding } from "./runs.ts";
import type { AbortSignal } from "./web/abort.ts";

/** What a body of a guest's step can ask for. The value of the `yield` is what came of it; failures are thrown into it. */
export type Effect =
  /** Calls a function of the script's and waits for what it returns. */
  | { do: "call"; fn: (...args: never[]) => unknown; args: readonly unknown[]; what: string }
  /** Runs another step to its end; gives the array of its results. */
  | { do: "run"; step: object; binding: StepBinding; input: unknown; onDelta?: (delta: string) => void }
  /** Waits. */
  | { do: "sleep"; ms: number }
  /** Drives several bodies, at most `limit` at a time; gives what they returned, in order. The first failure ends all. */
  | { do: "all"; bodies: readonly (() => EffectBody)[]; limit: number }
  /** Hands out a result, or a piece of text, and waits until there is room for more. */
  | { do: "result"; value: unknown }
  | { do: "delta"; text: string };

export type EffectBody = Generator<Effect, unknown, unknown>;

/** What a step does with its input; its results go out by effects. */
export type Body = (input: unknown, run: BodyRun) => EffectBody;

/** What a body may know of its run. */
export interface BodyRun {
  readonly id: string;
  /** Aborted when the run is cancelled. */
  readonly signal: AbortSignal;
  /** The results so far, as they are. */
  readonly results: unknown[];
}

/** What crosses for something that a body hands out. */
export type Given = { kind: "result"; value: unknown } | { kind: "emission"; emission: { type: "partial"; delta: string } };

