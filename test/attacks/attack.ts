/** How a hostile script is told, run and judged. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EnginePool, setupDefaults, type PermissionOptions, type ScriptOutcome } from "../../src/index.ts";
import { MachineWatch } from "../machine/machine-watch.ts";
import { loadEmbeddings, sharedEmbeddings } from "./shared-embeddings.ts";
import { isWholeRun } from "../machine/part-of.ts";
import { HostMonitor } from "./host-monitor.ts";

export interface Attack {
  /** What the script does: goes on from "a script that". */
  name: string;
  code: string;
  /**
   * How it may end: "completed", "done", "exit 3", "load", "stalled", the code of a limit or of the engine's death, or
   * "uncaught" with the error's name; a "*" stands for any end of the word.
   */
  ends: string | readonly string[];
  /** The value that it must end with. */
  value?: unknown;
  /** What the outcome must say of whose error it is. */
  fromHost?: boolean;
  /** Why a thread is not expected to hold it: left out, it is. */
  notInThread?: string;
  /** It may see what others do at the same time, so it has the host for itself. */
  alone?: boolean;
  /** Which of the places has it, by turns. Where two lists are put together: the sum of both numbers; default its own. */
  turn?: number;
}

/** Time for a script that is to be ended by its time limit, or may be. */
const SHORT_MS = 300;
/** Time for one that is to end by itself: only what hangs needs it. */
export const LONG_MS = 100_000;
const MEMORY_MB = 48;
const OUTPUT_BYTES = 200_000;
/** What the host may add to the limit before the outcome is there, in ms. */
const GRACE_MS = 250;
/** The longest that an answer of the host's may take, in ms. */
const ANSWER_MS = 100;
/** What a strict child may have in memory: its private data is limited to 256 MB, Node's own code comes on top. */
const STRICT_CHILD_MB = 320;
/** A secret in the host's environment that no script may come by. */
export const SECRET = "geppetto-canary-4711";

/** What scripts find first: `same(value)` is true for values whose functions are all of the script's own realm. */
const PRELUDE = String.raw`
const same = (value) => { const F = value.constructor.constructor; return F("return globalThis")() === globalThis && F("return typeof require + typeof global + process.version")() === "undefinedundefinedundefined"; };
const caught = (f) => { try { f(); } catch (error) { return error; } };
const again = async (f) => { for (;;) { f(); await null; } };
`;

/** One word for how a script ended. */
export function nameEnding({ end, exitCode, error }: ScriptOutcome): string {
  if (end === "exit") return `exit ${exitCode}`;
  if (end === "limit" || end === "crashed") return error?.code ?? end;
  if (end === "uncaught") return `uncaught ${error?.name.slice(0, 40)}`;
  return end;
}

/** What must hold of every outcome, whatever the script was. */
function checkOutcome({ name, ends, value, fromHost }: Attack, outcome: ScriptOutcome, longestMs: number): void {
  const { error, stats } = outcome;
  const told = `${nameEnding(outcome)}${error === undefined ? "" : `: ${error.message.slice(0, 300)}`}`;
  const allowed = (typeof ends === "string" ? [ends] : ends).filter((word) =>
    word.endsWith("*") ? nameEnding(outcome).startsWith(word.slice(0, -1)) : nameEnding(outcome) === word,
  );
  expect(allowed, `${name} may end in ${String(ends)}; it ended in ${told}`).not.toEqual([]);
  if (value !== undefined) expect(outcome.value).toEqual(value);
  // A limit that the host did not set off is a forgery.
  if (outcome.end === "limit") expect(error?.fromHost).toBe(true);
  if (fromHost !== undefined) expect(error?.fromHost).toBe(fromHost);
  expect(stats.durationMs).toBeLessThan(longestMs);
  const shown = JSON.stringify([error, outcome.text?.slice(0, 10_000)], (_, part: unknown) =>
    typeof part === "bigint" ? String(part) : part,
  );
  expect(shown).not.toContain(SECRET);
  expect(shown).not.toContain(process.cwd());
  expect(shown).not.toMatch(/node_modules|node:internal|realm-child|isolated-vm|thread-realm/);
}

/** Where scripts run: in each kind of isolation, one after the other in processes of one tenant, or with strict hardening. */
const PLACES = {
  thread: { isolation: "thread" },
  process: { isolation: "process" },
  "warm process": { isolation: "process", reuse: "tenant" },
  "strict process": { isolation: "process", hardening: "strict" },
} as const;

export interface AttackSurroundings {
  places?: readonly (keyof typeof PLACES)[];
  /** What all scripts of the category may use; default nothing. */
  permissions?: PermissionOptions;
  /** Where their relative paths start from; no script may learn where that is. */
  folder?: string;
}

/**
 * Runs each attack of a category in one of the places that have to hold it, by turns; with `GEPPETTO_TEST_WHOLE=1` in all
 * of them.
 */
export function describeAttacks(
  category: string,
  attacks: readonly Attack[],
  { places = ["thread", "process", "warm process"], permissions = {}, folder }: AttackSurroundings = {},
): void {
  describe.each(places)(`a host of ${category} in a %s`, (place) => {
    const options = PLACES[place];
    const { isolation } = options;
    let monitor: HostMonitor;
    let watch: MachineWatch;
    let pools: { short: EnginePool; long: EnginePool };
    let printed = 0;
    let leaked = false;

    beforeAll(async () => {
      process.env["GEPPETTO_CANARY"] = SECRET;
      const chat = { provider: "embedded", deltaMs: 0 };
      const setup = [setupDefaults({ chat, wrapEmbeddings: sharedEmbeddings })];
      // The first vector takes as long as loading the model does, which is nothing to measure scripts by.
      await loadEmbeddings();
      watch = await MachineWatch.start();
      monitor = await HostMonitor.start();
      const hidden = [SECRET, process.cwd(), ...(folder === undefined ? [] : [folder])];
      const sink = (text: string): void => {
        printed += Buffer.byteLength(text);
        leaked ||= hidden.some((part) => text.includes(part));
      };
      const poolOf = (wallMs: number): EnginePool =>
        new EnginePool({
          size: 2,
          ...options,
          limits: { wallMs, memoryMB: MEMORY_MB, outputBytes: OUTPUT_BYTES },
          permissions,
          console: { stdout: sink, stderr: sink },
          setup,
        });
      pools = { short: poolOf(SHORT_MS), long: poolOf(LONG_MS) };
    });

    const held = attacks.filter(({ notInThread, turn }, i) => {
      const holding = places.filter((each) => PLACES[each].isolation === "process" || notInThread === undefined);
      return isWholeRun ? holding.includes(place) : place === holding[(turn ?? i) % holding.length];
    });
    async function hold(attack: Attack): Promise<void> {
      const time = attack.ends.includes("ERR_LIMIT_WALL") ? "short" : "long";
      const script = { code: PRELUDE + attack.code, ...(folder === undefined ? {} : { folder }) };
      // In a warm process each attack follows others, as the scripts of one tenant.
      const outcome = await pools[time].run(script, { tenant: "reuse" in options ? "attacker" : attack.name });
      if (folder !== undefined) expect(outcome.error?.message ?? "").not.toContain(folder);
      const limitMs = time === "short" ? SHORT_MS : LONG_MS;
      // A thread's turn may be in the middle of something that V8 does not interrupt.
      const graceMs = isolation === "process" ? watch.allow(GRACE_MS) : Infinity;
      checkOutcome(attack, outcome, limitMs + graceMs);
    }
    it.concurrent.each(held.filter(({ alone }) => !alone))("holds a script that $name", hold);
    it.each(held.filter(({ alone }) => alone))("holds a script that $name", hold);

    if (isolation === "thread") {
      for (const { name, notInThread } of attacks) {
        if (notInThread !== undefined) it.skip(`is not expected to hold a script that ${name}: ${notInThread}`);
      }
    }

    afterAll(async () => {
      await Promise.all([pools.short.close(), pools.long.close()]);
      const report = await monitor.stop();
      await watch.stop();
      const { slowestAnswerMs, answers, longestStallMs, largestChildMB, failures } = report;
      console.log(
        `${category} in a ${place}: ${held.length} scripts; ${answers} requests answered meanwhile, the slowest in ` +
          `${slowestAnswerMs.toFixed(0)} ms; longest stall of the host's own ` +
          `${longestStallMs.toFixed(0)} ms; largest child ${largestChildMB.toFixed(0)} MB`,
      );
      expect(failures).toEqual([]);
      expect(leaked).toBe(false);
      expect(printed).toBeLessThanOrEqual(OUTPUT_BYTES * attacks.length);
      if (isolation === "process") expect(longestStallMs).toBeLessThan(watch.allow(ANSWER_MS));
      if (place === "strict process") expect(largestChildMB).toBeLessThan(STRICT_CHILD_MB);
    });
  });
}
