import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { MemoryPubSub, setupDoneCallback, type Bus, type Subscription } from "../../src/index.ts";
import { ISOLATIONS, withEngine } from "./engine-harness.ts";
import { setupSteps } from "./event-steps.ts";
import { expectWellFormed, WATCH } from "./watch-events.ts";

/** What becomes of a message before it reaches the bus behind. */
type Fate = (publish: () => Promise<void>, index: number) => Promise<void>;

/** A bus of a host's that does not keep its word. */
class BrokenBus implements Bus {
  readonly inner = new MemoryPubSub();
  readonly #fate: Fate;
  #count = 0;

  constructor(fate: Fate) {
    this.#fate = fate;
  }

  publish(topic: string, payload: unknown, options?: object): Promise<void> {
    return this.#fate(() => this.inner.publish(topic, payload, options), this.#count++);
  }

  subscribe<T>(topic: string): Subscription<T> {
    return this.inner.subscribe(topic);
  }

  topics(): string[] {
    return this.inner.topics();
  }

  close(): void {
    this.inner.close();
  }
}

const FATES: Record<string, Fate> = {
  "loses every message": async () => {},
  "loses the first message": async (publish, index) => {
    if (index > 0) await publish();
  },
  "loses every third message": async (publish, index) => {
    if (index % 3 > 0) await publish();
  },
  "tells each message twice": async (publish) => {
    await publish();
    await publish();
  },
  "delays every fifth message": async (publish, index) => {
    if (index % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 3));
    await publish();
  },
  "takes its messages in another order": async (publish, index) => {
    if (index % 2 === 0) setImmediate(() => void publish());
    else await publish();
  },
  "refuses every message": async () => {
    throw new Error("the bus is full");
  },
  "throws at once": () => {
    throw new Error("the bus is gone");
  },
};

const SCRIPT = `${WATCH}
  const events = await watch(count, 100);
  const results = await count.startAsync(3);
  const deltas = [];
  for await (const delta of count.stream(70)) deltas.push(delta);
  export default { events, results: [...results], blocking: [...count.startBlocking(2)], deltas };`;

const CANCEL_AND_END = readFileSync(new URL("scripts/cancel-and-end.mjs", import.meta.url), "utf8");

const silent = { warn(): void {}, error(): void {} };

describe.each(ISOLATIONS)("a script in a %s", (isolation) => {
  it.each(Object.entries(FATES))("gets every event where its host's bus %s", async (_, fate) => {
    const bus = new BrokenBus(fate);
    await withEngine({ isolation, bus, logger: silent, setup: [setupSteps()] }, async ({ run }) => {
      const { value, error } = await run(SCRIPT);
      expect(error).toBeUndefined();
      const { events, ...rest } = value as { events: unknown };
      const well = expectWellFormed(events);
      expect(well).toHaveLength(102);
      expect(well.at(-1)?.type).toBe("final");
      expect(rest).toEqual({
        results: ["counted"],
        blocking: ["counted"],
        deltas: Array.from({ length: 70 }, (__, i) => `${i} `),
      });
    });
  });

  it("runs on where the bus refuses messages, and the host hears of it", async () => {
    const heard: string[] = [];
    const logger = { warn: (text: string): void => void heard.push(text), error(): void {} };
    const bus = new BrokenBus(FATES["refuses every message"]!);
    await withEngine({ isolation, bus, logger, setup: [setupSteps()] }, async ({ run }) => {
      expect(await run("export default [...(await count.startAsync(1))]")).toMatchObject({ ok: true });
    });
    expect(heard[0]).toMatch(/^Cannot publish an event on "step\.[0-9a-f-]{36}": the bus is full$/);
  });

  it("gets its interrupt, and can end, where the bus never takes a message", async () => {
    const bus = new BrokenBus(() => new Promise(() => {}));
    await withEngine({ isolation, bus, setup: [setupDoneCallback(), setupSteps()] }, async ({ run }) => {
      expect(await run(CANCEL_AND_END)).toMatchObject({ end: "done", value: ["start", "interrupt"] });
    });
  });

  it("is slowed by a subscriber of the bus that does not ack", async () => {
    const bus = new MemoryPubSub();
    const subscription = bus.subscribe("step.*", { maxMessages: 4 });
    await withEngine({ isolation, bus, setup: [setupSteps()] }, async ({ run }) => {
      let taken = 0;
      const reading = (async () => {
        for await (const { ack } of subscription) {
          taken++;
          setTimeout(ack, 1);
        }
      })();
      expect(await run("export default (await count.startAsync(40))[0]")).toMatchObject({ value: "counted" });
      subscription.close();
      await reading;
      // All but those that may be under way.
      expect(taken).toBeGreaterThanOrEqual(42 - 4);
    });
    bus.close();
  });
});
