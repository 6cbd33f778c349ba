import type { StepEvent } from "../shared/step-events.ts";

interface OfRun {
  /** The run of the code that it belongs to. */
  runId: string;
}

/** Something that a run of a model's code does, in the order in which it happens. */
export type CodeProgress = OfRun &
  (
    | { type: "output"; stream: "stdout" | "stderr"; text: string }
    | { type: "tool-call"; id: string; name: string; input: unknown }
    | { type: "tool-result"; id: string; name: string; durationMs: number; result?: unknown; error?: string }
    /** An event of a step or a model that the code has run. */
    | { type: "event"; event: StepEvent }
  );
