import { fork, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventRouter, forwardTopic, MemoryPubSub, type StepEvent } from "../../src/events/index.ts";
import { NatsPubSub, type JetStreamOptions } from "../../src/events/nats-pub-sub.ts";
import { RuntimeEngine, setupDefaults } from "../../src/index.ts";
import { hasNatsServer, NatsServer } from "./nats-server.ts";
import { patience } from "../machine/patience.ts";

const JOBS = 1000;
const ACK_WAIT_MS = patience(1000);
const streamOf = (stream: string): JetStreamOptions => ({ stream, ackWaitMs: ACK_WAIT_MS, maxBytes: 50_000_000 });
const listener = fileURLToPath(new URL("listening-child.ts", import.meta.url));
const child = fileURLToPath(new URL("handling-child.ts", import.meta.url));

describe.skipIf(!hasNatsServer)("NatsPubSub among processes", () => {
  let server: NatsServer;
  const folder = mkdtempSync(join(tmpdir(), "geppetto-events-"));
  const children = new Set<ChildProcess>();

  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(async () => {
    for (const process of children) process.kill("SIGKILL");
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("has all 1,000 messages handled when consumers are killed with kill -9, none twice beyond what was unacked", async () => {
    const file = join(folder, "handled");
    const start = async (): Promise<ChildProcess> => {
      const consumer = fork(child, [server.address, file, String(ACK_WAIT_MS)], { execArgv: [] });
      children.add(consumer);
      await new Promise((resolve) => consumer.once("message", resolve));
      return consumer;
    };
    const handled = (): string[][] =>
      existsSync(file)
        ? readFileSync(file, "utf8")
            .split("\n")
            .slice(0, -1)
            .map((line) => line.split(" "))
        : [];

    await using bus = await NatsPubSub.connect({
      servers: server.address,
      prefix: "kill",
      jetStream: streamOf("KILL"),
    });
    let consumer = await start();
    await Promise.all(Array.from({ length: JOBS }, (_, i) => bus.publish("jobs", i)));
    let kills = 0;
    for (const at of [150, 450, 750]) {
      await expect.poll(() => handled().length, { interval: 5 }).toBeGreaterThan(at);
      consumer.kill("SIGKILL");
      kills++;
      consumer = await start();
    }
    await expect.poll(() => new Set(handled().map(([, job]) => job)).size).toBe(JOBS);

    const lines = handled();
    const twice = lines.length - JOBS;
    // One at a time is worked on; of the acks before it those that were not sent yet may be lost with the process.
    expect(twice).toBeLessThanOrEqual(kills * 32);
    const counts = new Map<string, number>();
    for (const [, job] of lines) counts.set(job!, (counts.get(job!) ?? 0) + 1);
    expect([...counts.values()].every((count) => count <= 1 + kills)).toBe(true);
    // What was done a second time was a redelivery.
    const seconds = lines.filter(([, job], index) => lines.findIndex((line) => line[1] === job) < index);
    expect(seconds.every(([, , deliveries]) => Number(deliveries) > 1)).toBe(true);
    console.info(`1,000 jobs, ${kills} kills: ${lines.length} handled, ${twice} twice`);
  });

  it("carries the events of a step in one process to a subscriber in another, in order", async () => {
    const memory = new MemoryPubSub();
    await using bus = await NatsPubSub.connect({ servers: server.address, prefix: "far" });
    const subscriber = fork(listener, [server.address], { execArgv: [] });
    children.add(subscriber);
    await new Promise((resolve) => subscriber.once("message", resolve));
    const heard = new Promise<StepEvent[]>((resolve) =>
      subscriber.once("message", (events) => resolve(events as StepEvent[])),
    );
    await using forwarding = await forwardTopic({ topic: "step.*", from: memory, to: bus });
    await using engine = new RuntimeEngine({
      bus: memory,
      isolation: "thread",
      setup: [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 } })],
    });
    await engine.start();
    const outcome = await engine.runScript({
      code: 'export default String((await new ChatStepFactory().newStep().startAsync("echo: one two three"))[0]);',
    });
    expect(outcome).toMatchObject({ ok: true, value: "one two three" });
    const events = await heard;
    await forwarding.close();
    expect(events.map(({ type }) => type)).toEqual(["start", "partial", "partial", "partial", "final"]);
    expect(events.map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4]);
    expect(events.at(-1)).toMatchObject({ text: "one two three" });
  });

  it("serves as the bus of an engine", async () => {
    await using bus = await NatsPubSub.connect({ servers: server.address, prefix: "engine" });
    await using engine = new RuntimeEngine({
      bus,
      isolation: "thread",
      setup: [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 } })],
    });
    await engine.start();
    const outcome = await engine.runScript({
      code: `const types = [];
        for await (const { type } of new ChatStepFactory().newStep().events("echo: a b")) types.push(type);
        export default types.join(" ");`,
    });
    expect(outcome).toMatchObject({ ok: true, value: "start partial partial final" });
    expect(bus.topics()).toEqual([]);
  });

  it("says which server does not answer, and which package is missing for what", async () => {
    await expect(NatsPubSub.connect({ servers: "127.0.0.1:1" })).rejects.toMatchObject({
      code: "ERR_NATS",
      message: expect.stringContaining("Cannot connect to NATS at 127.0.0.1:1"),
    });
  });

  it("hands foreign messages on as text, and says that they are no JSON", async () => {
    const { connect } = await import("@nats-io/transport-node");
    await using bus = await NatsPubSub.connect({ servers: server.address, prefix: "foreign" });
    const subscription = bus.subscribe("step.a");
    await subscription.ready;
    const foreign = await connect({ servers: server.address });
    foreign.publish("foreign.step.a", "not { JSON");
    await foreign.drain();
    for await (const { payload, metadata, ack } of subscription) {
      ack();
      expect(payload).toBe("not { JSON");
      expect(metadata).toMatchObject({ undecodable: expect.stringContaining("it is not JSON") });
      break;
    }
  });

  it("has an event router send foreign messages to the poison topic, and handle the others", async () => {
    const { connect } = await import("@nats-io/transport-node");
    await using bus = await NatsPubSub.connect({
      servers: server.address,
      prefix: "router",
      jetStream: streamOf("ROUTER"),
    });
    await using router = new EventRouter({ publisher: bus });
    const texts: string[] = [];
    const poisoned: unknown[] = [];
    await router.registerChatEventHandler("step.*", { handleText: ({ text }) => void texts.push(text) });
    router.addHandler(
      "poison",
      "poison",
      ({ payload, metadata }) => void poisoned.push([payload, metadata["reason_poisoned"]]),
    );
    void router.run();
    await router.running();
    const foreign = await connect({ servers: server.address });
    foreign.publish("router.step.a", new Uint8Array([0xff, 0x00]));
    foreign.publish("router.step.a", '{"hello":"world"}');
    await foreign.drain();
    await bus.publish("step.b", { type: "text", text: "fine" });
    await expect.poll(() => texts).toEqual(["fine"]);
    await expect.poll(() => poisoned.length).toBe(2);
    expect(poisoned).toEqual([
      ["\ufffd\0", expect.stringContaining('Cannot read a message of "step.a": it is not JSON')],
      [{ hello: "world" }, expect.stringContaining("Cannot read an event: type: expected one of start")],
    ]);
  });

  it("drops what a slow subscriber of plain subjects has no room for, and says so", async () => {
    const log: string[] = [];
    const logger = { warn: (text: string) => void log.push(text), error: () => {} };
    await using bus = await NatsPubSub.connect({ servers: server.address, prefix: "slow", logger });
    const subscription = bus.subscribe<number>("step.a", { maxMessages: 2, maxBuffered: 3 });
    for (let i = 0; i < 20; i++) await bus.publish("step.a", i);
    await expect.poll(() => log).toEqual(['Dropping messages of "step.a": 3 wait already, its subscriber is too slow']);
    const seen: number[] = [];
    for await (const { payload, ack } of subscription) {
      seen.push(payload);
      ack();
      if (seen.length === 5) break;
    }
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    expect(log.at(-1)).toBe('Dropped 15 messages of "step.a"');
  });

  it("gives up publishing, and subscribes later, when the server stays away", async () => {
    const own = await NatsServer.start();
    const options = { servers: own.address, reconnectWaitMs: 50, logger: { warn: () => {}, error: () => {} } };
    await using bus = await NatsPubSub.connect({
      ...options,
      jetStream: streamOf("AWAY"),
      publishTimeoutMs: patience(500),
    });
    await bus.publish("step.a", 0);
    await own.kill();
    const subscription = bus.subscribe<number>("step.a");
    await expect(bus.publish("step.a", 1)).rejects.toMatchObject({
      code: "ERR_PUBLISH",
      isTransient: true,
      message: expect.stringContaining('Cannot publish to topic "step.a": '),
    });
    await own.revive();
    await subscription.ready;
    await bus.publish("step.a", 2);
    for await (const { payload, ack } of subscription) {
      ack();
      expect(payload).toBe(2);
      break;
    }
    await bus.close();
    await expect(bus.publish("step.a", 3)).rejects.toMatchObject({ code: "ERR_CLOSED" });
    expect(() => bus.subscribe("step.a")).toThrow("the bus is closed");
    await own.stop();
  });

  it("counts a message that is published twice with one uuid once", async () => {
    await using bus = await NatsPubSub.connect({
      servers: server.address,
      prefix: "twice",
      jetStream: streamOf("TWICE"),
    });
    const subscription = bus.subscribe<number>("step.a");
    for (let i = 0; i < 3; i++) await bus.publish("step.a", 1, { uuid: "the-same" });
    await bus.publish("step.a", 2);
    const seen: number[] = [];
    for await (const { payload, ack } of subscription) {
      seen.push(payload);
      ack();
      if (payload === 2) break;
    }
    expect(seen).toEqual([1, 2]);
  });

  it("closes, and says so, when the connection is gone for good", async () => {
    const own = await NatsServer.start();
    const log: string[] = [];
    const bus = await NatsPubSub.connect({
      servers: own.address,
      connection: { reconnect: false },
      logger: { warn: () => {}, error: (text) => void log.push(text) },
    });
    const reading = (async () => {
      for await (const { ack } of bus.subscribe("step.a")) ack();
    })();
    await own.stop();
    await reading;
    expect(log).toEqual([expect.stringContaining("Lost the connection to NATS for good")]);
    await expect(bus.publish("step.a", 1)).rejects.toMatchObject({ code: "ERR_CLOSED" });
    expect(bus.topics()).toEqual([]);
  });
});
