import type { SetupFunction } from "../../engine/engine.ts";
import type { Script } from "../../engine/script/load-script.ts";
import type { PendingWork, ScriptOutcome } from "../../engine/script/script-run.ts";
import type { DeterministicOptions } from "../../engine/time/deterministic.ts";
import { exitCodeOf } from "../../errors/exit-code-of.ts";
import type { StepEvent } from "../../shared/step-events.ts";
import { RuntimeEngine, type RuntimeEngineOptions } from "../../../runtime-setup/runtime-engine.ts";
import { ActiveRuns } from "./active-runs.ts";

/** What an engine is made with, but for what tests decide. */
export type EngineSetup = Omit<RuntimeEngineOptions, "console" | "setup" | "timeZone" | "deterministic" | "answers">;

export interface ExecuteOptions {
  script: Script;
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  input?: string;
  engine: EngineSetup;
  setup: readonly SetupFunction[];
  /** Default as the engine has it: seed 1, 2026-01-01T00:00:00Z, UTC. */
  deterministic: DeterministicOptions;
  signal: AbortSignal;
  /** Is handed a function that says what the script waits for. */
  onStart?: (pending: () => PendingWork) => void;
}

/** What came of a script that ran in an engine of its own. */
export interface Execution {
  /** What it printed, on each stream. */
  stdout: string;
  stderr: string;
  /** What `geppetto-js run` writes to stdout: what the script printed, and its result. */
  output: string;
  events: StepEvent[];
  /** With which `geppetto-js run` would end. */
  exitCode: number;
  outcome: ScriptOutcome;
}

/** Runs a script once, in a fresh engine. A script that fails is a result like any other. */
export async function executeScript(options: ExecuteOptions): Promise<Execution> {
  const { script, args, env, input, engine: given, setup, deterministic, signal, onStart } = options;
  const printed = { stdout: "", stderr: "" };
  const events: StepEvent[] = [];
  const runs = new ActiveRuns();
  await using engine = new RuntimeEngine({
    ...given,
    deterministic,
    // Nobody is there whom the script could wait for.
    answers: { receive: false, approve: false },
    console: {
      stdout: (text) => void (printed.stdout += text),
      stderr: (text) => void (printed.stderr += text),
    },
    setup,
  });
  await engine.start();
  onStart?.(() => {
    const { timers, ops } = engine.stats();
    return { runs: runs.names, timers, ops };
  });
  const outcome = await engine.runScript(script, {
    ...(args === undefined ? {} : { args }),
    ...(env === undefined ? {} : { env }),
    ...(input === undefined ? {} : { input }),
    signal,
    onEvent: (event) => {
      events.push(event);
      runs.note(event);
    },
  });
  const { text } = outcome;
  const output = text === undefined ? printed.stdout : `${printed.stdout}${text}\n`;
  return { ...printed, output, events, exitCode: await exitCodeOf(outcome), outcome };
}
