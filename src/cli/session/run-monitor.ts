import type { PendingWork, RuntimeEngine, StepEvent } from "../../index.ts";
import { formatCount } from "../options/quantities.ts";
import { RunMeasures } from "../stats/run-measures.ts";

interface ActiveRun {
  type: string;
  engine: string;
}

export interface RunMonitorOptions {
  /** Receives every event of every run, in order. */
  onEvent?: (event: StepEvent) => void;
}

/** Watches the runs of an engine: which are under way, and what those that have ended used. */
export class RunMonitor {
  readonly measures: RunMeasures = new RunMeasures();
  /** Resolves when the engine has closed and every event has been seen. */
  readonly finished: Promise<void>;
  readonly #active = new Map<string, ActiveRun>();
  readonly #onEvent: (event: StepEvent) => void;

  constructor(engine: RuntimeEngine, { onEvent = () => {} }: RunMonitorOptions = {}) {
    this.#onEvent = onEvent;
    this.finished = this.#watch(engine);
  }

  /** How many runs are under way. */
  get active(): number {
    return this.#active.size;
  }

  /** The runs under way: "chat (gpt-5-mini), double"; "" where there are none. */
  describeActive(): string {
    const runs = [...this.#active.values()];
    return describeRuns(runs.map(({ type, engine }) => (engine === "" ? type : `${type} (${engine})`)));
  }

  async #watch(engine: RuntimeEngine): Promise<void> {
    for await (const { payload: event, ack } of engine.bus.subscribe<StepEvent>("step.*")) {
      this.#count(event);
      this.#onEvent(event);
      ack();
    }
  }

  #count(event: StepEvent): void {
    const { type, step, meta } = event;
    if (type === "final" || type === "error" || type === "interrupt") this.#active.delete(step.stepId);
    else this.#active.set(step.stepId, { type: step.type, engine: meta.engine });
    this.measures.note(event);
  }
}

function describeRuns(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => (count === 1 ? name : `${count} × ${name}`)).join(", ");
}

/** What a script was waiting for, in words. */
export function describePending({ runs, timers, ops }: PendingWork): string {
  const parts = [
    describeRuns(runs),
    timers > 0 ? formatCount(timers, "timer") : "",
    ops > 0 ? formatCount(ops, "operation") : "",
  ];
  const pending = parts.filter((part) => part !== "").join(", ");
  return pending === "" ? "it was computing: nothing was pending" : `it was waiting for ${pending}`;
}
