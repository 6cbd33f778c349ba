import { timeSource } from "../../base/time/time-source.ts";
import type { Publisher } from "../../events/bus.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { Channel } from "./channel.ts";
import type { StreamElement } from "../elements/element.ts";
import { HandingRow, rowsThatHandOn } from "./hand-on.ts";
import { InputFeeder, type PipelineInput } from "./input-feeder.ts";
import { PipelineEvents } from "../pipeline-events.ts";
import type { PipelineConfig } from "../graph/pipeline-config.ts";
import type { PipelineGraph } from "../graph/pipeline-graph.ts";
import type { Stage } from "../stage.ts";
import { StageError } from "../stage-error.ts";
import type { OutgoingEdge } from "./stage-output.ts";
import { type StageMetrics, StageRun } from "./stage-run.ts";
import { toMermaid } from "../graph/to-mermaid.ts";
import { type Reserve, elementBytes } from "../elements/element-bytes.ts";

export interface PipelineRunOptions {
  pipeline: string;
  graph: PipelineGraph;
  config: PipelineConfig;
  bus: Pick<Publisher, "publish"> | undefined;
  input: PipelineInput;
  signal: AbortSignal | undefined;
  reserve: Reserve | undefined;
  /** Resolves when it may begin. */
  admitted: (signal: AbortSignal) => Promise<() => void>;
}

/** How long a reader waits for stages that were told to stop, in milliseconds. */
const END_GRACE_MS = 250;

/**
 * One execution of a pipeline: its output, as it comes. It has begun when it is made and goes on as far as the buffers
 * reach; whoever does not read it to its end has to leave the loop or call {@link cancel}.
 *
 * When iterated it throws what ended the execution early: a StageError for the first stage that failed, a TimeoutError,
 * the reason of the caller's signal, or what the input threw. What had reached the output before comes first, unless the
 * caller has cancelled. Everything has stopped by then, but for stages that take longer than 250 ms to stop: see {@link ended}.
 */
export class PipelineRun implements AsyncIterable<StreamElement> {
  readonly #time = timeSource();
  readonly id: string = this.#time.uuid();
  /** Resolves when its stages have ended, or have had `gracefulShutdownTimeoutMs` to stop, whatever the outcome. */
  readonly ended: Promise<void>;
  readonly #options: PipelineRunOptions;
  readonly #abort = new AbortController();
  readonly #output: Channel;
  readonly #stages: StageRun[] = [];
  readonly #startedAt: number = this.#time.steady();
  readonly #timers: NodeJS.Timeout[] = [];
  #lastMoveAt: number = performance.now();
  #hasFailed = false;
  #failure: unknown;
  #hasEnded = false;
  #feeder: InputFeeder | undefined;
  /** The stages that are connected into each. */
  #sources = new Map<string, StageRun[]>();
  #batch: StreamElement[] = [];
  #next = 0;

  constructor(options: PipelineRunOptions) {
    this.#options = options;
    const { config, graph, reserve } = options;
    this.#output = new Channel({
      name: "output",
      capacity: config.channelBufferSize,
      priority: config.priorityQueue,
      writers: graph.leaves.length,
      reserve,
    });
    this.ended = this.#execute();
  }

  /** Ends the execution; whoever iterates it gets `reason`, by default an AbortError. Nothing happens when it has ended. */
  cancel(reason: unknown = new DOMException("The execution was cancelled", "AbortError")): void {
    if (this.#hasEnded) return;
    this.#fail(reason);
    this.#output.abandon();
  }

  /** What each stage has done so far, in the order in which they were added. */
  metrics(): StageMetrics[] {
    return this.#stages.map((stage) => stage.metrics());
  }

  /** The pipeline's picture with the figures of this execution so far, as a Mermaid flowchart. */
  toMermaid(): string {
    return toMermaid(this.#options.graph, this.metrics());
  }

  [Symbol.asyncIterator](): AsyncIterator<StreamElement, undefined> {
    return {
      next: () => this.#takeOne() ?? this.#readOne(),
      return: async () => {
        this.cancel();
        await this.ended;
        return { done: true, value: undefined };
      },
    };
  }

  #takeOne(): Promise<IteratorResult<StreamElement, undefined>> | undefined {
    if (this.#next >= this.#batch.length) return undefined;
    const value = this.#batch[this.#next++]!;
    this.#options.reserve?.(-elementBytes(value));
    return Promise.resolve({ done: false, value });
  }

  async #readOne(): Promise<IteratorResult<StreamElement, undefined>> {
    for (;;) {
      const yielded = this.#time.giveWay();
      if (yielded !== undefined) await yielded;
      // Another loop may have read meanwhile: what it left comes first.
      const taken = this.#takeOne();
      if (taken !== undefined) return taken;
      const found = this.#output.read();
      // Time may bring about what it waits for; not so the end.
      if (found instanceof Promise) await this.#time.parked(() => found);
      else if (found !== undefined) {
        this.#noteMove();
        this.#batch = found;
        this.#next = 0;
      } else {
        await this.#waitForEnd();
        if (!this.#hasFailed) return { done: true, value: undefined };
        throw this.#failure;
      }
    }
  }

  async #execute(): Promise<void> {
    const { signal, admitted, config } = this.#options;
    const onAbort = (): void => this.cancel(signal!.reason);
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
    let release: (() => void) | undefined;
    try {
      release = await admitted(this.#abort.signal);
      this.#startTimers(config);
      await this.#runStages();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#hasEnded = true;
      for (const timer of this.#timers) clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      release?.();
    }
  }

  async #runStages(): Promise<void> {
    const { graph, input, pipeline, bus, config } = this.#options;
    const events = new PipelineEvents({ runId: this.id, pipeline, bus });
    const feeder = (this.#feeder = this.#connect(graph, input));
    events.emit({ type: "pipeline.started", stages: graph.stages.map(({ name }) => name) });
    const runs = this.#stages.map((run) => this.#runStage(run, events));
    const fed = feeder.feed().catch((error: unknown) => this.#fail(error));
    const all = Promise.all([...runs, fed]);
    await Promise.race([all, this.#stopped(config.gracefulShutdownTimeoutMs)]);
    // Only those that ignore the signal are left: the execution goes on without them.
    for (const run of this.#stages) run.end();
    await Promise.all(runs);
    const durationMs = this.#time.steady() - this.#startedAt;
    if (this.#hasFailed) events.emitFailure(durationMs, this.#failure);
    else events.emit({ type: "pipeline.completed", durationMs });
  }

  async #runStage(run: StageRun, events: PipelineEvents): Promise<void> {
    const { name: stage, type: stageType } = run.stage;
    events.emit({ type: "stage.started", stage, stageType });
    try {
      await run.execute();
      const type = run.state === "completed" ? "stage.completed" : "stage.aborted";
      events.emit({ type, stage, stageType, durationMs: run.durationMs });
    } catch (error) {
      const failure = new StageError(stage, error);
      events.emit({ type: "stage.failed", stage, stageType, durationMs: run.durationMs, error: failure.message });
      this.#fail(failure);
    }
    this.#stopUnwanted(run);
  }

  /** Whoever wrote to it alone has nobody left to write to, nor has whoever wrote to those. */
  #stopUnwanted(ended: StageRun): void {
    const { gracefulShutdownTimeoutMs } = this.#options.config;
    const deaf = [ended];
    for (const { stage } of deaf) {
      for (const source of this.#sources.get(stage.name) ?? []) {
        if (!source.stopIfUnwanted()) continue;
        this.#timers.push(setTimeout(() => source.end(), gracefulShutdownTimeoutMs));
        deaf.push(source);
      }
    }
    this.#feeder?.stopIfUnwanted();
  }

  /** Makes the channels and the stages of this execution. */
  #connect(graph: PipelineGraph, input: PipelineInput): InputFeeder {
    const { stages, edges, roots, leaves } = graph;
    const { config, reserve } = this.#options;
    const onMove = config.idleTimeoutMs > 0 ? () => this.#noteMove() : () => {};
    const incoming = Map.groupBy(edges, ({ to }) => to);
    const outgoing = Map.groupBy(edges, ({ from }) => from);
    const byName = new Map(stages.map((stage) => [stage.name, stage]));
    const channels = new Map<string, Channel>();
    for (const { name } of stages) {
      const writers = incoming.get(name)?.length ?? 1;
      const { channelBufferSize: capacity, priorityQueue: priority } = config;
      channels.set(name, new Channel({ name, capacity, priority, writers, reserve }));
    }
    const edgeTo = ({ name, accepts }: Stage, mergeIndex?: number): OutgoingEdge => ({
      to: name,
      channel: channels.get(name)!,
      accepts: accepts === undefined ? undefined : new Set(accepts),
      mergeIndex,
    });
    const toOutput: OutgoingEdge = { to: "output", channel: this.#output, accepts: undefined, mergeIndex: undefined };
    const isLeaf = new Set(leaves);
    for (const stage of stages) {
      const ways = (outgoing.get(stage.name) ?? []).map(({ to, index }) =>
        edgeTo(byName.get(to)!, incoming.get(to)!.length > 1 ? index : undefined),
      );
      const run = new StageRun(stage, {
        runId: this.id,
        channel: channels.get(stage.name)!,
        edges: isLeaf.has(stage) ? [toOutput] : ways,
        timed: config.metrics,
        traced: config.tracing,
        time: this.#time,
        startedAt: this.#startedAt,
        onMove,
        reserve,
      });
      this.#stages.push(run);
      if (this.#abort.signal.aborted) run.stop(this.#abort.signal.reason);
    }
    const runs = new Map(this.#stages.map((run) => [run.stage.name, run]));
    for (const row of rowsThatHandOn(graph, config).values()) HandingRow.join(row.map((name) => runs.get(name)!));
    this.#sources = new Map([...incoming].map(([to, ways]) => [to, ways.map(({ from }) => runs.get(from)!)]));
    const intoRoots = roots.map((stage) => edgeTo(stage));
    return new InputFeeder({ input, edges: intoRoots, signal: this.#abort.signal, onMove, time: this.#time });
  }

  #fail(reason: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#failure = reason;
    this.#abort.abort(reason);
    // What has reached the output can still be read.
    this.#output.seal();
    for (const run of this.#stages) run.stop(reason);
  }

  #noteMove(): void {
    this.#lastMoveAt = performance.now();
  }

  #startTimers({ executionTimeoutMs, idleTimeoutMs }: PipelineConfig): void {
    if (executionTimeoutMs > 0) {
      const onTime = (): void => this.#timeOut(`The pipeline took longer than ${executionTimeoutMs} ms`);
      this.#timers.push(setTimeout(onTime, executionTimeoutMs));
    }
    if (idleTimeoutMs > 0) this.#watchIdle(idleTimeoutMs);
  }

  #watchIdle(idleTimeoutMs: number): void {
    this.#noteMove();
    const look = (): void => {
      const left = this.#lastMoveAt + idleTimeoutMs - performance.now();
      if (left <= 0) this.#timeOut(`No element moved in the pipeline for ${idleTimeoutMs} ms`);
      else this.#timers[slot] = setTimeout(look, Math.ceil(left));
    };
    const slot = this.#timers.push(setTimeout(look, idleTimeoutMs)) - 1;
  }

  #timeOut(what: string): void {
    const open = this.#stages.filter((run) => !run.hasEnded).map((run) => run.describe());
    this.#fail(new GeppettoError("TimeoutError", `${what}; not at their end: ${open.join(", ")}`));
  }

  /** Resolves when everything has stopped, or has had the patience of a reader for it. */
  async #waitForEnd(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, END_GRACE_MS);
    await this.#time.landed(() => Promise.race([this.ended, promise]));
    clearTimeout(timer);
  }

  /** Resolves when stages that were told to stop have had so long for it. */
  #stopped(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const onAbort = (): void => {
        this.#timers.push(setTimeout(resolve, withinMs));
      };
      if (this.#abort.signal.aborted) onAbort();
      else this.#abort.signal.addEventListener("abort", onAbort, { once: true });
    });
  }
}
