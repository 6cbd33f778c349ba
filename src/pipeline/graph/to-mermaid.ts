import type { PipelineGraph } from "./pipeline-graph.ts";
import type { StageType } from "../stage.ts";
import type { StageMetrics } from "../run/stage-run.ts";

/** Opening and closing of a node's shape. */
const SHAPES: Readonly<Record<StageType, readonly [string, string]>> = {
  transform: ["[", "]"],
  accumulate: ["[/", "\\]"],
  generate: ["([", "])"],
  sink: ["[(", ")]"],
  bidirectional: ["{{", "}}"],
};

/** The figures of a stage, as far as a picture shows them. */
export type DrawnMetrics = Pick<
  StageMetrics,
  "stage" | "elementsIn" | "elementsOut" | "workingMs" | "errors" | "maxQueueDepth"
>;

/** A pipeline as a Mermaid flowchart, with figures where there are some. */
export function toMermaid(
  { stages, edges, roots, leaves }: PipelineGraph,
  metrics: readonly DrawnMetrics[] = [],
): string {
  const ids = new Map(stages.map(({ name }, index) => [name, `s${index}`]));
  const figures = new Map(metrics.map((entry) => [entry.stage, entry]));
  const lines = ["flowchart LR", "  input((input))"];
  for (const { name, type } of stages) {
    const [open, close] = SHAPES[type];
    const found = figures.get(name);
    const label = [escape(name), type, ...(found === undefined ? [] : describe(found))].join("<br/>");
    lines.push(`  ${ids.get(name)}${open}"${label}"${close}`);
  }
  lines.push("  output((output))");
  for (const { name } of roots) lines.push(`  input --> ${ids.get(name)}`);
  for (const { from, to } of edges) lines.push(`  ${ids.get(from)} --> ${ids.get(to)}`);
  for (const { name } of leaves) lines.push(`  ${ids.get(name)} --> output`);
  return lines.join("\n");
}

function describe({ elementsIn, elementsOut, workingMs, errors, maxQueueDepth }: DrawnMetrics): string[] {
  return [
    `${elementsIn} in, ${elementsOut} out`,
    `${workingMs.toFixed(1)} ms working, queue up to ${maxQueueDepth}`,
    ...(errors > 0 ? [`${errors} errors`] : []),
  ];
}

/** Names are anybody's: what means something in a label is written as an entity. */
function escape(name: string): string {
  return name.replace(/[^\p{L}\p{N} ._:/-]/gu, (char) => `#${char.codePointAt(0)};`);
}
