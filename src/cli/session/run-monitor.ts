import type { PendingWork, RuntimeEngine, StepEvent } from "../../index.ts";
import { formatCount } from "../options/quantities.ts";

/** What the model calls of a script used. */
export interface Usage {
  calls: number;
  inputTokens: number;
  outputTokens: number;
  /** US dollars, of the calls whose model has a price; absent where none has. */
  cost?: number;
}

interface ActiveRun {
  type: string;
  engine: string;
}

export interface RunMonitorOptions {
  /** Receives every event of every run, in order. */
  onEvent?: (event: StepEvent) => void;
}

/** Watches the runs of an engine: which are under way, and what they used. */
export class RunMonitor {
  readonly usage: Usage = { calls: 0, inputTokens: 0, outputTokens: 0 };
  /** Resolves when the engine has closed and every event has been seen. */
  readonly finished: Promise<void>;
  readonly #active = new Map<string, ActiveRun>();
  readonly #onEvent: (event: StepEvent) => void;

  constructor(engine: RuntimeEngine, { onEvent = () => {} }: RunMonitorOptions = {}) {
    this.#onEvent = onEvent;
    this.finished = this.#watch(engine);
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

  #count({ type, step, meta }: StepEvent): void {
    if (type !== "final" && type !== "error" && type !== "interrupt") {
      this.#active.set(step.stepId, { type: step.type, engine: meta.engine });
      return;
    }
    this.#active.delete(step.stepId);
    const { usage, cost, cached } = step.metadata as {
      usage?: { inputTokens?: number; outputTokens?: number };
      cost?: number;
      cached?: true;
    };
    // The runs around a call report it too: that is not a further call, and what was kept has cost nothing.
    if (type !== "final" || usage === undefined || step.type !== "chat" || cached === true) return;
    this.usage.calls++;
    this.usage.inputTokens += usage.inputTokens ?? 0;
    this.usage.outputTokens += usage.outputTokens ?? 0;
    if (cost !== undefined) this.usage.cost = (this.usage.cost ?? 0) + cost;
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
