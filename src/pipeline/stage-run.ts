import type { Channel } from "./channel.ts";
import type { Stage, StageType } from "./stage.ts";
import { StageInput } from "./stage-input.ts";
import type { Hold } from "./weight.ts";
import { StageOutput, type OutgoingEdge } from "./stage-output.ts";

/** What one stage has done in one execution so far. Times in milliseconds; waiting is measured `withMetrics(true)`. */
export interface StageMetrics {
  stage: string;
  type: StageType;
  state: "running" | "completed" | "failed" | "stopped";
  elementsIn: number;
  elementsOut: number;
  /** Error elements handed on, and the failure that ended it. */
  errors: number;
  elapsedMs: number;
  waitingForInputMs: number;
  /** Waiting for the stages after it to take what it gives. */
  waitingForOutputMs: number;
  /** Elapsed time without waiting. */
  workingMs: number;
  /** Elements that wait for it now. */
  queueDepth: number;
  maxQueueDepth: number;
}

export interface StageRunOptions {
  runId: string;
  channel: Channel;
  edges: readonly OutgoingEdge[];
  timed: boolean;
  traced: boolean;
  startedAt: number;
  onMove: () => void;
  hold?: Hold | undefined;
}

/** Nobody takes what the stage gives any more: the reason for which it stops, and no failure. */
export const NOBODY_TAKES: Error = new DOMException("Nobody takes what this stage gives any more", "AbortError");

/** One stage in one execution. */
export class StageRun {
  readonly stage: Stage;
  readonly channel: Channel;
  state: StageMetrics["state"] = "running";
  readonly #options: StageRunOptions;
  readonly #controller = new AbortController();
  readonly #input: StageInput;
  readonly #output: StageOutput;
  #endedAt: number | undefined;

  constructor(stage: Stage, options: StageRunOptions) {
    const { channel, edges, timed, traced, startedAt, onMove, hold } = options;
    const { signal } = this.#controller;
    this.stage = stage;
    this.channel = channel;
    this.#options = options;
    this.#input = new StageInput({ channel, signal, onTake: onMove, timed: timed || traced, hold });
    this.#output = new StageOutput({
      stage: stage.name,
      edges,
      signal,
      onMove,
      tracedFrom: traced ? this.#input : undefined,
      startedAt,
    });
  }

  /** Resolves when the stage has ended; rejects with what it threw, unless it was told to stop. */
  async execute(): Promise<void> {
    const { signal } = this.#controller;
    const { edges, runId, onMove } = this.#options;
    try {
      // A stage that throws before its first await is no different from any other.
      await (async () =>
        this.stage.process(this.#input, this.#output, {
          signal,
          runId,
          outputs: edges.map(({ to }) => to),
          touch: onMove,
        }))();
      this.state = signal.aborted && signal.reason !== NOBODY_TAKES ? "stopped" : "completed";
    } catch (error) {
      this.state = signal.aborted ? (signal.reason === NOBODY_TAKES ? "completed" : "stopped") : "failed";
      if (this.state === "failed") throw error;
    } finally {
      this.end();
    }
  }

  /** Closes what it writes and drops what it reads. Idempotent. */
  end(): void {
    if (this.#endedAt !== undefined) return;
    this.#endedAt = performance.now();
    this.#output.close();
    this.#input.close();
    this.channel.abandon();
  }

  get hasEnded(): boolean {
    return this.#endedAt !== undefined;
  }

  stop(reason: unknown): void {
    this.#controller.abort(reason);
    this.channel.abandon();
  }

  /** Stops it when nobody takes what it gives any more. */
  stopIfUnwanted(): void {
    if (!this.hasEnded && this.#output.isUnwanted) this.stop(NOBODY_TAKES);
  }

  /** What it is doing, in words. */
  describe(): string {
    const what = this.#output.isWaiting ? "waiting for room" : this.#input.isWaiting ? "waiting for input" : "working";
    return `"${this.stage.name}" (${what})`;
  }

  get durationMs(): number {
    return (this.#endedAt ?? performance.now()) - this.#options.startedAt;
  }

  metrics(): StageMetrics {
    const { counts, waitingMs } = this.#output;
    const elapsedMs = this.durationMs;
    return {
      stage: this.stage.name,
      type: this.stage.type,
      state: this.state,
      elementsIn: this.channel.counts.taken,
      elementsOut: counts.written,
      errors: counts.errors + (this.state === "failed" ? 1 : 0),
      elapsedMs,
      waitingForInputMs: this.#input.waitingMs,
      waitingForOutputMs: waitingMs,
      workingMs: Math.max(0, elapsedMs - this.#input.waitingMs - waitingMs),
      queueDepth: this.channel.depth,
      maxQueueDepth: this.channel.counts.maxDepth,
    };
  }
}
