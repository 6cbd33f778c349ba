import { describe, expect, it } from "vitest";
import { MemoryPubSub, setupDefaults, type StepEvent, type Subscription, type Vm } from "../../src/index.ts";
import { ISOLATIONS, withEngine } from "./engine-harness.ts";

const WAITING = `
const list = steps.createMapStep(async (n) => { if (n === 2) await gate(n); return n });
export default (await list.startAsync([1, 2, 3])).metadata.eventCount;
`;

describe.each(ISOLATIONS)("an event that nobody hears, in a %s", (isolation) => {
  it("is counted all the same: who subscribes later sees by its numbers what there was", async () => {
    const bus = new MemoryPubSub();
    const heard: StepEvent[] = [];
    const read = async (subscription: Subscription<StepEvent>): Promise<void> => {
      for await (const { payload, ack } of subscription) {
        heard.push(payload);
        ack();
        if (payload.type === "final") break;
      }
    };
    let reading: Promise<void> | undefined;
    const gate = async (): Promise<void> => void (reading = read(bus.subscribe("step.*")));
    const setup = [setupDefaults(), (vm: Vm) => vm.op("gate", gate)];
    await withEngine({ isolation, bus, setup }, async ({ run }) => {
      const { value } = await run(WAITING);
      await reading;
      expect(value).toBe(5);
      expect(heard.map(({ type, seq }) => `${type} ${seq}`)).toEqual(["partial 2", "partial 3", "final 4"]);
      expect(heard.at(-1)!.step.metadata.eventCount).toBe(5);
      const completions = heard.map((event) => (event.type === "partial" ? event.completion : undefined));
      expect(completions).toEqual(["1\n2", "1\n2\n3", undefined]);
    });
  });

  it("counts for the limit of events", async () => {
    await withEngine({ isolation, limits: { events: 10 } }, async ({ run }) => {
      const { error } = await run(
        "await steps.createMapStep((n) => n).startAsync([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])",
      );
      expect(error?.code).toBe("ERR_LIMIT_EVENTS");
    });
  });

  it("reaches one who has put something before the bus' own method", async () => {
    const bus = new MemoryPubSub();
    const published: string[] = [];
    bus.publish = (_, payload) => {
      published.push((payload as StepEvent).type);
      return Promise.resolve();
    };
    await withEngine({ isolation, bus }, async ({ run }) => {
      await run("await steps.createMapStep((n) => n).startAsync([1])");
      expect(published).toEqual(["start", "partial", "final"]);
    });
  });
});
