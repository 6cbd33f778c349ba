import { closestName } from "../shared/closest-name.ts";
import { configError } from "./config-error.ts";
import { parseModelName } from "./model-name.ts";
import { readSetting, type SettingValues } from "./read-settings.ts";
import { flagVariable, PATH_BY_VARIABLE, SETTING_BY_PATH, toVariable, VARIABLES } from "./table/names.ts";
import { RUN_OPTIONS } from "./table/run-options.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = "GEPPETTO_";
const MODEL = flagVariable(RUN_OPTIONS.model.flag);
/** Whoever works on this program has them in every shell. */
const OF_ITS_TESTS = ["GEPPETTO_SHARED", "GEPPETTO_FUZZ_SECONDS"];

/**
 * The settings of the environment. An empty variable counts as absent.
 *
 * @throws {GeppettoError} ConfigError that names the variable, for an unknown one or a value of the wrong kind.
 */
export function readEnvironment(env: Environment): SettingValues {
  checkEnvironment(env);
  const values: SettingValues = env[MODEL] ? parseModelName(env[MODEL], MODEL) : new Map();
  for (const [variable, path] of PATH_BY_VARIABLE) {
    if (env[variable]) merge(values, readSetting(path, env[variable], variable));
  }
  return values;
}

/**
 * Checks that all variables of this program's are known.
 *
 * @throws {GeppettoError} ConfigError that names one that is not, with "did you mean".
 */
export function checkEnvironment(env: Environment): void {
  for (const [name, value] of Object.entries(env)) {
    const isKnown = !name.startsWith(PREFIX) || VARIABLES.includes(name) || OF_ITS_TESTS.includes(name);
    if (!isKnown && value) throw configError(name, problemOf(name), "ERR_CONFIG_KEY");
  }
}

function problemOf(name: string): string {
  const record = [...SETTING_BY_PATH.keys()].find((path) => toVariable(path) === name);
  if (record !== undefined) return `${record} is not read from the environment, write it into geppetto.yaml`;
  const names = VARIABLES.map((variable) => variable.slice(PREFIX.length));
  const close = closestName(name.slice(PREFIX.length), names);
  return close === undefined
    ? "unknown variable, unset it or correct its name"
    : `unknown variable, did you mean ${PREFIX}${close}?`;
}

export function merge(into: SettingValues, from: SettingValues): void {
  for (const [path, value] of from) into.set(path, value);
}
