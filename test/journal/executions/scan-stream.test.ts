/** Lists of what is in a stream of a NATS server, while it changes. */
import { headers } from "@nats-io/transport-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MessageBox } from "../../../src/journal/executions/nats/message-box.ts";
import { NatsLink } from "../../../src/journal/executions/nats/nats-link.ts";
import { scanStream, type ScanOptions } from "../../../src/journal/executions/nats/scan-stream.ts";
import { streamNames } from "../../../src/journal/executions/nats/stream-names.ts";
import { NatsJournal } from "../../../src/workers/index.ts";
import { hasNatsServer, NatsServer } from "../../events/nats-server.ts";

let server: NatsServer;
let link: NatsLink;

/** The subjects and places that a scan brings, where something is done when it has its first consumer. */
async function scan(options: Partial<ScanOptions>, meanwhile: () => Promise<unknown>): Promise<string[]> {
  const { consumers } = link.manager;
  const add = consumers.add.bind(consumers);
  let isFirst = true;
  consumers.add = async (...args) => {
    const info = await add(...args);
    if (isFirst) await meanwhile();
    isFirst = false;
    return info;
  };
  const found: string[] = [];
  for await (const { subject, seq } of scanStream(link, "S", { filter: "x.*", ...options }))
    found.push(`${subject} ${seq}`);
  consumers.add = add;
  return found;
}

describe.skipIf(!hasNatsServer)("A list of a stream", () => {
  beforeEach(async () => {
    server = await NatsServer.start();
    link = await NatsLink.connect({ servers: server.address });
    await link.manager.streams.add({ name: "S", subjects: ["x.*"] });
    for (const subject of ["x.a", "x.b", "x.c", "x.a", "x.b", "x.c"]) await link.client.publish(subject);
  });
  afterEach(async () => {
    await link[Symbol.asyncDispose]();
    await server.stop();
  });

  it("has all, in order, with texts and without", async () => {
    const all = ["x.a 1", "x.b 2", "x.c 3", "x.a 4", "x.b 5", "x.c 6"];
    for (const isWithoutTexts of [true, false]) expect(await scan({ isWithoutTexts }, async () => {})).toEqual(all);
    expect(await scan({ isLastOnly: true }, async () => {})).toEqual(all.slice(3));
    expect(await scan({ filter: "x.none" }, async () => {})).toEqual([]);
  });

  it("leaves nothing else out where a subject is purged meanwhile", async () => {
    const purge = () => link.manager.streams.purge("S", { filter: "x.b" });
    expect(await scan({}, purge)).toEqual(["x.a 1", "x.c 3", "x.a 4", "x.c 6"]);
    await link.client.publish("x.b");
    expect((await scan({ isLastOnly: true }, purge)).sort()).toEqual(["x.a 4", "x.c 6"]);
  });

  it("leaves nothing else out where messages are removed meanwhile, and ends where all are", async () => {
    expect(await scan({}, () => link.remove("S", 2))).toEqual(["x.a 1", "x.c 3", "x.a 4", "x.b 5", "x.c 6"]);
    expect(await scan({}, () => link.remove("S", 6))).toEqual(["x.a 1", "x.c 3", "x.a 4", "x.b 5"]);
    expect(await scan({}, () => link.manager.streams.purge("S"))).toEqual([]);
  });

  it("is not the only one who gets all: messages for an execution that ends take no other's from a worker", async () => {
    await using journal = await NatsJournal.open({ servers: server.address });
    const names = streamNames("geppetto");
    const box = new MessageBox(link, names, headers);
    for (const id of ["first", "ended", "second"]) await box.add(id, { kind: "send", name: "word", text: '"hello"' });
    const filter_subject = names.told("*", "*");
    const info = await link.manager.consumers.add(names.box, {
      durable_name: "d",
      filter_subject,
      ack_policy: "explicit",
    });
    await box.clear("ended");
    const found: string[] = [];
    for await (const message of await link.client.consumers.getConsumerFromInfo(info).consume()) {
      found.push(names.idOf(message.subject));
      message.ack();
      if (found.length === 2) break;
    }
    expect(found).toEqual(["first", "second"]);
    expect(await journal.get("ended")).toBeUndefined();
  });
});
