import type { StreamElement } from "./element.ts";

/** One stage on an element's way; the ones before it hang on it, so that branches share what they have in common. */
export interface TraceHop {
  readonly stage: string;
  /** Milliseconds since the run began: when the stage took it, or what it was made of. */
  readonly enteredMs: number;
  /** When the stage handed it on. */
  readonly leftMs: number;
  readonly previous: TraceHop | undefined;
}

/** A hop as {@link traceOf} shows it. */
export type TraceStep = Omit<TraceHop, "previous">;

/**
 * The way of an element, first stage first; empty without `withTracing(true)`. What a stage makes anew goes on from the
 * element that the stage took last.
 */
export function traceOf({ trace }: StreamElement): TraceStep[] {
  const steps: TraceStep[] = [];
  for (let hop = trace; hop !== undefined; hop = hop.previous) {
    const { stage, enteredMs, leftMs } = hop;
    steps.push({ stage, enteredMs, leftMs });
  }
  return steps.toReversed();
}
