import { closestName } from "../../src/shared/closest-name.ts";
import { type EngineLimits, limitError } from "../../src/engine/limits.ts";
import { GeppettoError } from "../../src/shared/errors.ts";
import { MAX_TIMER_MS } from "../../src/shared/limits.ts";

/** Bounds of one sub-script. */
export interface SubScriptLimits {
  memoryMB: number;
  wallMs: number;
  cpuMs: number;
  turnMs: number;
  outputBytes: number;
  /** Calls of tools. */
  calls: number;
}

/** What a sub-script has where nobody says anything; never more than its parent has. */
const DEFAULTS: SubScriptLimits = {
  memoryMB: 32,
  wallMs: 30_000,
  cpuMs: 10_000,
  turnMs: 5_000,
  outputBytes: 1_000_000,
  calls: 1_000,
};
/** What V8 needs to do anything. */
const LEAST_MEMORY_MB = 16;
const NAMES = Object.keys(DEFAULTS) as (keyof SubScriptLimits)[];

/** Sub-scripts of a script that is in no other, and of all within it. */
export class SubScriptCount {
  readonly #most: number;
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  reset(): void {
    this.#count = 0;
  }

  /** @throws {GeppettoError} LimitError ERR_LIMIT_SUB_SCRIPTS where this one is one too many. */
  add(): void {
    if (this.#count >= this.#most) throw limitError("subScripts", this.#most);
    this.#count++;
  }
}

/** What the sub-scripts of one engine may use together: no more than its own script may. */
export class SubScriptShare {
  readonly #limits: EngineLimits;
  readonly #count: SubScriptCount;
  #memoryMB = 0;
  #cpuMs = 0;

  constructor(limits: EngineLimits, count: SubScriptCount) {
    this.#limits = limits;
    this.#count = count;
  }

  /** Another script begins. */
  reset(): void {
    this.#cpuMs = 0;
  }

  /**
   * Takes a part of it.
   *
   * @throws {GeppettoError} ValidationError that names the limit which is wrong; LimitError ERR_LIMIT_SUB_SCRIPTS where nothing is left.
   */
  take(given: unknown): { limits: SubScriptLimits; giveBack: (cpuMs: number) => void } {
    const asked = readLimits(given);
    const { memoryMB: allMB, wallMs, cpuMs, turnMs, outputBytes } = this.#limits;
    const cpuLeft = cpuMs === undefined ? Infinity : cpuMs - this.#cpuMs;
    const most: SubScriptLimits = {
      memoryMB: allMB,
      wallMs: wallMs ?? Infinity,
      cpuMs: cpuLeft,
      turnMs: turnMs ?? Infinity,
      outputBytes,
      calls: Infinity,
    };
    const limits = { ...DEFAULTS };
    for (const name of NAMES) limits[name] = Math.min(asked[name] ?? DEFAULTS[name], most[name]);
    limits.memoryMB = Math.max(limits.memoryMB, LEAST_MEMORY_MB);
    if (limits.cpuMs <= 0) throw spent(`those before it have used all of the ${cpuMs} ms of CPU time`);
    if (this.#memoryMB + limits.memoryMB > allMB) {
      throw spent(`it needs ${limits.memoryMB} MB, and those that run have ${this.#memoryMB} of ${allMB} MB`);
    }
    this.#count.add();
    this.#memoryMB += limits.memoryMB;
    let isBack = false;
    const giveBack = (used: number): void => {
      if (isBack) return;
      isBack = true;
      this.#memoryMB -= limits.memoryMB;
      this.#cpuMs += used;
    };
    return { limits, giveBack };
  }
}

function readLimits(given: unknown): Partial<SubScriptLimits> {
  if (given === undefined || given === null) return {};
  if (typeof given !== "object" || Array.isArray(given)) throw invalid("limits must be an object");
  const limits: Partial<SubScriptLimits> = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!NAMES.includes(name as keyof SubScriptLimits)) {
      const close = closestName(name, NAMES);
      throw invalid(
        `there is no limit "${name.slice(0, 100)}"${close === undefined ? "" : `, did you mean "${close}"?`}`,
      );
    }
    if (typeof value !== "number" || !(value > 0) || value > MAX_TIMER_MS) {
      throw invalid(`limits.${name} must be a positive number, at most ${MAX_TIMER_MS}`);
    }
    limits[name as keyof SubScriptLimits] = value;
  }
  return limits;
}

function spent(why: string): GeppettoError {
  return new GeppettoError("LimitError", `Cannot run the sub-script: ${why}`, { code: "ERR_LIMIT_SUB_SCRIPTS" });
}

export function invalid(why: string): GeppettoError {
  return new GeppettoError("ValidationError", `Cannot run the sub-script: ${why}`);
}
