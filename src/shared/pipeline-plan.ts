/** What a guest says of a pipeline of its own: a stage is a function of the guest's, or one that the host has by name. */
export interface PlannedStage {
  name: string;
  /** The host's stage with this name; else it is a function of the guest's. */
  host?: string;
  /** A step that gives the pipeline's results: its pieces of text are the pipeline's. */
  streams?: boolean;
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

/** What comes of an element in a stage of a guest's; `more` is what to ask with for what is still to come. */
export interface CarriedAnswer {
  values: CarriedElement[];
  more?: number;
}

/** The name under which the host calls a guest's stage. */
export function stageFunctionName(stage: string): string {
  return `stage ${stage}`;
}
