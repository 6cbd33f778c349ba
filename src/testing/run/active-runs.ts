import { isTerminal, type StepEvent } from "../../shared/step-events.ts";

/** The runs of a script that are under way. */
export class ActiveRuns {
  readonly #names = new Map<string, string>();

  note({ type, step, meta }: StepEvent): void {
    if (isTerminal(type)) this.#names.delete(step.stepId);
    else if (!this.#names.has(step.stepId))
      this.#names.set(step.stepId, meta.engine === "" ? step.type : `${step.type} (${meta.engine})`);
  }

  /** A name for each: "chat (gpt-5-mini)". */
  get names(): string[] {
    return [...this.#names.values()];
  }
}
