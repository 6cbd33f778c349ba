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
