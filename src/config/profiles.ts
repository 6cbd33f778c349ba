import { configError, placeOf, shown, unknownKey } from "./config-error.ts";
import { readSettings, type SettingValues } from "./read-settings.ts";
import type { YamlFile } from "./yaml/yaml-file.ts";

/** One profile as its file has it. */
export interface Profile {
  name: string;
  file: YamlFile;
  /** Is it of a file that came with the folder, and that nobody has trusted? */
  isForeign: boolean;
  extends: string[];
  description?: string;
  values: SettingValues;
}

const PROFILE_KEYS = ["extends", "description"];

/** The profiles of a file. @throws {GeppettoError} ConfigError with the place. */
export function readProfiles(file: YamlFile, isForeign: boolean): Profile[] {
  const { profiles } = file.value as { profiles?: unknown };
  if (profiles === null || profiles === undefined) return [];
  if (typeof profiles !== "object" || Array.isArray(profiles)) {
    throw configError(placeOf(file, ["profiles"], "value"), `profiles must be a section, found ${shown(profiles)}`);
  }
  return Object.entries(profiles).map(([name, given]: [string, unknown]) => {
    const at = ["profiles", name];
    const values = readSettings(given, file, at, PROFILE_KEYS);
    const { extends: bases, description } = (given ?? {}) as { extends?: unknown; description?: unknown };
    const list = bases === undefined || bases === null ? [] : [bases].flat();
    if (!list.every((base) => typeof base === "string")) {
      throw configError(placeOf(file, [...at, "extends"], "value"), "extends must be a name or a list of names");
    }
    return {
      name,
      file,
      isForeign,
      extends: list,
      values,
      ...(typeof description === "string" ? { description } : {}),
    };
  });
}

function unknownProfile(name: string, known: readonly string[]): string {
  const problem = unknownKey(name, known, "profile");
  return known.length > 0 ? problem : `${problem}; no profiles are defined, geppetto-js init writes some`;
}

/**
 * A profile with what it extends, in the order in which they apply: bases before those who extend them, later bases over
 * earlier ones; each once.
 *
 * @throws {GeppettoError} ConfigError for an unknown profile, with "did you mean", or for a cycle, with its way.
 */
export function profileChain(name: string, profiles: ReadonlyMap<string, Profile>, askedBy: string): Profile[] {
  const chain: Profile[] = [];
  const visit = (current: string, way: readonly string[], place: string): void => {
    if (way.includes(current)) {
      const cycle = [...way.slice(way.indexOf(current)), current].join(" → ");
      throw configError(place, `profile "${current}" extends itself: ${cycle}`, "ERR_CONFIG_CYCLE");
    }
    const profile = profiles.get(current);
    if (profile === undefined)
      throw configError(place, unknownProfile(current, [...profiles.keys()]), "ERR_CONFIG_PROFILE");
    if (chain.includes(profile)) return;
    for (const base of profile.extends) {
      visit(base, [...way, current], placeOf(profile.file, ["profiles", current, "extends"], "value"));
    }
    chain.push(profile);
  };
  visit(name, [], askedBy);
  return chain;
}
