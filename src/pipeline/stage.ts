import type { ContentKind, StreamElement } from "./elements/element.ts";

/**
 * How what a stage gives relates to what it takes: transform 1:1 or 1:N, accumulate N:1, generate 0:N, sink N:0,
 * bidirectional: both at once. A word for people, pictures and events; no stage is run differently for it.
 */
export type StageType = "transform" | "accumulate" | "generate" | "sink" | "bidirectional";

/**
 * What comes into a stage, in order, and only once: several loops share the elements. Ends when all stages before it
 * have ended. Rejects with `signal.reason` when the stage is to stop.
 */
export interface ElementReader extends AsyncIterable<StreamElement> {
  /** All elements that wait, at least one; undefined at the end. Faster than one by one where they come in floods. */
  readBatch(): Promise<readonly StreamElement[] | undefined>;
}

export interface WriteOptions {
  /** The stages that get it, by name, instead of all that accept its kind. */
  to?: readonly string[];
}

/** Where a stage's results go: to every connected stage that accepts their kind; signals to all. */
export interface ElementWriter {
  /**
   * Hands an element on. Await it: it resolves when there is room for more.
   *
   * @throws {unknown} `signal.reason` when the stage is to stop; a StageError for an element of a kind that nobody
   *   accepts, for a stage in `to` that is not connected, and after the stage's own end.
   */
  write(element: StreamElement, options?: WriteOptions): Promise<void>;
  /** Hands elements on together, as many at a time as there is room for. */
  writeBatch(elements: Iterable<StreamElement>): Promise<void>;
}

export interface StageContext {
  /**
   * Aborted when the stage is to stop: another has failed, the run was cancelled or took too long, or nobody takes what
   * it gives any more. Pass it to everything that waits.
   */
  readonly signal: AbortSignal;
  /** Id of the execution. */
  readonly runId: string;
  /** The stages that this one is connected to. */
  readonly outputs: readonly string[];
  /** Says that work goes on where no element moves, so that the idle time-out starts anew. */
  touch(): void;
}

/**
 * A unit of a pipeline. One stage may serve several executions at a time: what it remembers of one belongs into
 * `process`.
 */
export interface Stage {
  /** Unique in its pipeline. */
  readonly name: string;
  readonly type: StageType;
  /** The kinds of content that it takes; default all. Signals come always. */
  readonly accepts?: readonly ContentKind[];
  /** Most stages that may be connected into it; default no limit. */
  readonly maxInputs?: number;
  /** The stages that it hands elements to by name: they have to be connected. */
  readonly destinations?: readonly string[];
  /**
   * Does the work of one execution. The stage has ended when it resolves: its output is closed then, and what is left of
   * its input is dropped. A rejection ends the whole execution with a StageError that names the stage.
   */
  process(input: ElementReader, output: ElementWriter, context: StageContext): Promise<void>;
}
