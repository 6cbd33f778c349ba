/** Who makes what a server does not have, or does not have any more, beside others who make the same. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NatsJournal } from "../../src/journal/executions/nats/nats-journal.ts";
import { streamNames } from "../../src/journal/executions/nats/stream-names.ts";
import { JobQueue } from "../../src/workers/queue/job-queue.ts";
import { hasNatsServer } from "../events/nats-server.ts";
import { patience } from "../machine/patience.ts";
import { WorkerFixture } from "./worker-fixture.ts";

const LASTING = { timeout: patience(30_000) };

let at: WorkerFixture;

function logging(warned: string[]): { warn(text: string): void; error(): void } {
  return { warn: (text) => warned.push(text), error: () => {} };
}

describe.skipIf(!hasNatsServer)("On a server that has nothing", () => {
  beforeEach(async () => {
    at = await WorkerFixture.start();
  });
  afterEach(() => at[Symbol.asyncDispose]());

  it("all who open a queue at a time have it", async () => {
    for (let round = 0; round < 20; round++) {
      const nats = { ...at.nats, prefix: `round${round}` };
      const queues = await Promise.all(Array.from({ length: 6 }, () => JobQueue.open(nats)));
      const taken = await Promise.all(queues.map((queue) => queue.take("default", "default")));
      expect(taken.every((message) => message === undefined)).toBe(true);
      // The one that they all have.
      await queues[0]!.push({ id: "one", pool: "default", tenant: "default", trace: {} }, "x");
      expect((await queues[5]!.take("default", "default"))?.id).toBe("one");
      for (const queue of queues) await queue[Symbol.asyncDispose]();
    }
  });

  it("all who restore a queue at a time have it, and know that jobs were gone, once", async () => {
    const queues = await Promise.all([1, 2, 3, 4].map(() => JobQueue.open(at.nats)));
    const restore = (): Promise<boolean[]> => Promise.all(queues.map((queue) => queue.restore()));
    expect(await restore()).toEqual([false, false, false, false]);
    for (let round = 0; round < 5; round++) {
      await at.server.kill();
      at.server.empty();
      await at.server.revive();
      expect(await restore()).toEqual([true, true, true, true]);
      await at.server.restart(0);
      expect(await restore()).toEqual([false, false, false, false]);
    }
    for (const queue of queues) await queue[Symbol.asyncDispose]();
  });

  it("all workers go on, each time, and say so", async () => {
    const logs: string[][] = [[], [], []];
    await Promise.all(logs.map((warned, n) => at.worker({ name: `w${n}`, logger: logging(warned) })));
    await using queue = await JobQueue.open(at.nats);
    for (let round = 1; round <= 3; round++) {
      await at.server.kill();
      at.server.empty();
      await at.server.revive();
      const restored = (warned: string[]): number =>
        warned.filter((text) => text.includes("its streams were made again")).length;
      await expect.poll(() => logs.map(restored), LASTING).toEqual([round, round, round]);
      await expect.poll(async () => (await queue.workersOf("default")).length, LASTING).toBe(3);
      const execution = await at.submit(`await execution.sleep(10); export default ${round};`);
      expect(await execution.outcome).toMatchObject({ value: round });
    }
    expect(logs.flat().join("\n")).not.toContain("Cannot go on as before");
  });
});

describe.skipIf(!hasNatsServer)("A consumer that somebody deletes", () => {
  beforeEach(async () => {
    at = await WorkerFixture.start();
  });
  afterEach(() => at[Symbol.asyncDispose]());

  it("of jobs is made again for the next one", async () => {
    await at.worker();
    expect(await (await at.submit("export default 1")).outcome).toMatchObject({ value: 1 });
    await using queue = await JobQueue.open(at.nats);
    await queue.link.manager.consumers.delete(queue.names.jobs, "default=default");
    expect(await (await at.submit("export default 2")).outcome).toMatchObject({ value: 2 });
  });

  it("of answers is made again, and who was answered meanwhile goes on", async () => {
    const warned: string[] = [];
    await at.worker({ logger: logging(warned) });
    const execution = await at.submit(`export default await execution.receive("word");`);
    await expect.poll(async () => (await execution.facts())?.state, LASTING).toBe("suspended");
    await using queue = await JobQueue.open(at.nats);
    await queue.link.manager.consumers.delete(streamNames("geppetto").box, "answers");
    await using journal = await NatsJournal.open(at.nats);
    await journal.send(execution.id, "word", "yes");
    expect(await execution.outcome).toMatchObject({ value: "yes" });
  });
});
