import { abortable } from "../../base/abortable.ts";
import type { TimeSource } from "../../base/time/time-source.ts";
import type { Channel } from "./channel.ts";
import type { Stage, StageType } from "../stage.ts";
import { StageInput } from "./stage-input.ts";
import type { Reserve } from "../elements/element-bytes.ts";
import { StageOutput, type OutgoingEdge } from "./stage-output.ts";

/** What one stage has done in one execution so far. Times in milliseconds; waiting is measured only `withMetrics(true)`, else all time counts as work. */
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
  /** Elements that wait for it now, and most that ever did. That is up to the machine: both are 0 where time is virtual. */
  queueDepth: number;
  maxQueueDepth: number;
}

export interface StageRunOptions {
  runId: string;
  channel: Channel;
  edges: readonly OutgoingEdge[];
  timed: boolean;
  traced: boolean;
  time: TimeSource;
  /** On its clock of {@link TimeSource.steady}. */
  startedAt: number;
  onMove: () => void;
  reserve?: Reserve | undefined;
}

/** Nobody takes what the stage gives any more: the reason for which it stops, and no failure. */
export const NO_READERS: Error = new DOMException("Nothing reads the output of this stage any more", "AbortError");

/** Stages that follow each other, of which the first does the work of all. */
export interface StageRow {
  /** What each of them has for its work. */
  process(run: StageRun): Promise<void>;
  /** What they are doing, in words. */
  describe(): string;
}

/** One stage in one execution. */
export class StageRun {
  readonly stage: Stage;
  readonly channel: Channel;
  state: StageMetrics["state"] = "running";
  readonly #options: StageRunOptions;
  readonly #controller = new AbortController();
  readonly input: StageInput;
  readonly output: StageOutput;
  #row: StageRow | undefined;
  readonly #ended = Promise.withResolvers<void>();
  #endedAt: number | undefined;

  constructor(stage: Stage, options: StageRunOptions) {
    const { channel, edges, timed, traced, time, startedAt, onMove, reserve } = options;
    const { signal } = this.#controller;
    this.stage = stage;
    this.channel = channel;
    this.#options = options;
    this.input = new StageInput({ channel, signal, onTake: onMove, timed, traced, time, reserve });
    this.output = new StageOutput({
      stage: stage.name,
      edges,
      signal,
      onMove,
      timed,
      tracedFrom: traced ? this.input : undefined,
      time,
      startedAt,
    });
  }

  /**
   * Resolves when the stage has ended, or {@link end} has gone on without it, which leaves it "running"; rejects with
   * what it threw, unless it was told to stop.
   */
  async execute(): Promise<void> {
    const { signal } = this.#controller;
    try {
      await this.#work();
      if (this.hasEnded) return;
      this.state = signal.aborted && signal.reason !== NO_READERS ? "stopped" : "completed";
    } catch (error) {
      this.state = signal.aborted ? (signal.reason === NO_READERS ? "completed" : "stopped") : "failed";
      if (this.state === "failed") throw error;
    } finally {
      this.end();
    }
  }

  /** Has the row do what it would do. */
  joinRow(row: StageRow): void {
    this.#row = row;
  }

  /** Counts elements that went by, and errors among them, as if it had taken and given them. */
  countPassed(elements: number, errors: number): void {
    this.channel.counts.taken += elements;
    this.output.counts.written += elements;
    this.output.counts.errors += errors;
  }

  /** Virtual time stands still while it works, until it is told to stop. */
  #work(): Promise<void> {
    const { time } = this.#options;
    const work = (): Promise<void> => Promise.race([this.#process(), this.#ended.promise]);
    if (!time.isVirtual || this.#row !== undefined) return work();
    const { signal } = this.#controller;
    let worked = Promise.resolve();
    void time.counted(async () => {
      worked = work();
      // However it ends, whoever waits for the stage hears of it.
      await abortable(worked, signal).catch(() => {});
    });
    return worked;
  }

  /** A stage that throws before its first await is no different from any other. */
  async #process(): Promise<void> {
    const { signal } = this.#controller;
    if (this.#row !== undefined) return this.#row.process(this);
    const { edges, runId, onMove: touch } = this.#options;
    await this.stage.process(this.input, this.output, { signal, runId, outputs: edges.map(({ to }) => to), touch });
  }

  /** Closes what it writes and drops what it reads. Idempotent. */
  end(): void {
    if (this.#endedAt !== undefined) return;
    this.#endedAt = this.#options.time.steady();
    this.#ended.resolve();
    this.output.close();
    this.input.close();
    this.channel.abandon();
  }

  get hasEnded(): boolean {
    return this.#endedAt !== undefined;
  }

  stop(reason: unknown): void {
    this.#controller.abort(reason);
    this.channel.abandon();
  }

  /** Stops it when nobody takes what it gives any more, and says whether it did. */
  stopIfUnwanted(): boolean {
    if (this.hasEnded || this.#controller.signal.aborted || !this.output.isUnwanted) return false;
    this.stop(NO_READERS);
    return true;
  }

  /** What it is doing, in words. */
  describe(): string {
    if (this.#row !== undefined) return `"${this.stage.name}" (${this.#row.describe()})`;
    const what = this.output.waiting.isWaiting
      ? "waiting for room"
      : this.input.waiting.isWaiting
        ? "waiting for input"
        : "working";
    return `"${this.stage.name}" (${what})`;
  }

  get durationMs(): number {
    const { time, startedAt } = this.#options;
    return (this.#endedAt ?? time.steady()) - startedAt;
  }

  metrics(): StageMetrics {
    const { counts } = this.output;
    const { isVirtual } = this.#options.time;
    const elapsedMs = this.durationMs;
    const waitingForInputMs = this.input.waiting.ms;
    const waitingForOutputMs = this.output.waiting.ms;
    return {
      stage: this.stage.name,
      type: this.stage.type,
      state: this.state,
      elementsIn: this.channel.counts.taken,
      elementsOut: counts.written,
      errors: counts.errors + (this.state === "failed" ? 1 : 0),
      elapsedMs,
      waitingForInputMs,
      waitingForOutputMs,
      workingMs: Math.max(0, elapsedMs - waitingForInputMs - waitingForOutputMs),
      queueDepth: isVirtual ? 0 : this.channel.depth,
      maxQueueDepth: isVirtual ? 0 : this.channel.counts.maxDepth,
    };
  }
}
