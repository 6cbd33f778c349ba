/** A subscriber in a process of its own: says when it listens, and then what it has heard up to the first final event. */
import { eventFromJSON, type ChatEvent } from "../../src/events/index.ts";
import { NatsPubSub } from "../../src/events/nats-pub-sub.ts";

await using bus = await NatsPubSub.connect({ servers: process.argv[2]!, prefix: "far" });
const subscription = bus.subscribe("step.*");
await subscription.ready;
process.once("disconnect", () => process.exit());
process.send?.("ready");
const events: ChatEvent[] = [];
for await (const { payload, ack } of subscription) {
  const event = await eventFromJSON(payload);
  events.push(event);
  ack();
  if (event.type === "final") break;
}
process.send?.(events);
process.disconnect?.();
