/** What every implementation of {@link Bus} promises. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Bus, BusMessage, Subscription } from "../../src/events/bus.ts";
import { busMaker, expectToStay, promised, type BusFixture, type BusPromises } from "./bus-fixture.ts";

/** Reads until `count` messages have come, acking each. */
async function take<T>(subscription: Subscription<T>, count: number): Promise<T[]> {
  const payloads: T[] = [];
  if (count === 0) return payloads;
  for await (const { payload, ack } of subscription) {
    payloads.push(payload);
    ack();
    if (payloads.length === count) break;
  }
  return payloads;
}

/** Reads in the background without acking. */
function gather<T>(subscription: Subscription<T>): { messages: BusMessage<T>[]; ended: Promise<void> } {
  const messages: BusMessage<T>[] = [];
  const ended = (async () => {
    for await (const message of subscription) messages.push(message);
  })();
  return { messages, ended };
}

/** Publishes without waiting and counts how many have had room. */
function publishAll(bus: Bus, topic: string, count: number, bytes = 0): { done: number; all: Promise<unknown> } {
  const progress = { done: 0, all: Promise.resolve() as Promise<unknown> };
  const publish = async (i: number): Promise<void> => {
    await bus.publish(topic, i, { bytes });
    progress.done++;
  };
  progress.all = Promise.all(Array.from({ length: count }, (_, i) => publish(i)));
  return progress;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** The promises that all make about topics, order, windows and closing. */
export function describeBus(name: string, fixture: BusFixture): void {
  const settle = (): Promise<void> => sleep(fixture.settleMs);
  const stays = (read: () => unknown, expected: unknown) => expectToStay(fixture, read, expected);
  const { promises } = fixture;
  const given = (promise: keyof BusPromises) => promised(promises, promise);
  describe(name, () => {
    const { create } = busMaker(fixture);

    it("gives the messages of a topic to each subscription in order", async () => {
      const bus = await create();
      const readers = [1, 2, 3].map(() => take(bus.subscribe<number>("step.a"), 500));
      for (const i of upTo(500)) await bus.publish("step.a", i);
      for (const payloads of await Promise.all(readers)) expect(payloads).toEqual(upTo(500));
      expect(bus.topics()).toEqual([]);
    });

    it("gives a message the topic that it was published to, and the payload as it is", async () => {
      const bus = await create();
      const { messages } = gather(bus.subscribe("step.*"));
      const payload = { deep: [1] };
      await bus.publish("step.a", payload);
      await expect.poll(() => messages).toMatchObject([{ topic: "step.a", payload: { deep: [1] } }]);
      await bus.close();
    });

    it("keeps the order of publishers that do not wait for each other", async () => {
      const bus = await create();
      const reading = take(bus.subscribe<number>("step.a"), 1000);
      const { all } = publishAll(bus, "step.a", 1000);
      await all;
      expect(await reading).toEqual(upTo(1000));
    });

    given("backPressure")("keeps the order of publishers that had to wait and of those that come then", async () => {
      const bus = await create();
      const subscription = bus.subscribe<number>("step.a", { maxMessages: 2 });
      const { messages } = gather(subscription);
      const first = publishAll(bus, "step.a", 10);
      await stays(() => first.done, 2);
      const late = bus.publish("step.a", 10);
      for (let at = 0; at < 11; at++) {
        await expect.poll(() => messages.length).toBeGreaterThan(at);
        messages[at]!.ack();
      }
      await Promise.all([first.all, late]);
      expect(messages.map(({ payload }) => payload)).toEqual(upTo(11));
      await bus.close();
    });

    it("loses nothing that is published before the first read, up to the window", async () => {
      const bus = await create();
      const subscription = bus.subscribe<number>("step.a");
      for (const i of upTo(64)) await bus.publish("step.a", i);
      expect(await take(subscription, 64)).toEqual(upTo(64));
    });

    it("has at most 64 messages under way unless the subscription says otherwise", async () => {
      for (const [options, room] of [
        [{}, 64],
        [{ maxMessages: 1 }, 1],
        [{ maxMessages: 100 }, 100],
      ] as const) {
        const bus = await create();
        const { messages } = gather(bus.subscribe("step.a", options));
        const progress = publishAll(bus, "step.a", 200);
        const counts = (): number[] => [messages.length, progress.done];
        await stays(counts, [room, promises.backPressure ? room : 200]);
        messages[0]!.ack();
        await stays(counts, [room + 1, promises.backPressure ? room + 1 : 200]);
        await bus.close();
        await progress.all;
      }
    });

    given("byteWindow")("has at most 256,000 bytes under way, but lets one message of any size through", async () => {
      const bus = await create();
      const { messages } = gather(bus.subscribe("step.a"));
      const progress = publishAll(bus, "step.a", 20, 100_000);
      await stays(() => progress.done, 2);
      for (const { ack } of messages.slice()) ack();
      await stays(() => progress.done, 4);
      await bus.close();

      const other = await create();
      const giant = gather(other.subscribe("step.a"));
      const giants = publishAll(other, "step.a", 3, 1e9);
      await stays(() => giants.done, 1);
      giant.messages[0]!.ack();
      await stays(() => giants.done, 2);
      await other.close();
    });

    it("frees room in whatever order messages are acked, and once for each", async () => {
      const bus = await create();
      const { messages } = gather(bus.subscribe("step.a", { maxMessages: 3 }));
      const progress = publishAll(bus, "step.a", 10);
      await stays(() => messages.length, 3);
      messages[2]!.ack();
      messages[2]!.ack();
      messages[2]!.ack();
      await stays(() => messages.length, 4);
      await bus.close();
      await progress.all;
    });

    given("backPressure")("makes a publisher wait for the slowest of several subscriptions", async () => {
      const bus = await create();
      const fast = take(bus.subscribe<number>("step.a"), 100);
      const slow = gather(bus.subscribe<number>("step.*"));
      const progress = publishAll(bus, "step.a", 100);
      await stays(() => progress.done, 64);
      for (let at = 0; at < 100; at++) {
        await expect.poll(() => slow.messages.length).toBeGreaterThan(at);
        slow.messages[at]!.ack();
      }
      await progress.all;
      expect(await fast).toEqual(upTo(100));
      expect(slow.messages.map(({ payload }) => payload)).toEqual(upTo(100));
      await bus.close();
    });

    given("backPressure")("does not let one topic hold up another", async () => {
      const bus = await create();
      const { messages } = gather(bus.subscribe("step.full", { maxMessages: 1 }));
      const stuck = publishAll(bus, "step.full", 5);
      const reading = take(bus.subscribe<number>("step.free"), 100);
      const { all } = publishAll(bus, "step.free", 100);
      await all;
      expect(await reading).toEqual(upTo(100));
      expect([stuck.done, messages.length]).toEqual([1, 1]);
      await bus.close();
    });

    it("gives a pattern the messages of all names with one more part, and no others", async () => {
      const bus = await create();
      const { messages } = gather(bus.subscribe("step.*"));
      for (const topic of ["step.a", "step.b", "step", "stepp.a", "step.a.b", "other.a", "a.step.b"])
        await bus.publish(topic, topic);
      await stays(() => messages.map(({ payload }) => payload), ["step.a", "step.b"]);
      await bus.close();
    });

    it("keeps nothing for a subscriber that comes late, and waits for nobody where there is none", async () => {
      const bus = await create();
      for (const i of upTo(500)) await bus.publish("step.a", i, { bytes: 1e6 });
      const reading = take(bus.subscribe<number>("step.a"), 1);
      await bus.publish("step.a", "new");
      expect(await reading).toEqual(["new"]);
    });

    it("names topics and patterns while they have subscribers", async () => {
      const bus = await create();
      expect(bus.topics()).toEqual([]);
      const first = bus.subscribe("step.a");
      const second = bus.subscribe("step.a");
      const pattern = bus.subscribe("step.*");
      await bus.publish("step.unheard", 1);
      expect(bus.topics().sort()).toEqual(["step.*", "step.a"]);
      first.close();
      expect(bus.topics().sort()).toEqual(["step.*", "step.a"]);
      second.close();
      pattern.close();
      expect(bus.topics()).toEqual([]);
    });

    it("keeps a topic that was forgotten and subscribed to anew when the old subscription is closed again", async () => {
      const bus = await create();
      const old = bus.subscribe("step.a");
      old.close();
      const anew = bus.subscribe("step.a");
      old.close();
      expect(bus.topics()).toEqual(["step.a"]);
      anew.close();
      expect(bus.topics()).toEqual([]);
    });

    it("closes a subscription whose loop is left early, and lets the publisher go on", async () => {
      const bus = await create();
      const subscription = bus.subscribe("step.a");
      const progress = publishAll(bus, "step.a", 500);
      for await (const { payload } of subscription) if (payload === 3) break;
      await progress.all;
      expect(bus.topics()).toEqual([]);
    });

    it("closes a subscription whose loop throws", async () => {
      const bus = await create();
      const subscription = bus.subscribe("step.a");
      await bus.publish("step.a", 1);
      const reading = (async () => {
        for await (const { payload } of subscription) throw new Error(`no ${String(payload)}`);
      })();
      await expect(reading).rejects.toThrow("no 1");
      expect(bus.topics()).toEqual([]);
    });

    given("backPressure")(
      "ends a reader that waits, a publisher that waits and whoever waits for idle when a subscription is closed",
      async () => {
        const bus = await create();
        const empty = bus.subscribe("step.a");
        const { ended } = gather(empty);
        await settle();
        empty.close();
        await ended;

        const full = bus.subscribe("step.b", { maxMessages: 1 });
        const progress = publishAll(bus, "step.b", 5);
        const idle = full.idle();
        await stays(() => progress.done, 1);
        full.close();
        full.close();
        await Promise.all([progress.all, idle]);
        expect(bus.topics()).toEqual([]);
      },
    );

    it("drops what is under way when a subscription is closed, and gives it nothing more", async () => {
      const bus = await create();
      const subscription = bus.subscribe("step.a");
      await bus.publish("step.a", 1);
      subscription.close();
      await bus.publish("step.a", 2);
      const { messages, ended } = gather(subscription);
      await ended;
      expect(messages).toEqual([]);
    });

    it("takes acks after the close without complaint", async () => {
      const bus = await create();
      const subscription = bus.subscribe("step.a");
      const { messages } = gather(subscription);
      await bus.publish("step.a", 1);
      await expect.poll(() => messages.length).toBe(1);
      subscription.close();
      expect(() => messages[0]!.ack()).not.toThrow();
    });

    it("is idle when everything published so far has been acked", async () => {
      const bus = await create();
      const subscription = bus.subscribe("step.a");
      await subscription.idle();
      const { messages } = gather(subscription);
      await bus.publish("step.a", 1);
      await bus.publish("step.a", 2);
      let idle = false;
      const waiting = subscription.idle().then(() => (idle = true));
      await expect.poll(() => messages.length).toBe(2);
      messages[0]!.ack();
      await settle();
      expect(idle).toBe(false);
      messages[1]!.ack();
      await waiting;
      await subscription.idle();
      await bus.close();
      await subscription.idle();
    });

    given("backPressure")(
      "lets publishers to several topics go on when a pattern's subscription was full for all of them",
      async () => {
        const bus = await create();
        const { messages } = gather(bus.subscribe("step.*", { maxMessages: 1 }));
        const published = Promise.all(["a", "b", "c"].map((name) => bus.publish(`step.${name}`, name)));
        for (let at = 0; at < 3; at++) {
          await expect.poll(() => messages.length).toBe(at + 1);
          messages[at]!.ack();
        }
        await published;
        await bus.close();
      },
    );

    it("closes every subscription with itself, twice if asked", async () => {
      const bus = await create();
      const readers = ["step.a", "step.b", "step.*"].map((topic) => gather(bus.subscribe(topic)).ended);
      const progress = publishAll(bus, "step.a", 200);
      await settle();
      await bus.close();
      await bus.close();
      await Promise.all([...readers, progress.all]);
      expect(bus.topics()).toEqual([]);
    });
  });
}
