import { CONTENT_KINDS } from "../elements/element.ts";
import type { Stage } from "../stage.ts";

/** A connection; `index` counts those into one stage, in the order in which they were made. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly index: number;
}

/** Stages and how they are connected: valid, and never changed. */
export interface PipelineGraph {
  readonly stages: readonly Stage[];
  readonly edges: readonly Edge[];
  /** Stages that nothing is connected into: they get the pipeline's input. */
  readonly roots: readonly Stage[];
  /** Stages that are connected to nothing: what they give is the pipeline's output. */
  readonly leaves: readonly Stage[];
}

export function toGraph(stages: readonly Stage[], edges: readonly Edge[]): PipelineGraph {
  const sources = new Set(edges.map(({ from }) => from));
  const targets = new Set(edges.map(({ to }) => to));
  return {
    stages,
    edges,
    roots: stages.filter(({ name }) => !targets.has(name)),
    leaves: stages.filter(({ name }) => !sources.has(name)),
  };
}

const TYPES = ["transform", "accumulate", "generate", "sink", "bidirectional"];

/** All that keeps stages and edges from being a pipeline, each problem naming its stages. */
export function problemsOfGraph(given: readonly Stage[], edges: readonly Edge[]): string[] {
  // Callers without types may have given anything.
  const stages = given.map((stage: Stage | undefined) => stage ?? ({} as Stage));
  if (stages.length === 0) return ["it has no stages: chain() some"];
  const names = new Set(stages.map(({ name }) => name));
  const problems = [...stages.flatMap(problemsOfStage), ...duplicates(stages)];
  const seen = new Set<string>();
  for (const { from, to } of edges) {
    for (const [name, other] of [
      [from, `connected to "${to}"`],
      [to, `connected from "${from}"`],
    ] as const) {
      if (!names.has(name)) problems.push(`no stage is named "${name}", which is ${other}`);
    }
    const key = JSON.stringify([from, to]);
    if (seen.has(key)) problems.push(`"${from}" is connected to "${to}" twice`);
    seen.add(key);
  }
  const incoming = Map.groupBy(edges, ({ to }) => to);
  for (const { name, maxInputs, destinations = [] } of stages) {
    const inputs = incoming.get(name)?.length ?? 0;
    if (maxInputs !== undefined && inputs > maxInputs)
      problems.push(`${inputs} stages are connected into "${name}", which takes ${maxInputs} at most`);
    for (const destination of destinations) {
      if (!seen.has(JSON.stringify([name, destination])))
        problems.push(`"${name}" hands elements to "${destination}" but is not connected to it`);
    }
  }
  const cycle = findCycle(edges);
  if (cycle !== undefined) problems.push(`its stages form a cycle: ${cycle.join(" -> ")}`);
  return problems;
}

function problemsOfStage(stage: Stage, index: number): string[] {
  const { name, type, process, accepts } = stage as Partial<Stage>;
  if (typeof stage === "function")
    return [`stage ${index + 1} is a function: make a stage of it with map() or stageFunc()`];
  if (Array.isArray(stage)) return [`stage ${index + 1} is an array: chain(...stages) takes stages one by one`];
  if (typeof name !== "string" || name === "") return [`stage ${index + 1} has no name`];
  const problems: string[] = [];
  if (typeof process !== "function") problems.push(`"${name}" is not a stage: it has no process()`);
  if (!TYPES.includes(type as string))
    problems.push(`"${name}" has the type ${JSON.stringify(type)}: it must be one of ${TYPES.join(", ")}`);
  if (accepts !== undefined && !isKinds(accepts))
    problems.push(`"${name}" accepts ${JSON.stringify(accepts)}: it must be an array of ${CONTENT_KINDS.join(", ")}`);
  return problems;
}

function isKinds(accepts: unknown): boolean {
  return Array.isArray(accepts) && accepts.every((kind) => CONTENT_KINDS.includes(kind));
}

function duplicates(stages: readonly Stage[]): string[] {
  const counts = new Map<string, number>();
  for (const { name } of stages) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].filter(([, count]) => count > 1).map(([name, count]) => `${count} stages are named "${name}"`);
}

/** The stages of one cycle, the first again at the end. */
function findCycle(edges: readonly Edge[]): string[] | undefined {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to]);
  const done = new Set<string>();
  for (const start of next.keys()) {
    // By hand, for a chain may be longer than the stack is deep.
    const path: { name: string; rest: string[] }[] = [];
    const onPath = new Set<string>();
    const enter = (name: string): void => {
      path.push({ name, rest: [...(next.get(name) ?? [])] });
      onPath.add(name);
    };
    if (!done.has(start)) enter(start);
    while (path.length > 0) {
      const { name, rest } = path.at(-1)!;
      const follower = rest.shift();
      if (follower === undefined) {
        path.pop();
        onPath.delete(name);
        done.add(name);
      } else if (onPath.has(follower)) {
        const names = path.map((entry) => entry.name);
        return [...names.slice(names.indexOf(follower)), follower];
      } else if (!done.has(follower)) enter(follower);
    }
  }
  return undefined;
}
