import { closestName } from "../providers/index.ts";
import { configError, placeOf, shown, type Source, unknownKey } from "./config-error.ts";
import type { SettingType } from "./setting-types.ts";
import { SECTIONS, SETTING_TYPES, SINGLE } from "./settings-schema.ts";

/** Settings by path, as read from one place. */
export type SettingValues = Map<string, { value: unknown; place: string }>;

const TOP_NAMES = [...Object.keys(SECTIONS), ...Object.keys(SINGLE)];

/**
 * Reads settings from plain data, sections within sections as in a file.
 *
 * @param at where in the source the data stands.
 * @param others names that are not settings but known at this place, for example "extends".
 * @throws {GeppettoError} ConfigError with the place for an unknown key or a value of the wrong kind.
 */
export function readSettings(
  data: unknown,
  source: Source,
  at: readonly string[] = [],
  others: readonly string[] = [],
): SettingValues {
  const values: SettingValues = new Map();
  for (const [name, given] of entriesOf(data, source, at)) {
    if (others.includes(name)) continue;
    const path = [...at, name];
    if (Object.hasOwn(SINGLE, name)) {
      readOne(values, name, SINGLE[name]!, given, source, path);
    } else if (Object.hasOwn(SECTIONS, name)) {
      const fields = SECTIONS[name]!;
      for (const [key, inner] of entriesOf(given, source, path)) {
        if (!Object.hasOwn(fields, key)) {
          const problem = unknownKey(key, Object.keys(fields), `setting in ${name}`);
          throw configError(placeOf(source, [...path, key]), problem, "ERR_CONFIG_KEY");
        }
        readOne(values, `${name}.${key}`, fields[key]!, inner, source, [...path, key]);
      }
    } else throw configError(placeOf(source, path), unknownSetting(name, [...TOP_NAMES, ...others]), "ERR_CONFIG_KEY");
  }
  return values;
}

/**
 * Reads one setting by its path, as `--set` and the environment give it.
 *
 * @throws {GeppettoError} ConfigError for an unknown path or a value of the wrong kind.
 */
export function readSetting(path: string, given: unknown, label: string): SettingValues {
  const type = SETTING_TYPES.get(path);
  if (type === undefined) {
    const paths = [...SETTING_TYPES.keys()];
    const [section] = path.split(".");
    const near = paths.filter((known) => known.split(".")[0] === section);
    throw configError(label, unknownSetting(path, near.length > 0 ? near : paths), "ERR_CONFIG_KEY");
  }
  const values: SettingValues = new Map();
  readOne(values, path, type, given, { label }, []);
  return values;
}

/** What a setting expects where a text, as a flag gives it, is not one of its values; undefined where it is. */
export function checkSetting(path: string, text: string): string | undefined {
  const type = SETTING_TYPES.get(path)!;
  return type.read(text) === undefined ? type.expects : undefined;
}

function readOne(
  values: SettingValues,
  path: string,
  type: SettingType,
  given: unknown,
  source: Source,
  at: readonly string[],
): void {
  // A key with nothing behind it says nothing.
  if (given === null || given === undefined) return;
  const value = type.read(given);
  if (value === undefined) {
    const found = type.secret ? "" : `, found ${shown(given)}`;
    const close = typeof given === "string" ? closestName(given, type.names ?? []) : undefined;
    const hint = close === undefined ? "" : `, did you mean "${close}"?`;
    throw configError(
      placeOf(source, at, "value"),
      `${path} must be ${type.expects}${found}${hint}`,
      "ERR_CONFIG_VALUE",
    );
  }
  values.set(path, { value, place: placeOf(source, at) });
}

function entriesOf(data: unknown, source: Source, at: readonly string[]): [string, unknown][] {
  if (data === null || data === undefined) return [];
  if (typeof data === "object" && !Array.isArray(data)) return Object.entries(data);
  const what = at.length === 0 ? "it" : `"${at.at(-1)}"`;
  throw configError(
    placeOf(source, at, "value"),
    `${what} must be a section, found ${shown(data)}`,
    "ERR_CONFIG_VALUE",
  );
}

/** A name that belongs into a section is worth a better hint. */
function unknownSetting(name: string, known: readonly string[]): string {
  const inside = [...SETTING_TYPES.keys()].find((path) => path.endsWith(`.${name}`));
  if (inside !== undefined) return `there is no setting "${name}" here, did you mean "${inside}"?`;
  return unknownKey(name, known, "setting");
}
