/** A consumer to be killed: handles the jobs of a group and notes each in a file before it acks. */
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { NatsPubSub } from "../../src/events/nats-pub-sub.ts";
import { Router } from "../../src/events/router.ts";

const [servers, file, ackWaitMs] = process.argv.slice(2) as [string, string, string];
const bus = await NatsPubSub.connect({
  servers,
  prefix: "kill",
  jetStream: { stream: "KILL", ackWaitMs: Number(ackWaitMs), maxBytes: 50_000_000 },
});
const router = new Router();
const grouped = {
  subscribe: <T>(topic: string) => bus.subscribe<T>(topic, { group: "workers", maxMessages: 32 }),
  close: () => {},
};
router.addHandler("jobs", "jobs", grouped, async ({ payload, deliveries }) => {
  await sleep(1);
  appendFileSync(file, `${process.pid} ${String(payload)} ${deliveries}\n`);
});
const running = router.run();
await router.running();
process.once("disconnect", () => process.exit());
process.send?.("ready");
await running;
