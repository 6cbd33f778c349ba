import { expect } from "vitest";
import type { RuntimeEngine, StepEvent } from "../../src/index.ts";

/** What the host's bus carries of an engine's runs, by run id. */
export class BusWatch {
  readonly events = new Map<string, StepEvent[]>();
  readonly #subscription: { close(): void };
  readonly #done: Promise<void>;

  constructor(engine: RuntimeEngine) {
    const subscription = engine.bus.subscribe<StepEvent>("step.*");
    this.#subscription = subscription;
    this.#done = (async () => {
      for await (const { payload, ack } of subscription) {
        const events = this.events.get(payload.step.stepId) ?? [];
        events.push(payload);
        this.events.set(payload.step.stepId, events);
        ack();
      }
    })();
  }

  of(type: string): StepEvent[][] {
    return [...this.events.values()].filter(([first]) => first?.step.type === type);
  }

  /** Every run began with start, has exactly one terminal event, its last, and no gap between. */
  expectWellFormed(): void {
    for (const events of this.events.values()) {
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i));
      expect(events[0]!.type).toBe("start");
      const ends = events.map(({ type }) => type === "final" || type === "error" || type === "interrupt");
      expect(ends.indexOf(true)).toBe(events.length - 1);
      expect(events.at(-1)!.step.metadata.eventCount).toBe(events.length);
    }
  }

  async close(): Promise<void> {
    this.#subscription.close();
    await this.#done;
  }
}
