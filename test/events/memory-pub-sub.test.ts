import { describe, expect, it } from "vitest";
import { MemoryPubSub } from "../../src/events/memory-pub-sub.ts";
import type { BusFixture } from "./bus-fixture.ts";
import { describeBus } from "./describe-bus.ts";
import { describeDelivery } from "./describe-delivery.ts";
import { describeSurvival } from "./describe-survival.ts";

const fixture: BusFixture = {
  create: () => new MemoryPubSub(),
  settleMs: 10,
  promises: {
    backPressure: true,
    byteWindow: true,
    samePayload: true,
    ordersRedeliveries: true,
    groups: false,
    durableGroups: false,
    reconnects: false,
    survivesServer: false,
    ackDeadline: false,
  },
};

describeBus("MemoryPubSub", fixture);
describeDelivery("MemoryPubSub", fixture);
describeSurvival("MemoryPubSub", fixture);

describe("a subscriber that forgets ack()", () => {
  it("is named in one warning when somebody waits for it, and not while it acks", async () => {
    const warnings: string[] = [];
    const warned = Promise.withResolvers<void>();
    const warn = (text: string): void => {
      warnings.push(text);
      warned.resolve();
    };
    const bus = new MemoryPubSub({ stuckAfterMs: 20, logger: { warn, error: warn } });
    bus.subscribe("step.*", { name: "the dashboard", maxMessages: 2 });
    const acking = bus.subscribe("step.1", { maxMessages: 1 });
    const reading = (async () => {
      for await (const { ack } of acking) ack();
    })();
    const publishing = [1, 2, 3, 4].map((n) => bus.publish("step.1", n));
    await warned.promise;
    bus.close();
    await Promise.all([...publishing, reading]);
    expect(warnings).toEqual([
      'The subscriber "the dashboard" has acked nothing for 20 ms: 2 messages are under way, and publishers wait; call ack() for each message',
    ]);
  });
});
