import { describe, expect, it } from "vitest";
import {
  defineStep,
  EnginePool,
  RuntimeEngine,
  type RuntimeEngineOptions,
  type ScriptOutcome,
} from "../../src/index.ts";
import { Output } from "../engine/engine-harness.ts";
import { partOf } from "../machine/part-of.ts";
import { patience } from "../machine/patience.ts";
import { killRealmChildren, realmChildren } from "../sandbox/realm-children.ts";

const ROUNDS = partOf(150);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const drip = defineStep({
  name: "drip",
  kind: "text",
  async *run(_, { publish, signal }) {
    for (let i = 0; i < 5 && !signal.aborted; i++) {
      await publish({ type: "partial", delta: "x" });
      await pause(1);
    }
    yield "dripped";
  },
});

const OPTIONS: RuntimeEngineOptions = {
  console: new Output(),
  logger: { warn() {}, error() {} },
  setup: [
    async (vm) => {
      await vm.registerStep("drip", drip);
      await vm.op("soon", () => pause(2));
      await vm.op("block", () => pause(2), { mode: "blocking" });
    },
  ],
};

/** What scripts are doing when their process is killed. */
const SCRIPTS = [
  "await drip.startAsync(1); export default 1",
  "await soon(); block(); export default 1",
  "for (const end = Date.now() + 10; Date.now() < end;); export default 1",
  "setTimeout(() => process.exit(0), 5)",
  "drip.startWithCallbacks(1, { onResult() {}, onDone() {}, onError() {} })",
];

const CODES = /^ERR_ENGINE_(START|CRASHED|CLOSED)$/;

/** Says what is wrong with an outcome: nothing, if the script has ended well or has died with a reason. */
function wrongWith(outcome: ScriptOutcome): string {
  if (outcome.ok || outcome.end === "aborted") return "";
  const { end, error } = outcome;
  return end === "crashed" && CODES.test(error?.code ?? "") && error!.fromHost ? "" : `${end} ${error?.code}`;
}

/**
 * Does something once undisturbed, and then again and again while its children are killed, each time a little later in
 * its life. Gives all that was wrong; what nobody handles fails the test by itself.
 */
async function attack(round: (i: number) => Promise<string>): Promise<string[]> {
  const startedAt = performance.now();
  const wrong = [await round(0)];
  const lifeMs = performance.now() - startedAt;
  for (let i = 0; i < ROUNDS; i++) {
    const at = (i / ROUNDS) * lifeMs;
    const killing = setTimeout(killRealmChildren, at);
    const said = await round(i);
    clearTimeout(killing);
    if (said !== "") wrong.push(`killed after ${at.toFixed(0)} of ${lifeMs.toFixed(0)} ms: ${said}`);
  }
  return wrong.filter((said) => said !== "");
}

describe.skipIf(process.platform !== "linux")("kill -9 of the child at every moment", () => {
  it(
    "leaves start() an error with a code, runScript() an outcome, and close() a promise that resolves",
    async () => {
      const wrong = await attack(async (i) => {
        const engine = new RuntimeEngine(OPTIONS);
        try {
          await engine.start();
        } catch (error) {
          await engine.close();
          const { code = "" } = error as { code?: string };
          return CODES.test(code) ? "" : `start() rejected: ${String(error)}`;
        }
        // Each is closed in its turn while the script runs, when it has ended, or in its own time.
        const running = engine.runScript({ code: SCRIPTS[i % SCRIPTS.length]! });
        const closing = i % 3 === 0 ? engine.close() : i % 3 === 1 ? engine.close({ drainMs: 4 }) : undefined;
        const said = wrongWith(await running);
        const next = closing === undefined ? wrongWith(await engine.runScript({ code: "1" })) : "";
        await closing;
        await engine.close();
        const { timers, runs, ops, topics } = engine.stats();
        return said + next + (timers + runs + ops + topics > 0 ? " something is left" : "");
      });
      expect(wrong).toEqual([]);
      await expect.poll(() => realmChildren(process.pid)).toEqual([]);
    },
    patience(300_000),
  );

  it(
    "leaves every script of a pool an outcome, during close() too",
    async () => {
      const wrong = await attack(async (i) => {
        const pool = new EnginePool({ ...OPTIONS, size: 2 });
        const running = SCRIPTS.slice(0, 3).map((code) => pool.run({ code }));
        const ends = Promise.allSettled(running);
        await running[i % 2];
        await pool.close(i % 2 === 0 ? {} : { drainMs: 20 });
        let said = "";
        for (const end of await ends) {
          if (end.status === "fulfilled") said += wrongWith(end.value);
          // One that waited for its turn is refused.
          else if ((end.reason as { code?: string }).code !== "ERR_ENGINE_CLOSED")
            said += `rejected: ${String(end.reason)}`;
        }
        return said;
      });
      expect(wrong).toEqual([]);
      await expect.poll(() => realmChildren(process.pid)).toEqual([]);
    },
    patience(300_000),
  );

  it("again and again makes a pool say that no process stays alive, as an outcome", async () => {
    await using pool = new EnginePool({ ...OPTIONS, size: 1 });
    const killing = setInterval(killRealmChildren, 1);
    const outcome = await pool.run({ code: "await new Promise((r) => setTimeout(r, 600_000))" });
    clearInterval(killing);
    expect(outcome).toMatchObject({ ok: false, end: "crashed", error: { fromHost: true } });
    expect(outcome.error!.code).toMatch(CODES);
  });
});
