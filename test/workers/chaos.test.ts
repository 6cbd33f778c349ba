/**
 * Executions on several workers while workers, guests and the server are killed, and workers stopped until others have taken
 * over. `GEPPETTO_CHAOS=whole` takes 500 executions of 20 effects, `GEPPETTO_CHAOS_SEED=n` other places.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { FollowedItem } from "../../src/workers/index.ts";
import { openExecution } from "../../src/workers/index.ts";
import { hasNatsServer } from "../events/nats-server.ts";
import { patience } from "../machine/patience.ts";
import { WorkerChildren } from "./worker-children.ts";
import { reach, WorkerFixture } from "./worker-fixture.ts";

const isWhole = process.env["GEPPETTO_CHAOS"] === "whole";
const EXECUTIONS = isWhole ? 500 : 12;
const EFFECTS = isWhole ? 20 : 6;
const WORKERS = 3;
/** Longer than a worker may be silent. */
const STOPPED_MS = 5000;
const SEED = Number(process.env["GEPPETTO_CHAOS_SEED"] ?? 1);

/** Numbers from 0 to 1, the same for each seed. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const random = randomOf(SEED);

function pick<T>(items: readonly T[]): T | undefined {
  return items[Math.floor(random() * items.length)];
}

function kill(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(pid, signal);
  } catch {
    // It is gone.
  }
}

function guestsOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** One thing after the other is lost, until the signal aborts. What is lost is put in its place. */
async function havoc(at: WorkerFixture, children: WorkerChildren, signal: AbortSignal): Promise<Map<string, number>> {
  const done = new Map<string, number>();
  const zombies: Promise<void>[] = [];
  const disasters: Record<string, () => Promise<void> | void> = {
    "a worker is killed": async () => {
      const worker = pick(children.running);
      if (worker !== undefined) kill(-worker.pid!, "SIGKILL");
      await children.start();
    },
    "a guest is killed": () => {
      const worker = pick(children.running);
      if (worker !== undefined) kill(pick(guestsOf(worker.pid!)), "SIGKILL");
    },
    "the server is killed": () => at.server.restart(200),
    "a worker is stopped": () => {
      const worker = pick(children.running);
      kill(worker?.pid, "SIGSTOP");
      zombies.push(sleep(STOPPED_MS).then(() => kill(worker?.pid, "SIGCONT")));
    },
  };
  while (!signal.aborted) {
    await sleep(500 + random() * 1500, undefined, { signal }).catch(() => {});
    if (signal.aborted) break;
    const name = pick(Object.keys(disasters))!;
    done.set(name, (done.get(name) ?? 0) + 1);
    await disasters[name]!();
  }
  await Promise.all(zombies);
  return done;
}

/** Follows an execution over many connections, each of which breaks after some items. */
async function followInPieces(id: string, at: WorkerFixture): Promise<FollowedItem[]> {
  const items: FollowedItem[] = [];
  while (items.at(-1)?.type !== "end") {
    await using execution = await reach(() => openExecution(id, at.nats));
    let left = 1 + Math.floor(random() * 20);
    for await (const item of execution.follow({ from: (items.at(-1)?.seq ?? 0) + 1 })) {
      items.push(item);
      if (--left === 0) break;
    }
  }
  return items;
}

describe.skipIf(!hasNatsServer)("Executions on workers that are lost, again and again", () => {
  it(
    "all end, do each thing once, and are followed without gap or double",
    async () => {
      await using at = await WorkerFixture.start();
      // What is lost here is not lost for the job's sake.
      using children = new WorkerChildren(at.server.address, { maxLost: 1000 });
      await Promise.all(Array.from({ length: WORKERS }, () => children.start()));
      const code = `
        for (let n = 0; n < ${EFFECTS}; n++) {
          console.log(await count(n));
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        export default "done";`;
      const ids = Array.from({ length: EXECUTIONS }, (_, i) => `e${i}`);
      const stop = new AbortController();
      const damage = havoc(at, children, stop.signal);
      // One connection for all.
      await using first = await reach(() => at.submit(code, { id: ids[0]!, tenant: "t0" }));
      for (const [i, id] of ids.entries())
        if (id !== first.id) await (await reach(() => at.submit(code, { id, tenant: `t${i % 3}` }))).close();
      const followed = await Promise.all(
        ids.filter((_, i) => i % Math.ceil(EXECUTIONS / 6) === 0).map((id) => followInPieces(id, at)),
      );
      await using last = await reach(() => openExecution(ids.at(-1)!, at.nats));
      await last.outcome;
      for (const id of ids) {
        await using execution = await reach(() => openExecution(id, at.nats));
        expect(await execution.outcome, id).toMatchObject({ ok: true, value: "done" });
      }
      stop.abort();
      const done = await damage;
      if (isWhole) console.log(`seed ${SEED}:`, Object.fromEntries(done));
      const expected = ids.flatMap((id) => Array.from({ length: EFFECTS }, (_, n) => `${id} ${n}`));
      const counts = children.counts();
      expect([...counts.keys()].sort()).toEqual(expected.sort());
      expect([...counts].filter(([, count]) => count !== 1)).toEqual([]);
      for (const items of followed) {
        const printed = items.flatMap((item) => (item.type === "output" ? [item.text] : []));
        expect(printed).toEqual(Array.from({ length: EFFECTS }, (_, n) => `${n}\n`));
        const seqs = items.map(({ seq }) => seq);
        expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
      }
    },
    patience(isWhole ? 3_600_000 : 300_000),
  );
});
