import { afterAll, beforeAll, describe } from "vitest";
import { NatsPubSub, type NatsPubSubOptions } from "../../src/events/nats-pub-sub.ts";
import type { BusFixture, BusPromises } from "./bus-fixture.ts";
import { describeBus } from "./describe-bus.ts";
import { describeDelivery } from "./describe-delivery.ts";
import { describeSurvival } from "./describe-survival.ts";
import { hasNatsServer, NatsServer } from "./nats-server.ts";
import { patience } from "../machine/patience.ts";

/** Time for an ack: one that comes later than that, on a machine that is busy, is no fault of the bus. */
const ACK_WAIT_MS = patience(1000);

let server: NatsServer;
/** Each test has subjects and a stream of its own. */
let serial = 0;

function fixtureOf(jetStream: boolean, promises: BusPromises): BusFixture {
  const create = (): Promise<NatsPubSub> => {
    const stream = { stream: `TEST_${serial}`, ackWaitMs: ACK_WAIT_MS, maxBytes: 50_000_000 };
    const options: NatsPubSubOptions = {
      servers: server.address,
      prefix: `test${serial}`,
      jetStream: jetStream && stream,
      reconnectWaitMs: 50,
      logger: { warn: () => {}, error: () => {} },
    };
    return NatsPubSub.connect(options);
  };
  return {
    create,
    createPeer: create,
    settleMs: 150,
    promises,
    restartServer: (pauseMs) => server.restart(pauseMs),
    reset: async () => void serial++,
  };
}

const plain = fixtureOf(false, {
  backPressure: false,
  byteWindow: false,
  samePayload: false,
  ordersRedeliveries: true,
  groups: true,
  durableGroups: false,
  reconnects: true,
  survivesServer: false,
  ackDeadline: false,
});

const jetStream = fixtureOf(true, {
  backPressure: false,
  byteWindow: false,
  samePayload: false,
  ordersRedeliveries: false,
  groups: true,
  durableGroups: true,
  reconnects: true,
  survivesServer: true,
  ackDeadline: true,
});

describe.skipIf(!hasNatsServer)("On a NATS server", () => {
  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server.stop());

  describeBus("NatsPubSub on plain subjects", plain);
  describeDelivery("NatsPubSub on plain subjects", plain);
  describeSurvival("NatsPubSub on plain subjects", plain);
  describeBus("NatsPubSub with JetStream", jetStream);
  describeDelivery("NatsPubSub with JetStream", jetStream);
  describeSurvival("NatsPubSub with JetStream", jetStream);
});
