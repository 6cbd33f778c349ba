/** What a guest says of a pipeline of its own: a stage is a function of the guest's, or one that the host has by name. */
export interface PlannedStage {
  name: string;
  /** The host's stage of that name; else it is a function of the guest's. */
  host?: string;
}

export interface PipelinePlan {
  stages: PlannedStage[];
  /** Pairs of indices of stages: from, to. */
  edges: [number, number][];
}

/** A value on its way between two stages of a guest's pipeline. */
export interface CarriedElement {
  content: unknown;
  kind?: string;
  metadata?: Record<string, unknown>;
  priority?: string;
}

/** The name under which the host calls a guest's stage. */
export function stageFunctionName(stage: string): string {
  return `stage ${stage}`;
}
