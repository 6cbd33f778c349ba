import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ExecutionFacts } from "../../src/index.ts";
import { NatsJournal } from "../../src/workers/index.ts";
import { JobQueue } from "../../src/workers/queue/job-queue.ts";
import { TenantTurns } from "../../src/workers/tenant-turns.ts";
import { hasNatsServer } from "../events/nats-server.ts";
import { patience } from "../machine/patience.ts";
import { WorkerFixture } from "./worker-fixture.ts";

describe("Tenants", () => {
  it("take turns by weight, and save up nothing while they do not wait", () => {
    const turns = new TenantTurns({ b: 3 });
    const took: string[] = [];
    const turn = (waiting: string[]): void => {
      const [first] = turns.order(waiting);
      turns.took(first!);
      took.push(first!);
    };
    for (let i = 0; i < 8; i++) turn(["a", "b"]);
    expect(took.filter((tenant) => tenant === "b").length).toBe(6);
    expect(took.slice(0, 4).filter((tenant) => tenant === "a").length).toBe(1);
    took.length = 0;
    for (let i = 0; i < 20; i++) turn(["b"]);
    for (let i = 0; i < 8; i++) turn(["a", "b"]);
    expect(took.slice(20).filter((tenant) => tenant === "a").length).toBe(2);
  });
});

describe.skipIf(!hasNatsServer)("Tenants of workers", () => {
  let at: WorkerFixture;
  beforeEach(async () => {
    at = await WorkerFixture.start();
  });
  afterEach(() => at[Symbol.asyncDispose]());

  /** Puts jobs of a tenant into the queue, made of one that was submitted, and gives their ids. */
  async function push(queue: JobQueue, tenant: string, count: number): Promise<string[]> {
    const model = await at.submit("export default 1", { tenant, pool: "nobody" });
    const job = { ...(await queue.job(model.id))!, pool: "default" };
    const ids = Array.from({ length: count }, (_, i) => `${tenant}${String(i).padStart(3, "0")}`);
    for (const id of ids) {
      await queue.submitted.put(id, JSON.stringify({ ...job, id }));
      await queue.push({ ...job, id }, "submitted");
    }
    return ids;
  }

  it("wait at most three times as long beside one that floods the queue", async () => {
    const COUNT = 60;
    await using queue = await JobQueue.open(at.nats);
    await push(queue, "flood", 3 * COUNT);
    const good = await push(queue, "good", COUNT);
    const worker = await at.worker({ slots: 2, engine: { reuse: "tenant" } });
    await expect
      .poll(async () => (await queue.waiting("default")).get("good") ?? 0, { timeout: patience(60_000) })
      .toBe(0);
    // It was at work all the time.
    expect((await queue.waiting("default")).get("flood")).toBeGreaterThan(COUNT / 2);
    await worker.close();
    await using journal = await NatsJournal.open(at.nats);
    const begun: ExecutionFacts[] = [];
    for await (const facts of journal.list()) begun.push(facts);
    begun.sort((a, b) => a.createdAt - b.createdAt);
    // Counted in jobs that begin, whatever each takes here: alone, as many as are its own tenant's up to it.
    const places = good.map((id) => begun.findIndex((facts) => facts.id === id) + 1);
    const p99 = places[Math.ceil(0.99 * COUNT) - 1]!;
    const ms = begun[p99 - 1]!.createdAt - begun[0]!.createdAt;
    expect(p99, `the p99 waits ${ms} ms`).toBeLessThanOrEqual(3 * Math.ceil(0.99 * COUNT));
    for (const [i, place] of places.entries()) expect(place).toBeLessThanOrEqual(3 * (i + 1) + 2);
    expect(places.filter((place) => place === 0)).toEqual([]);
  });

  it("spend one budget, on however many workers", async () => {
    const budgets = { "*": { maxCalls: 5 }, rich: { maxCalls: 100 } };
    await at.worker({ slots: 1, budgets, name: "w1" });
    await at.worker({ slots: 1, budgets, name: "w2" });
    const code = `let n = 0; try { for (; n < 4; n++) await chat("echo: a"); } catch (error) { n += "," + error.code; } export default n;`;
    const made: unknown[] = [];
    // One after the other: what is under way elsewhere is counted when it has ended.
    for (let i = 0; i < 3; i++) made.push((await (await at.submit(code, { tenant: "poor" })).outcome).value);
    expect(made).toEqual([4, "1,ERR_LIMIT_CALLS", "0,ERR_LIMIT_CALLS"]);
    expect((await (await at.submit(code, { tenant: "rich" })).outcome).value).toBe(4);
  });
});
