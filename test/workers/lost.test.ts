/** What becomes of jobs where something is lost, or forged, or in the way. */
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { streamNames } from "../../src/journal/executions/nats/stream-names.ts";
import { JobQueue } from "../../src/workers/queue/job-queue.ts";
import { hasNatsServer } from "../events/nats-server.ts";
import { patience } from "../machine/patience.ts";
import { WorkerChildren } from "./worker-children.ts";
import { follow, WorkerFixture } from "./worker-fixture.ts";

let at: WorkerFixture;
let children: WorkerChildren;

describe.skipIf(!hasNatsServer)("A job", () => {
  beforeEach(async () => {
    at = await WorkerFixture.start();
    children = new WorkerChildren(at.server.address);
  });
  afterEach(async () => {
    children[Symbol.dispose]();
    await at[Symbol.asyncDispose]();
  });

  it("goes on with another worker when its own was killed, and does nothing twice", async () => {
    const first = await children.start();
    const execution = await at.submit(`
      for (let n = 0; n < 6; n++) {
        await count(n);
        await new Promise((resolve) => setTimeout(resolve, ${patience(300)}));
      }
      export default execution.attempt;`);
    await expect.poll(() => children.counts().size, { timeout: patience(20_000) }).toBeGreaterThan(1);
    process.kill(-first.pid!, "SIGKILL");
    await children.start();
    expect(await execution.outcome).toMatchObject({ ok: true, value: 2 });
    expect([...children.counts().values()]).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it("that kills each worker is set aside after three, with the reason", async () => {
    const execution = await at.submit(`await count(1); await die();`);
    for (let i = 0; i < 3; i++) await once(await children.start(), "exit");
    await children.start();
    const outcome = await execution.outcome;
    expect(outcome).toMatchObject({ ok: false, error: { code: "ERR_JOB_LOST" } });
    expect(outcome.error!.message).toMatch(/set aside after 3 attempts .*: w1 \(lost\), w2 \(lost\), w3 \(lost\)$/);
    expect(await follow(execution).then((items) => items.at(-1))).toMatchObject({ type: "end" });
    expect([...children.counts().values()]).toEqual([1]);
  });

  it("that cannot be read, or whose source is not what it was, hurts no other one", async () => {
    await using queue = await JobQueue.open(at.nats);
    await queue.push({ id: "forged", pool: "default", tenant: "default", trace: {} }, "x");
    await queue.submitted.put("forged", '{"id":"forged","permissions":{"env":true}}');
    const source = "0".repeat(64);
    const job = { id: "empty", source, script: "a.js", tenant: "default", pool: "default", args: [], env: {} };
    await queue.submitted.put("empty", JSON.stringify({ ...job, submittedAt: 0, trace: {} }));
    await queue.push({ id: "empty", pool: "default", tenant: "default", trace: {} }, "x");
    await at.worker();
    expect(await (await at.submit("export default 1")).outcome).toMatchObject({ value: 1 });
    const { NatsJournal } = await import("../../src/workers/index.ts");
    await using journal = await NatsJournal.open(at.nats);
    await expect.poll(async () => (await journal.get("empty"))?.error).toMatch(/its source is gone/);
    expect(await journal.get("forged")).toBeUndefined();
    await expect.poll(async () => (await queue.waiting("default")).size).toBe(0);
  });

  it("waits while the server is away, and goes on when it is back", async () => {
    await children.start();
    const execution = await at.submit(`
      for (let n = 0; n < 10; n++) {
        await count(n);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      export default "done";`);
    const items = follow(execution);
    for (let i = 0; i < 2; i++) {
      await expect.poll(() => children.counts().size, { timeout: patience(20_000) }).toBeGreaterThan(i * 4);
      await at.server.restart(300);
    }
    expect((await items).at(-1)).toMatchObject({ type: "end", outcome: { ok: true, value: "done" } });
    expect([...children.counts().values()]).toEqual(Array.from({ length: 10 }, () => 1));
  });

  it("tells how it ended to whoever asks for the first time while the server is away", async () => {
    await children.start();
    const execution = await at.submit("export default 1");
    await at.server.kill();
    const outcome = execution.outcome;
    await at.server.restart(300);
    expect(await outcome).toMatchObject({ ok: true, value: 1 });
  });

  it("ends, and says why, where the server has come back without what it kept; its worker takes others", async () => {
    const warned: string[] = [];
    await at.worker({ logger: { warn: (text) => warned.push(text), error: () => {} } });
    const execution = await at.submit(`setInterval(() => console.log("here"), 50);`, { id: "gone" });
    await expect.poll(async () => (await execution.facts())?.holder, { timeout: patience(20_000) }).toBeDefined();
    await at.server.kill();
    at.server.empty();
    await at.server.revive();
    const lasting = { timeout: patience(30_000) };
    await expect.poll(() => warned.join("\n"), lasting).toContain("its streams were made again");
    await expect.poll(() => warned.join("\n"), lasting).toMatch(/The job gone has ended: .*without what it kept/);
    expect(await (await at.submit("export default 1")).outcome).toMatchObject({ value: 1 });
  });

  it("ends, and says why, where somebody has deleted its stream; its worker closes", async () => {
    const warned: string[] = [];
    const worker = await at.worker({ logger: { warn: (text) => warned.push(text), error: () => {} } });
    const execution = await at.submit(`setInterval(() => console.log("here"), 50);`, { id: "deleted" });
    await expect.poll(async () => (await execution.facts())?.holder, { timeout: patience(20_000) }).toBeDefined();
    await using queue = await JobQueue.open(at.nats);
    const { logs } = streamNames("geppetto");
    await queue.link.manager.streams.delete(logs);
    await expect(execution.outcome).rejects.toThrow("its stream is gone: somebody has deleted it");
    await expect
      .poll(() => warned.join("\n"), { timeout: patience(30_000) })
      .toMatch(/Cannot run the job deleted: .*its stream is gone/);
    expect(warned.join("\n")).not.toContain("does not answer");
    await worker.close();
  });

  it("that is lost with its worker is not counted to those beside it", async () => {
    const beside = await Promise.all(
      [1, 2, 3].map((n) => at.submit(`await count(${n}); await new Promise((resolve) => setTimeout(resolve, 1000));`)),
    );
    const poisoned = await at.submit(`await count(0); await die();`);
    // In the fourth it is set aside.
    for (let i = 0; i < 3; i++) await once(await children.start(), "exit");
    await children.start();
    expect(await poisoned.outcome).toMatchObject({ ok: false, error: { code: "ERR_JOB_LOST" } });
    for (const { outcome } of beside) expect(await outcome).toMatchObject({ ok: true });
    expect([...children.counts().values()]).toEqual([1, 1, 1, 1]);
  });

  it("is followed by one who reads slowly, and by one who comes back, without gap or double", async () => {
    await at.worker();
    const execution = await at.submit(
      `for (let n = 0; n < 300; n++) { console.log(n); if (n % 50 === 0) await null; }`,
    );
    const all = await follow(execution);
    const seen: typeof all = [];
    while (seen.at(-1)?.type !== "end") {
      for await (const item of execution.follow({ from: (seen.at(-1)?.seq ?? 0) + 1 })) {
        seen.push(item);
        if (seen.length % 40 === 0) break;
        if (seen.length % 25 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    expect(seen).toEqual(all);
    expect(all.filter(({ type }) => type === "output").length).toBeGreaterThan(0);
  });
});
