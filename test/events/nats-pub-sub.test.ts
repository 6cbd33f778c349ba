import { jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NatsPubSub, type NatsPubSubOptions } from "../../src/events/nats-pub-sub.ts";
import { JobQueue } from "../../src/workers/queue/job-queue.ts";
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

async function manage(work: (manager: JetStreamManager, stream: string) => Promise<unknown>): Promise<void> {
  const connection = await connect({ servers: server.address });
  await work(await jetstreamManager(connection), `TEST_${serial}`);
  await connection.close();
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

  describe("a stream that there is not yet", () => {
    it("is there for all who open it at a time", async () => {
      for (let round = 0; round < 20; round++) {
        serial++;
        const buses = await Promise.all([1, 2, 3, 4, 5, 6].map(async () => jetStream.create()));
        for (const bus of buses) await bus.close();
      }
    });

    it("is refused at once, by name, where another stream keeps its messages", async () => {
      const open = (stream: string, prefix: string): Promise<NatsPubSub> =>
        NatsPubSub.connect({ servers: server.address, prefix, jetStream: { stream } });
      await using bus = await open("FIRST", "same");
      await bus.publish("a", 1);
      await expect(open("SECOND", "same")).rejects.toMatchObject({
        code: "ERR_NATS",
        message:
          'Cannot open the stream "SECOND": the stream FIRST has messages of the subject same.> too: give another prefix',
      });
      const journal = JobQueue.open({ servers: server.address, prefix: "same" });
      await expect(journal).rejects.toMatchObject({
        code: "ERR_JOURNAL",
        message: expect.stringMatching(
          /: the stream FIRST has messages of the subject same\.\S+ too: give another prefix$/,
        ),
      });
    });
  });

  describe("a stream that somebody deletes", () => {
    it("ends what is subscribed to it, refuses who subscribes, and says so to who publishes", async () => {
      serial++;
      const told: string[] = [];
      const tell = (text: string): void => void told.push(text);
      const publishTimeoutMs = patience(500);
      await using bus = await NatsPubSub.connect({
        servers: server.address,
        prefix: `test${serial}`,
        jetStream: { stream: `TEST_${serial}` },
        logger: { warn: () => {}, error: tell },
        publishTimeoutMs,
      });
      const open = [bus.subscribe("jobs", { group: "workers" }), bus.subscribe("news")];
      await Promise.all(open.map(({ ready }) => ready));
      await manage((manager, stream) => manager.streams.delete(stream));
      for (const subscription of open) for await (const message of subscription) message.ack();
      const gone = (topic: string): string => `Cannot subscribe to topic "${topic}": stream not found`;
      expect(told.sort()).toEqual([gone("jobs"), gone("news")]);
      await expect(bus.subscribe("late").ready).rejects.toMatchObject({ code: "ERR_NATS", message: gone("late") });
      await expect(bus.publish("jobs", 1)).rejects.toMatchObject({
        code: "ERR_PUBLISH",
        message: `Cannot publish to topic "jobs": no stream of the server takes it: "TEST_${serial}" is gone, or JetStream is off`,
      });
    });
  });

  describe("a consumer that somebody deletes", () => {
    it("is made again where nothing was waited for then, and brings what has not come", async () => {
      serial++;
      await using bus = (await jetStream.create()) as NatsPubSub;
      const subscription = bus.subscribe<number>("jobs", { maxMessages: 1 });
      await subscription.ready;
      for (const job of [1, 2]) await bus.publish("jobs", job);
      const messages = subscription[Symbol.asyncIterator]();
      const first = await messages.next();
      await manage(async (manager, stream) => {
        for await (const { name } of manager.consumers.list(stream)) await manager.consumers.delete(stream, name);
      });
      first.value!.ack();
      expect((await messages.next()).value?.payload).toBe(2);
    });
  });
});
