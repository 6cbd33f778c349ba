import { describe, expect, it } from "vitest";
import { MemoryPubSub, type Subscription } from "../../src/events/index.ts";

async function take(subscription: Subscription<number>, count: number): Promise<number[]> {
  const payloads: number[] = [];
  for await (const { payload, ack } of subscription) {
    payloads.push(payload);
    ack();
    if (payloads.length === count) break;
  }
  return payloads;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe("MemoryPubSub that keeps messages", () => {
  it("gives a late subscriber what was published before, then the rest, in order, within its window", async () => {
    const bus = new MemoryPubSub({ keep: { messages: 1000 } });
    for (const i of upTo(300)) await bus.publish("step.a", i);
    const subscription = bus.subscribe<number>("step.a", { maxMessages: 5 });
    const publishing = Promise.all(upTo(100).map((i) => bus.publish("step.a", 300 + i)));
    expect(await take(subscription, 400)).toEqual(upTo(400));
    await publishing;
    expect(bus.topics()).toEqual([]);
  });

  it("gives a late pattern the messages of all its topics in order of publication", async () => {
    const bus = new MemoryPubSub({ keep: { messages: 10 } });
    for (const i of upTo(6)) await bus.publish(i % 2 === 0 ? "step.a" : "step.b", i);
    await bus.publish("other", 99);
    expect(await take(bus.subscribe<number>("step.*"), 6)).toEqual(upTo(6));
  });

  it("keeps so many messages of so many topics, the latest ones", async () => {
    const bus = new MemoryPubSub({ keep: { messages: 2, topics: 2 } });
    for (const i of upTo(5)) await bus.publish("step.a", i);
    expect(await take(bus.subscribe<number>("step.a"), 2)).toEqual([3, 4]);
    await bus.publish("step.b", 10);
    await bus.publish("step.c", 20);
    expect(await take(bus.subscribe<number>("step.*"), 2)).toEqual([10, 20]);
  });

  it("forgets a topic that it is told to forget", async () => {
    const bus = new MemoryPubSub({ keep: { messages: 2 } });
    await bus.publish("step.a", 1);
    bus.forget("step.a");
    const subscription = bus.subscribe<number>("step.a");
    await bus.publish("step.a", 2);
    expect(await take(subscription, 1)).toEqual([2]);
  });
});
