import type { CallContext } from "../base/call-context.ts";
import { GeppettoError } from "../shared/errors.ts";
import { checkTelemetry, type TelemetryOptions } from "../base/telemetry/open-telemetry.ts";
import type { Logger } from "../base/logger.ts";
import type { Bus } from "../events/bus.ts";
import type { PermissionOptions, PermissionUse } from "../permissions/permissions.ts";
import type { Budget } from "../providers/cost/budget.ts";
import type { OnEvent } from "./event-listener.ts";
import type { EngineLimits } from "./limits.ts";
import type { DeterministicOptions } from "./time/deterministic.ts";
import type { ScriptError, ScriptOutcome } from "./script/script-run.ts";
import type { Journal } from "../journal/executions/journal.ts";
import { isObject } from "../shared/is-object.ts";
import { refuseWrong, unknownOption, wrongNumberOf, type Fields, type FieldsOf } from "../shared/wrong-option.ts";

/** What an engine is made with, but for the setup functions. */
export interface EngineSettings {
  /**
   * "process" (default): the guest lives in a process of its own, which is killed when it exceeds a limit. "thread": in
   * this process, for scripts that you trust not to be hostile; such a guest can stall or crash its host.
   */
  isolation?: "process" | "thread";
  /**
   * "strict" adds to process isolation, at the price of slower computing (about 3 times on tight loops): no compiler
   * (`--jitless`), and limits of the system on memory and CPU where it has them. For scripts of people you do not know.
   */
  hardening?: "standard" | "strict";
  /** What local times of scripts are in: "UTC" (default), or a name such as "Europe/Berlin". */
  timeZone?: string;
  /**
   * Has every run of a script be the same: its clock is virtual, begins at `now`, moves on when nothing is under way, and
   * takes 1 ms for each 1,000 reads; random numbers and ids come from the seed. Limits count real time. `true` stands for
   * seed 1, 2026-01-01T00:00:00Z and UTC. Default false.
   */
  deterministic?: boolean | DeterministicOptions;
  limits?: Partial<EngineLimits>;
  /** What scripts may use of the host's; default nothing. */
  permissions?: PermissionOptions;
  /**
   * Hears of each use of a permission, granted or denied, before it has an effect; where it throws, the use is refused.
   * Nobody waits for a promise that it returns; where that is rejected the script ends, with ERR_AUDIT.
   */
  onPermission?: (use: PermissionUse, call: CallContext) => void;
  /** Where the events of runs are published; default a {@link MemoryPubSub} of the engine's own. */
  bus?: Bus;
  /** What the calls of this engine's scripts to models may cost, whatever else bounds them. */
  budget?: Budget;
  logger?: Logger;
  /**
   * Who hears what is done: spans and metrics, by OpenTelemetry's conventions for generative AI. True for what the app has
   * registered with `@opentelemetry/api`, which is loaded then. Default nobody, which costs nothing.
   */
  telemetry?: boolean | TelemetryOptions;
  /** Hears of errors that no script owns: those of code that `runOnLoop` ran. Default: the logger. */
  onGuestError?: (error: ScriptError) => void;
}

interface Shape {
  fits(value: unknown): boolean;
  expected: string;
}

const OBJECT: Shape = { fits: isObject, expected: "an object" };
const FUNCTION: Shape = { fits: (value) => typeof value === "function", expected: "a function" };
/** Whoever reads it says what it must be. */
const ANY: Shape = { fits: () => true, expected: "" };

function withMethods(...names: string[]): Shape {
  const fits = (value: unknown): boolean => isObject(value) && names.every((name) => typeof value[name] === "function");
  return { fits, expected: `an object with ${names.map((name) => `${name}()`).join(", ")}` };
}

const STORE = withMethods("get", "set", "delete", "list");

/** What each option must be like; what it may say beyond that is checked where it is read. */
const SHAPES: Record<
  keyof EngineSettings | "setup" | "console" | "answers" | "journal" | "recordedOps" | "store",
  Shape
> = {
  isolation: ANY,
  hardening: ANY,
  timeZone: ANY,
  deterministic: {
    fits: (value) => typeof value === "boolean" || isObject(value),
    expected: "a boolean or an object with seed, now and timeZone",
  },
  limits: OBJECT,
  permissions: OBJECT,
  onPermission: FUNCTION,
  bus: withMethods("publish", "subscribe", "topics", "close"),
  budget: { ...withMethods("spend"), expected: "a Budget" },
  logger: withMethods("warn", "error"),
  // Looked at by itself.
  telemetry: ANY,
  onGuestError: FUNCTION,
  setup: { fits: Array.isArray, expected: "a list of setup functions" },
  console: withMethods("stdout", "stderr"),
  answers: OBJECT,
  store: {
    fits: (value) => typeof value === "function" || STORE.fits(value),
    expected: `${STORE.expected}, or a function`,
  },
  journal: OBJECT,
  recordedOps: OBJECT,
};

/**
 * Checks the options of an engine before anything is made of them.
 *
 * @param more what whoever makes engines has besides
 * @throws {GeppettoError} ConfigError that names the option that is of a wrong kind, or the one that was meant.
 */
export function checkOptions(options: unknown, more: Fields = {}): void {
  if (!isObject(options)) {
    throw new GeppettoError(
      "ConfigError",
      `Cannot make an engine: its options must be an object, got ${String(options)}`,
    );
  }
  const names = Object.keys(SHAPES);
  const wrong = unknownOption(options, [...names, ...Object.keys(more)]) ?? wrongNumberOf(options, more);
  if (wrong !== undefined) throw new GeppettoError("ConfigError", `Cannot make an engine: ${wrong}`);
  for (const [name, value] of Object.entries(options)) {
    const shape = names.includes(name) ? SHAPES[name as keyof typeof SHAPES] : undefined;
    if (shape === undefined || value === undefined || shape.fits(value)) continue;
    throw new GeppettoError("ConfigError", `Cannot make an engine: ${name} must be ${shape.expected}`);
  }
  checkTelemetry(options["telemetry"]);
}

export interface RunScriptOptions {
  /** What the script finds in `process.argv` after its own name. */
  args?: readonly string[];
  /** What the script finds in `process.env`, beside what `permissions.env` names. */
  env?: Readonly<Record<string, string>>;
  /** What the script reads with `input()`; without it there is no such global. */
  input?: string;
  /**
   * Only loads the script: it is parsed and put together with what it imports, under the permissions, and none of it runs.
   * The outcome is "completed", or "load" with what is wrong.
   */
  loadOnly?: boolean;
  /** Ends the script: pending runs are cancelled, the outcome is "aborted". */
  signal?: AbortSignal;
  /** Whose script it is, for the call context. */
  tenant?: string;
  /** Names this execution in the call context; default a UUID. */
  runId?: string;
  /** Whatever ops, tools, approvals, sinks and hooks are to know of the call: they get this very object. */
  context?: unknown;
  /**
   * Hears every event of the script's runs, in order; nothing need be acked. A run waits for the promise that it returns,
   * so a slow listener slows the model. What it throws is logged and changes nothing.
   */
  onEvent?: OnEvent;
  /** Keeps the execution of the script, so that it outlives this process; with `id`. */
  journal?: Journal;
  /**
   * Which execution it is. A new one begins; one that was interrupted or suspended goes on from where it was; of one that has
   * ended the outcome is that.
   */
  id?: string;
  /** Plain data that the journal keeps with an execution that begins, for whoever resumes it. */
  details?: Readonly<Record<string, unknown>>;
  /** Goes on although the script has changed, as long as it does the same as before. Default false. */
  acceptSource?: boolean;
  /** Prints what earlier attempts have printed, too. Default false: only what is new. */
  printsAgain?: boolean;
  /** Keeps the events of its runs in the journal too, for those who follow the execution. Default false. */
  keepEvents?: boolean;
  /**
   * How far away what a durable execution waits for has to be for it to be suspended at once, in milliseconds; 0 for always.
   * Default 5,000.
   */
  suspendAfterMs?: number;
  /** The exit code that the journal keeps of an execution that ends; default the script's own, else 0 or 1. */
  exitCodeOf?: (outcome: ScriptOutcome) => number | Promise<number>;
}

export const RUN_OPTIONS: FieldsOf<RunScriptOptions> = {
  args: true,
  env: true,
  input: true,
  loadOnly: true,
  signal: true,
  tenant: true,
  runId: true,
  context: true,
  onEvent: true,
  journal: true,
  id: true,
  details: true,
  acceptSource: true,
  printsAgain: true,
  keepEvents: true,
  suspendAfterMs: "amountOrNone",
  exitCodeOf: true,
};

/** The same, of an execution that lasts. */
export type ExecutionOptions = RunScriptOptions & Required<Pick<RunScriptOptions, "journal" | "id">>;

const LISTENABLE = withMethods("addEventListener", "removeEventListener");

/** What else would fail in the middle, and leave the engine busy. */
const RUN_SHAPES: Partial<Record<keyof RunScriptOptions, Shape>> = {
  args: { fits: Array.isArray, expected: "a list of texts" },
  signal: { ...LISTENABLE, expected: "an AbortSignal, such as the signal of an AbortController" },
  onEvent: FUNCTION,
};

/**
 * Checks what a script, or code of a session, is to be run with.
 *
 * @param fields all that there may be
 * @throws {GeppettoError} ConfigError that names what is wrong.
 */
export function checkRunOptions<T extends RunScriptOptions>(
  options: T,
  fields: FieldsOf<T>,
  what = "the script",
): void {
  refuseWrong(`run ${what}`, options, fields);
  for (const [name, { fits, expected }] of Object.entries(RUN_SHAPES)) {
    const value: unknown = options[name as keyof RunScriptOptions];
    if (value === undefined || (value === null && name === "signal") || fits(value)) continue;
    throw new GeppettoError("ConfigError", `Cannot run ${what}: ${name} must be ${expected}`);
  }
}

export interface EngineStats {
  turns: number;
  cpuMs: number;
  timers: number;
  runs: number;
  ops: number;
  topics: number;
  /** A thread of this process runs on although its engine is closed: restart the process. Thread isolation only. */
  tainted: boolean;
}
