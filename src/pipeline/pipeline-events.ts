import { timeSource } from "../base/time/time-source.ts";
import type { Publisher } from "../events/bus.ts";
import type { StageType } from "./stage.ts";

interface PipelineEventFields {
  /** Id of the execution. */
  runId: string;
  /** Name of the pipeline. */
  pipeline: string;
  /** Counts the events of an execution from 0. */
  seq: number;
  /** Milliseconds since the epoch. */
  time: number;
}

/**
 * What happens in one execution, in this order: it starts, its stages start and end, it ends. Each stage that starts ends
 * once: completed, failed, or aborted because it was told to stop before it was done, whether or not it has done so.
 */
export type PipelineEvent = PipelineEventFields &
  (
    | { type: "pipeline.started"; stages: string[] }
    | { type: "pipeline.completed"; durationMs: number }
    | { type: "pipeline.failed"; durationMs: number; error: string; code: string }
    | { type: "stage.started"; stage: string; stageType: StageType }
    | { type: "stage.completed"; stage: string; stageType: StageType; durationMs: number }
    | { type: "stage.failed"; stage: string; stageType: StageType; durationMs: number; error: string }
    | { type: "stage.aborted"; stage: string; stageType: StageType; durationMs: number }
  );

/** An event without what all have. */
export type PipelineEmission = PipelineEvent extends infer E
  ? E extends PipelineEvent
    ? Omit<E, keyof PipelineEventFields>
    : never
  : never;

export interface PipelineEventsOptions {
  runId: string;
  pipeline: string;
  /** Publishes to the topic `pipeline.{runId}`. */
  bus: Pick<Publisher, "publish"> | undefined;
}

/** Publishes the events of one execution. A slow subscriber holds back its own events and not the pipeline. */
export class PipelineEvents {
  #seq = 0;
  readonly #options: PipelineEventsOptions;

  constructor(options: PipelineEventsOptions) {
    this.#options = options;
  }

  emit(emission: PipelineEmission): void {
    const { bus, runId, pipeline } = this.#options;
    if (bus === undefined) return;
    const event = { ...emission, runId, pipeline, seq: this.#seq++, time: timeSource().now() };
    // What a subscriber fails to take is lost to it, not to the pipeline.
    bus.publish(`pipeline.${runId}`, event).catch(() => {});
  }

  /** The execution has ended with what may be anything: a caller's reason, what an input threw. */
  emitFailure(durationMs: number, failure: unknown): void {
    const { message, code } = (failure ?? {}) as { message?: unknown; code?: unknown };
    const error = typeof message === "string" ? message : String(failure);
    this.emit({ type: "pipeline.failed", durationMs, error, code: typeof code === "string" ? code : "ERR_ABORTED" });
  }
}
