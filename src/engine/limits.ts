import { withDefaults } from "../shared/values/with-defaults.ts";
import { waysToSet } from "../config/table/names.ts";
import { GeppettoError } from "../shared/errors.ts";
import { MAX_MEMORY_MB, MAX_TIMER_MS, MIN_MEMORY_MB } from "../shared/limits.ts";

/** Bounds on what one engine's guest may use. Times in milliseconds; 0 or undefined means no limit where that is said. */
export interface EngineLimits {
  /** V8 heap; default 128. */
  memoryMB: number;
  /** Longest time of one script (`runScript`); default none. */
  wallMs?: number | undefined;
  /** CPU time of one script; waiting for the host is free. Default none. */
  cpuMs?: number | undefined;
  /** Longest time of one turn; default none. */
  turnMs?: number | undefined;
  /** What a script may print, in bytes; default 16 MB. */
  outputBytes: number;
  /** Timers that may be pending; default 10,000. */
  timers: number;
  /** Runs of steps that may be under way; default 1,000. */
  runs: number;
  /** Asynchronous ops that may be pending; default 1,000. */
  ops: number;
  /** What the host holds of the results of runs under way, about, in bytes; default 128 MB. */
  resultBytes: number;
  /** Arguments of pending ops and runs together, in characters; default 64 million. */
  argumentChars: number;
  /** Events of all runs of a script; default 1,000,000. */
  events: number;
  /** Uses of permissions that a script may make, granted or denied; default 100,000. */
  uses: number;
  /** Sub-scripts of a script, and those within them, together (`runScript` in a script); default 1,000. */
  subScripts: number;
  /** Requests of `fetch` under way, with their answers; default 64. */
  fetches: number;
  /** Longest time of one of them, from sending to the end of its answer; default 5 minutes. */
  fetchMs: number;
  /** Bytes of one answer to `fetch`, unpacked; default 64 MB. */
  responseBytes: number;
}

export const DEFAULT_LIMITS: EngineLimits = {
  memoryMB: 128,
  outputBytes: 16_000_000,
  timers: 10_000,
  runs: 1_000,
  ops: 1_000,
  resultBytes: 128_000_000,
  argumentChars: 64_000_000,
  events: 1_000_000,
  uses: 100_000,
  subScripts: 1_000,
  fetches: 64,
  fetchMs: 300_000,
  responseBytes: 64_000_000,
};

const LIMITS = {
  memoryMB: { code: "ERR_LIMIT_MEMORY", what: "its memory limit", unit: "MB" },
  wallMs: { code: "ERR_LIMIT_WALL", what: "its time limit", unit: "ms" },
  cpuMs: { code: "ERR_LIMIT_CPU", what: "its CPU time limit", unit: "ms" },
  turnMs: { code: "ERR_LIMIT_TURN", what: "the time limit of one turn", unit: "ms" },
  outputBytes: { code: "ERR_LIMIT_OUTPUT", what: "its output limit", unit: "bytes" },
  timers: { code: "ERR_LIMIT_TIMERS", what: "the limit of pending timers", unit: "" },
  runs: { code: "ERR_LIMIT_RUNS", what: "the limit of concurrent runs", unit: "" },
  ops: { code: "ERR_LIMIT_OPS", what: "the limit of pending operations", unit: "" },
  resultBytes: {
    code: "ERR_LIMIT_RESULTS",
    what: "the limit of results of runs under way",
    unit: "bytes",
  },
  argumentChars: {
    code: "ERR_LIMIT_ARGUMENTS",
    what: "the limit of pending arguments",
    unit: "characters",
  },
  events: { code: "ERR_LIMIT_EVENTS", what: "the limit of events", unit: "" },
  uses: { code: "ERR_LIMIT_USES", what: "the limit of uses of permissions", unit: "" },
  subScripts: { code: "ERR_LIMIT_SUB_SCRIPTS", what: "the limit of sub-scripts", unit: "" },
  fetches: { code: "ERR_LIMIT_FETCHES", what: "the limit of requests under way", unit: "" },
  fetchMs: { code: "ERR_LIMIT_FETCH_TIME", what: "the time limit of one request", unit: "ms" },
  responseBytes: { code: "ERR_LIMIT_RESPONSE", what: "the limit of one answer", unit: "bytes" },
} as const;

/** The names of the limits. */
export const ENGINE_LIMITS: ReadonlySet<string> = new Set(Object.keys(LIMITS));

/**
 * The error for an exceeded limit: which, how much, and how to raise it.
 *
 * @param meanwhile what was under way, for example "while its modules were being loaded"
 */
export function limitError(limit: keyof EngineLimits, value: number, meanwhile = ""): GeppettoError {
  const { code, what, unit } = LIMITS[limit];
  const how = waysToSet(`limits.${limit}`);
  const amount = unit === "" ? String(value) : `${value} ${unit}`;
  const when = meanwhile === "" ? "" : ` ${meanwhile}`;
  return new GeppettoError("LimitError", `The script exceeded ${what} of ${amount}${when}; raise it with ${how}`, {
    code,
  });
}

/**
 * The limits with their defaults.
 *
 * @throws {GeppettoError} ConfigError naming a limit that is unknown or no positive number.
 */
export function resolveLimits(given: Partial<EngineLimits> = {}): EngineLimits {
  for (const [name, value] of Object.entries(given)) {
    if (!ENGINE_LIMITS.has(name)) {
      throw new GeppettoError(
        "ConfigError",
        `Cannot set limits.${name}: the limits are ${Object.keys(LIMITS).join(", ")}`,
      );
    }
    if (value !== undefined && !(typeof value === "number" && value > 0)) {
      throw new GeppettoError(
        "ConfigError",
        `Cannot set limits.${name} to ${String(value)}: it must be a positive number`,
      );
    }
  }
  for (const name of ["wallMs", "turnMs", "cpuMs", "fetchMs"] as const) {
    if ((given[name] ?? 0) > MAX_TIMER_MS) {
      throw new GeppettoError(
        "ConfigError",
        `Cannot set limits.${name} to ${given[name]}: the maximum is ${MAX_TIMER_MS} ms`,
      );
    }
  }
  const limits = withDefaults(DEFAULT_LIMITS, given);
  const { memoryMB } = limits;
  if (memoryMB < MIN_MEMORY_MB) {
    throw new GeppettoError(
      "ConfigError",
      `Cannot set limits.memoryMB to ${memoryMB}: an isolate needs at least ${MIN_MEMORY_MB}`,
    );
  }
  if (memoryMB > MAX_MEMORY_MB) {
    throw new GeppettoError(
      "ConfigError",
      `Cannot set limits.memoryMB to ${memoryMB}: an isolate needs a limit, at most ${MAX_MEMORY_MB}`,
    );
  }
  return limits;
}
