import { Semaphore } from "../base/semaphore.ts";
import type { Publisher } from "../events/bus.ts";
import { GeppettoError } from "../shared/errors.ts";
import type { PipelineInput } from "./run/input-feeder.ts";
import type { PipelineConfig } from "./graph/pipeline-config.ts";
import type { PipelineGraph } from "./graph/pipeline-graph.ts";
import { collectResult, type PipelineResult } from "./pipeline-result.ts";
import { PipelineRun } from "./run/pipeline-run.ts";
import { type DrawnMetrics, toMermaid } from "./graph/to-mermaid.ts";

export interface PipelineBuilderOptions {
  /** For events; default "pipeline". */
  name?: string;
  /** Where the events of executions are published, topic `pipeline.{runId}`; default nowhere. */
  bus?: Pick<Publisher, "publish">;
}

export interface ExecuteOptions {
  /** Ends the execution: whoever iterates it gets the signal's reason. */
  signal?: AbortSignal;
  /**
   * Is told how many bytes, about, the elements that wait keep, negative when they go on. What it throws ends the
   * execution. Default: elements are bounded in number alone.
   */
  reserve?: (bytes: number) => void;
}

/** A pipeline that can be executed, as often and as many at a time as its configuration allows. */
export class StreamPipeline {
  readonly name: string;
  readonly #graph: PipelineGraph;
  readonly #config: PipelineConfig;
  readonly #options: PipelineBuilderOptions;
  readonly #admission: Semaphore;
  readonly #runs = new Set<PipelineRun>();
  #closing: Promise<void> | undefined;

  constructor(graph: PipelineGraph, config: PipelineConfig, options: PipelineBuilderOptions) {
    this.name = options.name ?? "pipeline";
    this.#graph = graph;
    this.#config = config;
    this.#options = options;
    this.#admission = new Semaphore(config.maxConcurrentExecutions);
  }

  /** Names of the stages, in the order in which they were added. */
  get stages(): string[] {
    return this.#graph.stages.map(({ name }) => name);
  }

  /** Executions that have not ended. */
  get running(): number {
    return this.#runs.size;
  }

  /**
   * Begins an execution and returns its output, to be iterated. Where `maxConcurrentExecutions` are under way it waits until one ends.
   *
   * @throws {GeppettoError} StageError when the pipeline has been closed.
   */
  execute(input?: PipelineInput, { signal, reserve }: ExecuteOptions = {}): PipelineRun {
    if (this.#closing !== undefined)
      throw new GeppettoError("StageError", `Cannot execute "${this.name}": it has been closed`);
    const run = new PipelineRun({
      pipeline: this.name,
      graph: this.#graph,
      config: this.#config,
      bus: this.#options.bus,
      input,
      signal,
      reserve,
      admitted: (until) => this.#admission.acquire(until),
    });
    this.#runs.add(run);
    void run.ended.then(() => this.#runs.delete(run));
    return run;
  }

  /**
   * Executes the pipeline and collects all that comes out.
   *
   * @throws {unknown} what iterating the output throws; the first error that comes out as an element.
   */
  executeSync(input?: PipelineInput, options?: ExecuteOptions): Promise<PipelineResult> {
    return collectResult(this.execute(input, options));
  }

  /** The pipeline's picture, as a Mermaid flowchart, with the figures of an execution where they are given. */
  toMermaid(metrics: readonly DrawnMetrics[] = []): string {
    return toMermaid(this.#graph, metrics);
  }

  /**
   * Takes no more executions, gives those under way `gracefulShutdownTimeoutMs` to end, and cancels the rest. Resolves
   * when all have ended. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const runs = [...this.#runs];
    const cancelAll = (): void => {
      const reason = new DOMException(`The pipeline "${this.name}" was closed`, "AbortError");
      for (const run of runs) run.cancel(reason);
    };
    const timer = setTimeout(cancelAll, this.#config.gracefulShutdownTimeoutMs);
    await Promise.all(runs.map((run) => run.ended));
    clearTimeout(timer);
  }
}
