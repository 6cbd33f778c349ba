import { closestName } from "../providers/index.ts";
import { parseModelName } from "./model-name.ts";
import { readSetting, type SettingValues } from "./read-settings.ts";
import { SETTING_TYPES } from "./settings-schema.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The variable that a setting may be said by: "chat.maxTokens" is GEPPETTO_CHAT_MAX_TOKENS. */
export function variableOf(path: string): string {
  return `GEPPETTO_${path
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .replace(".", "_")
    .toUpperCase()}`;
}

const PATHS: ReadonlyMap<string, string> = new Map(
  [...SETTING_TYPES].filter(([, { merges }]) => !merges).map(([path]) => [variableOf(path), path]),
);
/** Short names for what is said most. */
const SHORT: Readonly<Record<string, string>> = {
  GEPPETTO_TIMEOUT: "limits.timeout",
  GEPPETTO_CPU: "limits.cpu",
  GEPPETTO_MEMORY: "limits.memory",
  GEPPETTO_MAX_CALLS: "limits.maxCalls",
  GEPPETTO_MAX_TOKENS: "limits.maxTokens",
  GEPPETTO_MAX_COST: "limits.maxCost",
  GEPPETTO_CONCURRENCY: "limits.concurrency",
  GEPPETTO_APPROVE: "tools.approve",
  GEPPETTO_ALLOW_READ: "permissions.read",
  GEPPETTO_ALLOW_NET: "permissions.net",
  GEPPETTO_ALLOW_ENV: "permissions.env",
  GEPPETTO_ALLOW_IMPORT: "permissions.import",
};
/** Variables that are not settings; they belong to the command line. */
const OTHERS = [
  "DEBUG",
  "EVENTS",
  "INPUT",
  "JSON",
  "LOG",
  "QUIET",
  "RECORD",
  "REPLAY",
  "STATS",
  "UNTRUSTED",
  "VERBOSE",
];

/**
 * The settings of the environment. An empty variable counts as absent. Variables that are not settings belong to others; one that
 * looks like a slip is worth a warning.
 *
 * @throws {GeppettoError} ConfigError that names the variable, for a value of the wrong kind.
 */
export function readEnvironment(env: Environment): { values: SettingValues; warnings: string[] } {
  const values: SettingValues = new Map();
  const warnings: string[] = [];
  const known = [...PATHS.keys(), ...Object.keys(SHORT), "GEPPETTO_MODEL", "GEPPETTO_PROFILE"];
  const others = OTHERS.map((name) => `GEPPETTO_${name}`);
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith("GEPPETTO_") || value === undefined || value === "") continue;
    const path = PATHS.get(name) ?? SHORT[name];
    if (path !== undefined) merge(values, readSetting(path, value, name));
    else if (name === "GEPPETTO_MODEL") merge(values, parseModelName(value, name));
    else if (!known.includes(name) && !others.includes(name)) {
      const close = closestName(
        name.slice(9),
        known.map((variable) => variable.slice(9)),
      );
      if (close !== undefined)
        warnings.push(`Ignoring ${name}: there is no such setting, did you mean GEPPETTO_${close}?`);
    }
  }
  return { values, warnings };
}

export function merge(into: SettingValues, from: SettingValues): void {
  for (const [path, value] of from) into.set(path, value);
}
