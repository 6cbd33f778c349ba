import { RUN_OPTIONS, OTHER_VARIABLES } from "./run-options.ts";
import type { Flag, RunOption, Setting } from "./setting.ts";
import { SETTINGS } from "./settings.ts";

/** The settings by their paths, in the order of the table. */
export const SETTING_BY_PATH: ReadonlyMap<string, Setting> = new Map(Object.entries(SETTINGS));

/** The other flags by their keys, in the order of the table. */
export const RUN_OPTION_BY_KEY: ReadonlyMap<string, RunOption> = new Map(Object.entries(RUN_OPTIONS));

const SETTING_BY_INSIDE: ReadonlyMap<string, Setting> = new Map(
  [...SETTING_BY_PATH].map(([path, setting]) => [setting.inside ?? path, setting]),
);

/**
 * How a limit is raised, or anything else is set, by its name in the library: that name, and the flag that there is.
 *
 * @example
 * waysToSet("limits.wallMs"); // "limits.wallMs or --timeout"
 */
export function waysToSet(inside: string): string {
  const flag = SETTING_BY_INSIDE.get(inside)?.flag;
  return flag === undefined ? inside : `${inside} or ${flag.name}`;
}

/** The variable of a flag: "--max-calls" is GEPPETTO_MAX_CALLS. */
export function flagVariable({ name }: Flag): string {
  return toVariable(name.slice(2));
}

/** The variable that every setting has, but for records: "chat.maxTokens" is GEPPETTO_CHAT_MAX_TOKENS. */
export function settingVariable(path: string): string | undefined {
  return SETTING_BY_PATH.get(path)?.merge === "by key" ? undefined : toVariable(path);
}

/** The variable of a name: "chat.maxTokens" is GEPPETTO_CHAT_MAX_TOKENS. */
export function toVariable(name: string): string {
  const words = name.replace(/([a-z])([A-Z])/g, "$1_$2").replace(/[.-]/g, "_");
  return `GEPPETTO_${words.toUpperCase()}`;
}

/** The setting that each variable stands for; of two that stand for one, the flag's comes last, and counts. */
export const PATH_BY_VARIABLE: ReadonlyMap<string, string> = new Map([
  ...[...SETTING_BY_PATH.keys()].flatMap((path) => named(settingVariable(path), path)),
  ...[...SETTING_BY_PATH].flatMap(([path, { flag }]) => (flag === undefined ? [] : named(flagVariable(flag), path))),
]);

function named(variable: string | undefined, path: string): [string, string][] {
  return variable === undefined ? [] : [[variable, path]];
}

/** Every variable that there is. */
export const VARIABLES: readonly string[] = [
  ...PATH_BY_VARIABLE.keys(),
  ...[...RUN_OPTION_BY_KEY.values()].filter(({ flagOnly }) => !flagOnly).map(({ flag }) => flagVariable(flag)),
  ...Object.keys(OTHER_VARIABLES),
];
