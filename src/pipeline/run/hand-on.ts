import type { PipelineConfig } from "../graph/pipeline-config.ts";
import type { PipelineGraph } from "../graph/pipeline-graph.ts";
import type { ElementReader, ElementWriter, Stage } from "../stage.ts";
import type { StageRow, StageRun } from "./stage-run.ts";

/** What a stage does that hands everything on as it is. The stages that do this are known by it. */
export async function handOn(input: ElementReader, output: ElementWriter): Promise<void> {
  for (let batch = await input.readBatch(); batch !== undefined; batch = await input.readBatch()) {
    await output.writeBatch(batch);
  }
}

/**
 * The stages that follow each other and hand everything on, by the first of each row. An element needs not be handed from
 * one to the next of them; where it is looked at on its way, it is.
 */
export function rowsThatHandOn({ stages, edges }: PipelineGraph, config: PipelineConfig): Map<string, string[]> {
  const rows = new Map<string, string[]>();
  if (config.metrics || config.tracing || config.priorityQueue) return rows;
  const ways = (end: "from" | "to", name: string): typeof edges => edges.filter((edge) => edge[end] === name);
  const known = new Map(stages.map((stage) => [stage.name, stage]));
  const handsOn = (stage: Stage | undefined): boolean => stage?.process === handOn && stage.accepts === undefined;
  const nextOf = (name: string): string | undefined => {
    const [edge, other] = ways("from", name);
    if (edge === undefined || other !== undefined || ways("to", edge.to).length > 1) return undefined;
    return handsOn(known.get(edge.to)) ? edge.to : undefined;
  };
  const taken = new Set<string>();
  // In the order of the graph the first of a row may come after others of it.
  const followers = new Set(stages.filter(({ process }) => process === handOn).map(({ name }) => nextOf(name)));
  for (const stage of stages) {
    if (stage.process !== handOn || followers.has(stage.name) || taken.has(stage.name)) continue;
    const row = [stage.name];
    for (let next = nextOf(stage.name); next !== undefined; next = nextOf(next)) row.push(next);
    for (const name of row) taken.add(name);
    if (row.length > 1) rows.set(stage.name, row);
  }
  return rows;
}

/** A row of stages of which the first does the work of all; they begin and end, and count, as if each did its own. */
export class HandingRow implements StageRow {
  readonly #first: StageRun;
  readonly #others: readonly StageRun[];
  readonly #last: StageRun;
  readonly #done = Promise.withResolvers<void>();

  private constructor(first: StageRun, others: readonly StageRun[]) {
    this.#first = first;
    this.#others = others;
    this.#last = others.at(-1)!;
    this.#done.promise.catch(() => {});
  }

  /** Makes a row of at least two stages, in order. */
  static join(runs: readonly StageRun[]): void {
    const [first, ...others] = runs;
    const row = new HandingRow(first!, others);
    for (const run of runs) run.joinRow(row);
  }

  process(run: StageRun): Promise<void> {
    return run === this.#first ? this.#lead() : this.#done.promise;
  }

  async #lead(): Promise<void> {
    const { input, output } = this.#first;
    try {
      for (let batch = await input.readBatch(); batch !== undefined; batch = await input.readBatch()) {
        const errorsBefore = output.counts.errors;
        const elements = output.prepare(batch);
        const errors = output.counts.errors - errorsBefore;
        for (const run of this.#others) run.countPassed(elements.length, errors);
        await this.#last.output.writePrepared(elements);
      }
      this.#done.resolve();
    } catch (error) {
      this.#done.reject(error);
      throw error;
    }
  }

  describe(): string {
    if (this.#last.output.waiting.isWaiting) return "waiting for room";
    return this.#first.input.waiting.isWaiting ? "waiting for input" : "working";
  }
}
