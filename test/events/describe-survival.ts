/** What implementations promise that outlast a subscriber, or a server: groups, deadlines, coming back. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import type { Bus, Message, Subscription } from "../../src/events/index.ts";
import { NatsPubSub } from "../../src/events/nats-pub-sub.ts";
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

function inGroup(bus: Bus, topic: string, group: string, maxMessages = 64): Subscription<number> {
  if (!(bus instanceof NatsPubSub)) throw new Error("This implementation has no groups");
  return bus.subscribe<number>(topic, { group, maxMessages });
}

export function describeSurvival(name: string, fixture: BusFixture): void {
  const given = (promise: keyof BusPromises) => promised(fixture.promises, promise);
  describe(`${name}, surviving`, () => {
    const { create, createPeer } = busMaker(fixture);

    given("groups")("shares the messages among the subscriptions of a group", async () => {
      const bus = await create();
      const peer = await createPeer(bus);
      const subscriptions = [inGroup(bus, "step.a", "workers", 4), inGroup(peer, "step.a", "workers", 4)];
      await Promise.all(subscriptions.map(({ ready }) => ready));
      const [first, second] = subscriptions.map((subscription) =>
        read(subscription, async ({ ack }) => {
          await sleep(1);
          ack();
        }),
      );
      await publishAll(bus, "step.a", 200);
      await expectToStay(fixture, () => first!.length + second!.length, 200);
      expect([...payloads(first!), ...payloads(second!)].sort((a, b) => a - b)).toEqual(upTo(200));
      expect(Math.min(first!.length, second!.length)).toBeGreaterThan(0);
    });

    given("durableGroups")("keeps for a group what is published while none of it is there", async () => {
      const bus = await create();
      const first = inGroup(bus, "step.a", "late");
      const early = read(first, ({ ack, payload }) => (payload < 5 ? ack() : undefined));
      await publishAll(bus, "step.a", 10);
      await expect.poll(() => early.length).toBe(10);
      first.close();
      await publishAll(bus, "step.a", 3);
      const late = read(inGroup(await createPeer(bus), "step.a", "late"), ({ ack }) => ack());
      const arrived = (): number[] => [...new Set(payloads(late))].sort((a, b) => a - b);
      await expect.poll(arrived).toEqual([0, 1, 2, 5, 6, 7, 8, 9]);
    });

    given("ackDeadline")("brings again what is not acked in time, and not what is being worked on", async () => {
      const bus = await create();
      const subscription = inGroup(bus, "step.a", "slow");
      const ackWaitMs = subscription.ackWaitMs!;
      let acked = 0;
      const messages = read(subscription, ({ payload, deliveries, ack, working }) => {
        if (payload === 0 && deliveries === 1) return;
        const beat = setInterval(working, ackWaitMs / 3);
        setTimeout(() => {
          clearInterval(beat);
          ack();
          acked++;
        }, ackWaitMs * 2.5);
      });
      await publishAll(bus, "step.a", 2);
      await expect.poll(() => acked).toBe(2);
      await sleep(ackWaitMs * 1.5);
      expect(payloads(messages)).toEqual([0, 1, 0]);
      expect(messages[2]!.deliveries).toBe(2);
    });

    given("reconnects")("goes on after the server was killed and is back", async () => {
      const bus = await create();
      const messages = read(bus.subscribe<number>("step.a"), ({ ack }) => ack());
      await bus.publish("step.a", 0);
      await expect.poll(() => messages.length).toBe(1);
      await fixture.restartServer!(300);
      await expect
        .poll(() =>
          bus.publish("step.a", 1).then(
            () => true,
            () => false,
          ),
        )
        .toBe(true);
      await expect.poll(() => payloads(messages)).toContain(1);
      expect(bus.topics()).toEqual(["step.a"]);
    });

    given("survivesServer")(
      "loses nothing, and keeps the order, when the server is killed while messages are published",
      async () => {
        const bus = await create();
        const peer = await createPeer(bus);
        const subscription = bus.subscribe<number>("step.a");
        await subscription.ready;
        const messages = read(subscription, async ({ ack }) => {
          await sleep(0);
          ack();
        });
        const publishing = (async () => {
          for (const start of upTo(20)) {
            await Promise.all(upTo(50).map((i) => peer.publish("step.a", start * 50 + i)));
            await sleep(10);
          }
        })();
        await sleep(60);
        await fixture.restartServer!(200);
        await publishing;
        await expect.poll(() => new Set(payloads(messages)).size).toBe(1000);
        const firsts = [...new Set(payloads(messages))];
        expect(firsts).toEqual(upTo(1000));
      },
    );
  });
}
