/** Three servers that keep all that is made there three times. */
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { submit, Worker } from "../../src/workers/index.ts";
import { hasNatsServer, NatsServer } from "../events/nats-server.ts";
import { patience } from "../machine/patience.ts";
import { follow, printed, reach } from "./worker-fixture.ts";

let servers: NatsServer[];

/** The server that leads a stream, which is kept on all of them. */
async function leaderOf(stream: string): Promise<NatsServer> {
  const connection = await connect({ servers: servers.map(({ address }) => address) });
  try {
    const { config, cluster } = await (await jetstreamManager(connection)).streams.info(stream);
    expect(config.num_replicas).toBe(servers.length);
    return servers[Number(cluster!.leader!.replace("server", ""))]!;
  } finally {
    await connection.close();
  }
}

describe.skipIf(!hasNatsServer)("A cluster of three servers", () => {
  beforeEach(async () => {
    servers = await NatsServer.startCluster(3);
  });
  afterEach(async () => {
    await Promise.all(servers.map((server) => server.stop()));
  });

  it("loses one, and executions go on and end", async () => {
    const nats = { servers: servers.map(({ address }) => address), replicas: 3, patienceMs: patience(30_000) };
    const logger = { warn: () => {}, error: () => {} };
    // They agree on who leads first.
    await using worker = await reach(() => Worker.start({ nats, slots: 2, logger }));
    const code = `for (let n = 0; n < 20; n++) {
      console.log(n);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    export default execution.attempt;`;
    await using execution = await submit({ code, name: "job.js" }, { nats });
    const items = follow(execution);
    for await (const item of execution.follow()) if (item.type === "output") break;
    // The one that the others follow, for the logs of executions.
    const leader = await leaderOf("geppetto_executions");
    await leader.kill();
    const all = await items;
    expect(printed(all)).toBe(Array.from({ length: 20 }, (_, n) => `${n}\n`).join(""));
    expect(all.at(-1)).toMatchObject({ type: "end", outcome: { ok: true, value: 1 } });
    // What comes now is kept by two.
    await using next = await submit({ code: "export default 2", name: "job.js" }, { nats });
    expect(await next.outcome).toMatchObject({ ok: true, value: 2 });
    expect(worker.stats.begun).toBe(2);
  });
});
