import { PipelineConfig, problemsOfConfig, refuse } from "./pipeline-config.ts";
import { type Edge, problemsOfGraph, toGraph } from "./pipeline-graph.ts";
import type { Stage } from "../stage.ts";
import { type PipelineBuilderOptions, StreamPipeline } from "../stream-pipeline.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";

/** A stage, or the name of one that is there, or will be when the pipeline is built. */
export type StageReference = Stage | string;

/**
 * Puts stages together. Nothing is checked before {@link build}, which says all that is wrong at once.
 *
 * @example
 * const pipeline = new PipelineBuilder()
 *   .chain(passthrough("input"), mapText("shout", (text) => text.toUpperCase()))
 *   .build();
 * const { text } = await pipeline.executeSync("hello");
 * text; // "HELLO"
 */
export class PipelineBuilder {
  readonly #config: PipelineConfig;
  readonly #options: PipelineBuilderOptions;
  #stages: Stage[] = [];
  #edges: Edge[] = [];
  /** How many connections lead into each stage. */
  #inputs = new Map<string, number>();

  constructor(config: PipelineConfig = new PipelineConfig(), options: PipelineBuilderOptions = {}) {
    refuseWrong("make a pipeline", options, { name: true, bus: true });
    this.#config = config;
    this.#options = options;
  }

  /** Adds a stage without connecting it. One that is there already is not added again. */
  addStage(stage: Stage): this {
    if (!this.#stages.includes(stage)) this.#stages.push(stage);
    return this;
  }

  /** Adds stages and connects each to the next. */
  chain(...stages: StageReference[]): this {
    const names = stages.map((stage) => this.#refer(stage));
    for (let i = 1; i < names.length; i++) this.#addEdge(names[i - 1]!, names[i]!);
    return this;
  }

  /** Connects one stage to another. */
  connect(from: StageReference, to: StageReference): this {
    this.#addEdge(this.#refer(from), this.#refer(to));
    return this;
  }

  /** Connects a stage to several: each gets every element of a kind that it accepts. */
  branch(from: StageReference, ...to: StageReference[]): this {
    for (const stage of to) this.connect(from, stage);
    return this;
  }

  /** Connects several stages into one. `metadata.mergeInputIndex` says by which of them an element came, from 0. */
  merge(into: StageReference, ...from: StageReference[]): this {
    for (const stage of from) this.connect(stage, into);
    return this;
  }

  /** A builder with the same stages and connections, which goes its own way from here. */
  clone(): PipelineBuilder {
    const copy = new PipelineBuilder(this.#config, this.#options);
    copy.#stages = [...this.#stages];
    copy.#edges = [...this.#edges];
    copy.#inputs = new Map(this.#inputs);
    return copy;
  }

  /**
   * The pipeline as it stands now; the builder may go on.
   *
   * @throws {GeppettoError} ConfigError (`ERR_PIPELINE`) with everything that is wrong: no stages, a stage without a name
   *   or process(), two of one name, unknown stages, a connection made twice, more inputs than a stage takes, stages that
   *   form a cycle, a router's destination that is not connected, settings out of range.
   */
  build(): StreamPipeline {
    const problems = [...problemsOfConfig(this.#config), ...problemsOfGraph(this.#stages, this.#edges)];
    if (problems.length > 0) refuse(problems);
    return new StreamPipeline(toGraph([...this.#stages], [...this.#edges]), this.#config, this.#options);
  }

  #refer(stage: StageReference): string {
    if (typeof stage === "string") return stage;
    this.addStage(stage);
    // build() reports what is not a stage at all.
    return (stage as Stage | undefined)?.name ?? "";
  }

  #addEdge(from: string, to: string): void {
    const index = this.#inputs.get(to) ?? 0;
    this.#inputs.set(to, index + 1);
    this.#edges.push({ from, to, index });
  }
}
