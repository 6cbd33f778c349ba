import type { RunStart } from "../index.ts";
import type { ScriptOptions } from "./script-options.ts";
import type { SessionScript } from "./session-script.ts";

/** What the log knows of how a script was run, beside its name and source. */
export interface RunDetails {
  command: "run" | "eval";
  args: string[];
  /** Values whose names say that they are secret are left out. */
  env: Record<string, string>;
  /** What the script read with `input()`; absent where there was none, or too much. */
  input?: string;
  /** Characters of an input that was too long to be kept. */
  omittedInput?: number;
  /** Names alone: addresses and keys are no part of it. */
  model?: { provider: string; model?: string };
  timeout: number;
  cpu?: number;
  memory: number;
  untrusted: boolean;
  /** Where the script lay. */
  folder?: string;
  /** The run that this one replayed. */
  replayOf?: string;
}

/** Longest input that is kept, in characters. */
const MAX_INPUT = 1_000_000;
const SECRET_NAMES = /key|token|secret|passw|credential|auth|cookie/i;

export interface RunFacts {
  id: string;
  options: ScriptOptions;
  input: string | undefined;
  replayOf: string | undefined;
}

/** What is noted of a run when it begins: enough to run it again. */
export function toRunStart(script: SessionScript, { id, options, input, replayOf }: RunFacts): RunStart {
  const { env = {}, model, timeout, cpu, memory, untrusted = false } = options;
  const kept = Object.entries(env).filter(([name]) => !SECRET_NAMES.test(name));
  const details: RunDetails = {
    command: script.command,
    args: [...script.args],
    env: Object.fromEntries(kept),
    ...toKept(input),
    ...(model ? { model: { provider: model.provider, ...(model.model ? { model: model.model } : {}) } } : {}),
    timeout,
    ...(cpu === undefined ? {} : { cpu }),
    memory,
    untrusted,
    ...(script.folder === undefined ? {} : { folder: script.folder }),
    ...(replayOf === undefined ? {} : { replayOf }),
  };
  return { id, script: script.label, source: script.source, details: { ...details }, startedAt: Date.now() };
}

function toKept(input: string | undefined): Pick<RunDetails, "input" | "omittedInput"> {
  if (input === undefined) return {};
  return input.length > MAX_INPUT ? { omittedInput: input.length } : { input };
}
