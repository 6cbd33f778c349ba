import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EnginePool, setupDefaults, type PoolRunOptions } from "../../../src/index.ts";
import { patience } from "../../machine/patience.ts";
import { GOOD_VALUE, goodScript, writeModules } from "./good-script.ts";
import { HOSTILE_SCRIPTS, type HostileScript } from "./hostile-scripts.ts";
import { ModelServer } from "./model-server.ts";

/** How many times longer the good tenant's script may take beside a hostile tenant than alone. */
const MOST_TIMES = 3;
/** For a long run: how often each hostile script is tried, instead of until the promise holds. The figures are printed. */
const rounds = Number(process.env["GEPPETTO_TENANT_ROUNDS"] ?? 0);
/** What others do on the machine slows one run down and not the next: what the hostile one does slows them all down. */
const TRIES = 10;
const RUNS = rounds > 0 ? 2 : 1;

let folder: string;
let pool: EnginePool;
let good: ModelServer;
let evil: ModelServer;
let runs = 0;
const cache = process.env["XDG_CACHE_HOME"];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tenants-"));
  process.env["XDG_CACHE_HOME"] = join(folder, "cache");
  await writeModules(folder);
  good = await ModelServer.start();
  evil = await ModelServer.start();
  pool = new EnginePool({
    size: 2,
    quota: { running: 1, waiting: 10 },
    limits: { wallMs: patience(10_000) },
    console: { stdout() {}, stderr() {} },
  });
  // The first ones load what all others find loaded.
  for (let i = 0; i < 3; i++) await runGood();
});

afterAll(async () => {
  await pool.close();
  await good[Symbol.asyncDispose]();
  await evil[Symbol.asyncDispose]();
  if (cache === undefined) delete process.env["XDG_CACHE_HOME"];
  else process.env["XDG_CACHE_HOME"] = cache;
  await rm(folder, { recursive: true });
});

/** How long the good tenant's script takes, from asking for it to its outcome, in ms. */
async function runGood(): Promise<number> {
  const settings = { provider: "openai", baseURL: good.baseURL };
  const setup = [setupDefaults({ chat: { ...settings, model: "honest" }, embeddings: { ...settings, model: "e" } })];
  const begin = performance.now();
  const outcome = await pool.run(goodScript(folder, runs++), { tenant: "good", setup });
  const ms = performance.now() - begin;
  expect(outcome.error?.message).toBeUndefined();
  expect(outcome.value).toEqual(GOOD_VALUE);
  return ms;
}

/** Has the hostile tenant's script run, and three wait, until the work is done. */
async function beside<T>({ code, model, imports }: HostileScript, work: () => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const chat = model === undefined ? { provider: "embedded" } : { provider: "openai", baseURL: evil.baseURL, model };
  const options: PoolRunOptions = {
    tenant: "evil",
    signal: stop.signal,
    setup: [setupDefaults({ chat: { ...chat, deltaMs: 0 } })],
  };
  const { promise: isRunning, resolve } = Promise.withResolvers<void>();
  const again = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const script = { name: "evil.js", code: `${code}\n// ${runs++}`, ...(imports ? { folder } : {}) };
      await pool.run(script, options).catch((error: unknown) => {
        if (!stop.signal.aborted) throw error;
      });
      resolve();
    }
  };
  const loops = [again(), again(), again(), again()];
  try {
    // Until the script works, or has come to its end once.
    await Promise.race([isRunning, expect.poll(() => pool.stats().running).toBe(1)]);
    return await work();
  } finally {
    stop.abort();
    await Promise.all(loops);
  }
}

async function times(count: number): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < count; i++) all.push(await runGood());
  return all;
}

function percentile(all: readonly number[], share: number): number {
  return all.toSorted((a, b) => a - b)[Math.min(all.length - 1, Math.floor(all.length * share))]!;
}

const all: { alone: number[]; beside: number[] } = { alone: [], beside: [] };
// What came after one try comes before the next one.
let before: number[] | undefined;

describe("a tenant beside one with", () => {
  it.each(HOSTILE_SCRIPTS)(
    "$name waits at most three times as long as alone",
    { timeout: patience(60_000 + rounds * 10_000) },
    async (script) => {
      let ratio = Infinity;
      before ??= await times(1);
      for (let tries = 0; tries < (rounds || TRIES) && (rounds > 0 || ratio > MOST_TIMES); tries++) {
        const during = await beside(script, () => times(RUNS));
        const after = await times(1);
        const alone = [...before, ...after];
        before = after;
        ratio = Math.max(...during) / Math.max(...alone);
        all.alone.push(...alone);
        all.beside.push(...during);
      }
      if (rounds === 0) expect(ratio).toBeLessThan(MOST_TIMES);
    },
  );

  it.runIf(rounds > 0)("waits at most three times as long as alone in 99 of 100 cases, over all of them", () => {
    const [alone, other] = [percentile(all.alone, 0.99), percentile(all.beside, 0.99)];
    const [middle, otherMiddle] = [percentile(all.alone, 0.5), percentile(all.beside, 0.5)];
    console.log(
      `${all.beside.length} runs: p50 ${middle.toFixed()} ms alone, ${otherMiddle.toFixed()} ms beside; ` +
        `p99 ${alone.toFixed()} ms alone, ${other.toFixed()} ms beside`,
    );
    expect(other / alone).toBeLessThan(MOST_TIMES);
  });
});
