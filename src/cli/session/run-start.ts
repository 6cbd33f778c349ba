import { SECRET_NAMES } from "../../files.ts";
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

export interface RunFacts {
  id: string;
  options: ScriptOptions;
  settings: Settings;
  profile: string | undefined;
  input: string | undefined;
  replayOf: string | undefined;
}

const isText = (value: unknown): boolean => typeof value === "string";
const isObject = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);
const isSettings = (value: unknown): boolean => {
  const { chat, embeddings } = (value ?? {}) as Record<string, { provider?: unknown } | null | undefined>;
  return isText(chat?.provider) && isText(embeddings?.provider);
};
const READERS: Record<keyof RunDetails, (value: unknown) => boolean> = {
  command: (value) => value === "run" || value === "eval",
  args: (value) => Array.isArray(value) && value.every(isText),
  env: (value) => isObject(value) && Object.values(value as object).every(isText),
  input: isText,
  omittedInput: (value) => typeof value === "number",
  profile: isText,
  settings: isSettings,
  untrusted: (value) => typeof value === "boolean",
  folder: isText,
  replayOf: isText,
};
const NEEDED = ["command", "args", "env", "settings", "untrusted"] as const satisfies (keyof RunDetails)[];

/** What can be read of how a run was started, and whether that is all that is there. */
export function readDetails(given: Readonly<Record<string, unknown>>): {
  details: Partial<RunDetails>;
  isDamaged: boolean;
} {
  const known = Object.entries(READERS).filter(([name]) => given[name] !== undefined);
  const right = known.filter(([name, isRight]) => isRight(given[name]));
  return {
    details: Object.fromEntries(right.map(([name]) => [name, given[name]])),
    isDamaged: right.length < known.length,
  };
}

/** Is it all that is needed to run it again? */
export function isWhole(details: Partial<RunDetails>): details is RunDetails {
  return NEEDED.every((name) => details[name] !== undefined);
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
