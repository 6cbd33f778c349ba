import { Distribution } from "../../config.ts";
import { countUsage, type RunUsage, type StepEvent } from "../../index.ts";

/** Most types of steps that are told apart: scripts choose the names. */
const MAX_TYPES = 20;
const OTHERS = "others";

/** What the events of a script's runs add up to. */
export class RunMeasures {
  readonly usage: RunUsage = { calls: 0, inputTokens: 0, outputTokens: 0 };
  /** How long each run of a step took, in milliseconds. */
  readonly durations: Distribution = new Distribution();
  /** Likewise, by the type of the step, in the order in which they first ended. */
  readonly byType: Map<string, Distribution> = new Map();
  done = 0;
  failed = 0;
  cancelled = 0;
  toolCalls = 0;

  /** Runs that have ended. */
  get ended(): number {
    return this.done + this.failed + this.cancelled;
  }

  note(event: StepEvent): void {
    const { type, step } = event;
    // The steps around a chat tell of its tools, too.
    if (type === "tool-call" && step.type === "chat") this.toolCalls++;
    if (type === "final") this.done++;
    else if (type === "error") this.failed++;
    else if (type === "interrupt") this.cancelled++;
    else return;
    const { durationMs = 0 } = step.metadata;
    this.durations.add(durationMs);
    this.#ofType(step.type).add(durationMs);
    countUsage(this.usage, event);
  }

  #ofType(type: string): Distribution {
    const name = this.byType.has(type) || this.byType.size < MAX_TYPES ? type : OTHERS;
    const known = this.byType.get(name) ?? new Distribution();
    this.byType.set(name, known);
    return known;
  }
}
