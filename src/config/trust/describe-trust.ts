import type { TrustState } from "./trust-store.ts";
import type { Check } from "../describe-config.ts";
import type { McpServerSource } from "../mcp-servers.ts";
import { readFolderFile, userTrustStore } from "../load-config.ts";
import { readProfiles } from "../profiles.ts";
import { readSettings } from "../read-settings.ts";
import { SETTING_BY_PATH } from "../table/names.ts";
import { displayValue } from "../to-settings.ts";
import type { YamlFile } from "../yaml/yaml-file.ts";

/** A setting that counts in full only when its file is trusted. */
export interface TrustedSetting {
  path: string;
  value: string;
  /** `geppetto.yaml:7:5`. */
  place: string;
}

/** What a file asks for that is not its to say before somebody has trusted it, in the file's order. */
export function settingsToTrust(file: YamlFile): TrustedSetting[] {
  const parts = [
    readSettings(file.value, file, [], ["default", "profiles"]),
    ...readProfiles(file, true).map(({ values }) => values),
  ];
  return parts.flatMap((values) =>
    [...values]
      .filter(([path]) => needsTrust(path))
      .map(([path, { value, place }]) => ({ path, value: valueToTrust(path, value), place })),
  );
}

/** Of servers all that they start or are sent, but no key that stands there itself. */
function valueToTrust(path: string, value: unknown): string {
  if (path !== "mcp") return displayValue(path, value);
  const servers = Object.entries(value as Record<string, McpServerSource>);
  return servers.map(([name, server]) => `${name}: ${describeServer(server)}`).join("; ");
}

function describeServer({ command, args = [], cwd, env = {}, url, headers = {} }: McpServerSource): string {
  const what = command === undefined ? displayValue("chat.baseURL", url) : ["starts", command, ...args].join(" ");
  const given = Object.entries({ ...env, ...headers }).map(
    ([name, text]) => `${name}=${/^(?:[A-Za-z]+ )?(?:env|key):./.test(text) ? text : "…"}`,
  );
  return [
    what,
    ...(cwd === undefined ? [] : [`in ${cwd}`]),
    ...(given.length > 0 ? [`with ${given.join(", ")}`] : []),
  ].join(" ");
}

function needsTrust(path: string): boolean {
  const { saidBy, merge = "replace" } = SETTING_BY_PATH.get(path)!;
  return saidBy !== undefined || !["replace", "by key"].includes(merge as string);
}

const STATES: Record<TrustState, string> = {
  trusted: "the geppetto.yaml of this folder is trusted",
  changed: "the geppetto.yaml of this folder has changed since you trusted it",
  untrusted:
    "nobody has trusted the geppetto.yaml of this folder: it sends no key of yours, sets no price, loosens nothing",
};

/** What `doctor` says of trust: how far this folder's file has it, and which folders have it. */
export function checkTrust(folder: string, env: Readonly<Record<string, string | undefined>>): Check[] {
  const name = "trust";
  try {
    const store = userTrustStore(env);
    const trusted = store.list();
    const others: Check = {
      name: "trusted",
      status: "ok",
      detail: trusted.length === 0 ? "no folders" : trusted.join(", "),
      hint: "",
    };
    const file = readFolderFile(folder);
    if (file === undefined) return [others];
    const state = store.stateOf(folder, file.text);
    const isWell = state === "trusted" || settingsToTrust(file).length === 0;
    const hint = isWell ? "" : "read the file, then run geppetto-js trust . if you want all of it to count";
    return [{ name, status: isWell ? "ok" : "warning", detail: STATES[state], hint }, others];
  } catch (error) {
    return [{ name, status: "error", detail: (error as Error).message, hint: "" }];
  }
}
