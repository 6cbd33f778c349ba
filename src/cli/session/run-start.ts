import type { Settings } from "../../config.ts";
import type { ModelSettings, RunStart } from "../../index.ts";
import type { ScriptOptions } from "../options/script-options.ts";
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
  /** The profile's name, where there was one. */
  profile?: string;
  /** Keys, headers and addresses are not part of it. */
  settings: Settings;
  untrusted: boolean;
  /** Where the script lay. */
  folder?: string;
  /** The run that this one replayed. */
  replayOf?: string;
}

/** Longest input that is kept, in characters. */
const MAX_INPUT = 1_000_000;
/** Names of variables whose values nobody is to read. */
export const SECRET_NAMES = /key|token|secret|passw|credential|auth|cookie/i;

export interface RunFacts {
  id: string;
  options: ScriptOptions;
  settings: Settings;
  profile: string | undefined;
  input: string | undefined;
  replayOf: string | undefined;
}

/** What is noted of a run when it begins: enough to run it again. */
export function toRunStart(script: SessionScript, facts: RunFacts): RunStart {
  const { id, options, settings, profile, input, replayOf } = facts;
  const { env = {}, untrusted = false } = options;
  const kept = Object.entries(env).filter(([name]) => !SECRET_NAMES.test(name));
  const { chat, embeddings } = settings;
  const details: RunDetails = {
    command: script.command,
    args: [...script.args],
    env: Object.fromEntries(kept),
    ...toKept(input),
    ...(profile === undefined ? {} : { profile }),
    settings: { ...settings, chat: withoutAddress(chat), embeddings: withoutAddress(embeddings) },
    untrusted,
    ...(script.folder === undefined ? {} : { folder: script.folder }),
    ...(replayOf === undefined ? {} : { replayOf }),
  };
  return { id, script: script.label, source: script.source, details: { ...details }, startedAt: Date.now() };
}

function withoutAddress({
  apiKey: _,
  baseURL: __,
  headers: ___,
  cacheFolder: ____,
  ...rest
}: ModelSettings): ModelSettings {
  return rest;
}

function toKept(input: string | undefined): Pick<RunDetails, "input" | "omittedInput"> {
  if (input === undefined) return {};
  return input.length > MAX_INPUT ? { omittedInput: input.length } : { input };
}
