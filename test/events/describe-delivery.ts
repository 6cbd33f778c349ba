/** What every implementation of {@link Bus} promises about getting messages there, acks, and ends in mid-work. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Bus, Message, Subscription } from "../../src/events/index.ts";
import { busMaker, expectToStay, promised, type BusFixture, type BusPromises } from "./bus-fixture.ts";

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Reads in the background; `handle` says what becomes of each message. */
function read(
  subscription: Subscription<number>,
  handle: (message: Message<number>) => void | Promise<void>,
): Message<number>[] {
  const messages: Message<number>[] = [];
  void (async () => {
    for await (const message of subscription) {
      messages.push(message);
      await handle(message);
    }
  })();
  return messages;
}

const payloads = (messages: Message<number>[]): number[] => messages.map(({ payload }) => payload);

/** Publishes, and again where that failed, as a publisher does that must not lose anything. */
async function publishAll(bus: Bus, topic: string, count: number): Promise<void> {
  await Promise.all(upTo(count).map((i) => bus.publish(topic, i)));
}

export function describeDelivery(name: string, fixture: BusFixture): void {
  const given = (promise: keyof BusPromises) => promised(fixture.promises, promise);
  describe(`${name}, delivering`, () => {
    const { create, createPeer } = busMaker(fixture);

    it("gives a message its uuid and metadata, the same for every subscription", async () => {
      const bus = await create();
      const [first, second] = [1, 2].map(() => read(bus.subscribe<number>("step.a"), ({ ack }) => ack()));
      await bus.publish("step.a", 1, {
        uuid: "0b0e0f6e-5a8c-4c56-9d2e-2c1f6f3b7a11",
        metadata: { who: "mé\n", x: "1" },
      });
      await bus.publish("step.a", 2);
      await expect.poll(() => second!.length).toBe(2);
      await expect.poll(() => first!.length).toBe(2);
      expect(first![0]).toMatchObject({
        uuid: "0b0e0f6e-5a8c-4c56-9d2e-2c1f6f3b7a11",
        metadata: { who: "mé\n", x: "1" },
        deliveries: 1,
      });
      expect(first![1]!.uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
      expect(first![1]!.uuid).toBe(second![1]!.uuid);
      expect(first![1]!.metadata).toEqual({});
    });

    it("carries whatever JSON can say", async () => {
      const bus = await create();
      const messages = read(bus.subscribe<number>("step.a"), ({ ack }) => ack());
      const values = [null, "", "text\u0000\u2028é😀", 0, false, [], { deep: { list: [1, null] } }];
      for (const value of values) await bus.publish("step.a", value);
      await expect.poll(() => messages.length).toBe(values.length);
      expect(messages.map(({ payload }): unknown => payload)).toEqual(values);
    });

    given("samePayload")("hands the very value over", async () => {
      const bus = await create();
      const messages = read(bus.subscribe<number>("step.a"), ({ ack }) => ack());
      const payload = { big: 1n, self: () => payload };
      await bus.publish("step.a", payload);
      await expect.poll(() => messages.length).toBe(1);
      expect(messages[0]!.payload).toBe(payload);
    });

    it("refuses topics that are neither names nor prefix and *", async () => {
      const bus = await create();
      for (const topic of ["", " ", "a b", "a.*.b", "*.a", "a.>", "a..b", ".a", "a*"]) {
        expect(() => bus.subscribe(topic), topic).toThrow(TypeError);
      }
      for (const topic of ["step.*", "*", ""]) await expect(bus.publish(topic, 1), topic).rejects.toThrow(TypeError);
      expect(bus.topics()).toEqual([]);
    });

    it("takes messages from many publishers at once, each in its order, none lost", async () => {
      const bus = await create();
      const peers = await Promise.all(upTo(4).map(() => createPeer(bus)));
      const subscription = bus.subscribe<number>("step.a");
      await subscription.ready;
      const messages = read(subscription, ({ ack }) => ack());
      await Promise.all(
        peers.map((peer, who) => Promise.all(upTo(250).map((i) => peer.publish("step.a", who * 1000 + i)))),
      );
      await expect.poll(() => messages.length).toBe(1000);
      for (const who of upTo(4)) {
        const own = payloads(messages).filter((value) => Math.floor(value / 1000) === who);
        expect(own).toEqual(upTo(250).map((i) => who * 1000 + i));
      }
    });

    it("gives every message to each of 50 subscriptions", async () => {
      const bus = await create();
      const all = upTo(50).map((i) =>
        read(bus.subscribe<number>(i % 2 === 0 ? "step.a" : "step.*"), ({ ack }) => ack()),
      );
      await publishAll(bus, "step.a", 100);
      for (const messages of all) {
        await expect.poll(() => messages.length).toBe(100);
        expect(payloads(messages)).toEqual(upTo(100));
      }
    });

    it("brings what is nacked again until it is acked, and counts the deliveries", async () => {
      const bus = await create();
      const messages = read(bus.subscribe<number>("step.a"), (message) => {
        if (message.deliveries < 3) message.nack();
        else message.ack();
      });
      await publishAll(bus, "step.a", 10);
      await expectToStay(fixture, () => messages.length, 30);
      for (const i of upTo(10)) {
        const own = messages.filter(({ payload }) => payload === i);
        expect(own.map(({ deliveries }) => deliveries)).toEqual([1, 2, 3]);
        expect(new Set(own.map(({ uuid }) => uuid)).size).toBe(1);
      }
    });

    it("waits before a redelivery as long as the nack says", async () => {
      const bus = await create();
      const times: number[] = [];
      const messages = read(bus.subscribe<number>("step.a"), ({ deliveries, nack, ack }) => {
        times.push(performance.now());
        if (deliveries === 1) nack(150);
        else ack();
      });
      await bus.publish("step.a", 1);
      await expect.poll(() => messages.length).toBe(2);
      expect(times[1]! - times[0]!).toBeGreaterThan(140);
    });

    it("waits before a redelivery longer than a timer can measure", async () => {
      const bus = await create();
      const messages = read(bus.subscribe<number>("step.a"), ({ nack }) => nack(30 * 24 * 3600_000));
      await bus.publish("step.a", 1);
      await expectToStay(fixture, () => messages.length, 1);
    });

    it("counts the first of ack and nack only", async () => {
      const bus = await create();
      const messages = read(bus.subscribe<number>("step.a"), ({ ack, nack }) => {
        ack();
        nack();
        ack();
      });
      await publishAll(bus, "step.a", 3);
      await expectToStay(fixture, () => payloads(messages), [0, 1, 2]);
    });

    given("ordersRedeliveries")("brings what is nacked before what was published after it", async () => {
      const bus = await create();
      const subscription = bus.subscribe<number>("step.a");
      await publishAll(bus, "step.a", 3);
      const seen: number[] = [];
      const messages = read(subscription, ({ payload, deliveries, ack, nack }) => {
        seen.push(payload);
        if (deliveries === 1 && payload < 2) nack();
        else ack();
      });
      await expect.poll(() => messages.length).toBe(5);
      expect(seen).toEqual([0, 0, 1, 1, 2]);
    });

    it("keeps the order with a window of one, nacks included", async () => {
      const bus = await create();
      const handled: number[] = [];
      read(bus.subscribe<number>("step.a", { maxMessages: 1 }), ({ payload, deliveries, ack, nack }) => {
        if (deliveries === 1 && payload % 3 === 0) nack(5);
        else {
          handled.push(payload);
          ack();
        }
      });
      await publishAll(bus, "step.a", 20);
      await expect.poll(() => handled.length).toBe(20);
      expect(handled).toEqual(upTo(20));
    });

    it("loses nothing to a slow consumer", async () => {
      const bus = await create();
      const messages = read(bus.subscribe<number>("step.a", { maxMessages: 8 }), async ({ ack }) => {
        await sleep(1);
        ack();
      });
      await publishAll(bus, "step.a", 300);
      await expect.poll(() => messages.length).toBe(300);
      expect(payloads(messages)).toEqual(upTo(300));
    });

    it("aborts the signals of what is under way when the subscription closes", async () => {
      const bus = await create();
      const subscription = bus.subscribe<number>("step.a");
      const messages = read(subscription, () => {});
      await bus.publish("step.a", 1);
      await expect.poll(() => messages.length).toBe(1);
      expect(messages[0]!.signal.aborted).toBe(false);
      subscription.close();
      expect(messages[0]!.signal.aborted).toBe(true);
      expect(() => messages[0]!.nack()).not.toThrow();
    });

    it("closes while busy: readers end, publishers settle, nothing is left", async () => {
      const bus = await create();
      const readers = upTo(5).map(async () => {
        for await (const { ack } of bus.subscribe("step.a", { maxMessages: 2 })) setTimeout(ack, 3);
      });
      const publishing = Promise.allSettled(upTo(500).map((i) => bus.publish("step.a", i)));
      await sleep(20);
      await bus.close();
      await Promise.all([...readers, publishing]);
      expect(bus.topics()).toEqual([]);
    });

    it("gives up a publish whose signal is aborted while it waits", async () => {
      const bus = await create();
      await expect(bus.publish("step.a", 1, { signal: AbortSignal.abort("no") })).rejects.toBe("no");
    });

    given("backPressure")("takes a publish out of the line when its signal is aborted", async () => {
      const bus = await create();
      const subscription = bus.subscribe<number>("step.a", { maxMessages: 1 });
      await bus.publish("step.a", 0);
      const controller = new AbortController();
      const given = bus.publish("step.a", 1, { signal: controller.signal });
      const after = bus.publish("step.a", 2);
      controller.abort("enough");
      await expect(given).rejects.toBe("enough");
      const messages = read(subscription, ({ ack }) => ack());
      await after;
      await expect.poll(() => messages.length).toBe(2);
      expect(payloads(messages)).toEqual([0, 2]);
    });
  });
}
