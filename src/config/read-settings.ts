import { closestName } from "../shared/closest-name.ts";
import { configError, placeOf, shown, type Source, unknownKey } from "./config-error.ts";
import { readerOf } from "./setting-kinds.ts";
import { SETTING_BY_PATH } from "./table/names.ts";

/** Settings by path, as read from one place. */
export type SettingValues = Map<string, { value: unknown; place: string }>;

/** What paths may begin with, but for the settings themselves: the sections, and the sections within them. */
const SECTIONS = new Set<string>();
for (const path of SETTING_BY_PATH.keys()) {
  const words = path.split(".");
  for (let length = 1; length < words.length; length++) SECTIONS.add(words.slice(0, length).join("."));
}
const TOP_NAMES = [...new Set([...SETTING_BY_PATH.keys()].map((path) => path.split(".")[0]!))];

/** What a setting of a section is called in errors, where that is another word. */
const NOUNS: Readonly<Record<string, string>> = { thresholds: "metric" };

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
    if (SETTING_BY_PATH.has(name)) readOne(values, name, given, source, path);
    else if (SECTIONS.has(name)) readSection(values, name, given, source, path);
    else throw configError(placeOf(source, path), unknownSetting(name, [...TOP_NAMES, ...others]), "ERR_CONFIG_KEY");
  }
  return values;
}

/** Settings of a section; a name may have several words, or stand in sections within it. */
function readSection(
  values: SettingValues,
  section: string,
  data: unknown,
  source: Source,
  at: readonly string[],
): void {
  for (const [name, given] of entriesOf(data, source, at)) {
    const inner = `${section}.${name}`;
    const path = [...at, name];
    if (SETTING_BY_PATH.has(inner)) readOne(values, inner, given, source, path);
    else if (SECTIONS.has(inner)) readSection(values, inner, given, source, path);
    else throw configError(placeOf(source, path), unknownInside(section, name), "ERR_CONFIG_KEY");
  }
}

function unknownInside(section: string, name: string): string {
  const names = [...SETTING_BY_PATH.keys()]
    .filter((path) => path.startsWith(`${section}.`))
    .map((path) => path.slice(section.length + 1));
  const heads = names.map((known) => known.split(".")[0]!);
  const known = closestName(name, names) === undefined && closestName(name, heads) !== undefined ? heads : names;
  return unknownKey(name, known, NOUNS[section] ?? `setting in ${section}`);
}

/**
 * Reads one setting by its path, as `--set` and the environment give it.
 *
 * @throws {GeppettoError} ConfigError for an unknown path or a value of the wrong kind.
 */
export function readSetting(path: string, given: unknown, label: string): SettingValues {
  if (!SETTING_BY_PATH.has(path)) {
    const paths = [...SETTING_BY_PATH.keys()];
    const [section] = path.split(".");
    const near = paths.filter((known) => known.split(".")[0] === section);
    throw configError(label, unknownSetting(path, near.length > 0 ? near : paths), "ERR_CONFIG_KEY");
  }
  const values: SettingValues = new Map();
  readOne(values, path, given, { label }, []);
  return values;
}

/** What counts where nobody says anything. */
export function readDefaults(): SettingValues {
  const values: SettingValues = new Map();
  for (const [path, { default: value }] of SETTING_BY_PATH) readOne(values, path, value, { label: "default" }, []);
  return values;
}

/** What a setting expects where a text, as a flag gives it, is not one of its values; undefined where it is. */
export function checkSetting(path: string, text: string): string | undefined {
  const { read, expects } = readerOf(SETTING_BY_PATH.get(path)!);
  return read(text) === undefined ? expects : undefined;
}

function readOne(values: SettingValues, path: string, given: unknown, source: Source, at: readonly string[]): void {
  // A key with nothing behind it says nothing.
  if (given === null || given === undefined) return;
  const { read, expects, names = [], isSecret, problem } = readerOf(SETTING_BY_PATH.get(path)!);
  const value = read(given);
  if (value === undefined) {
    const why = problem?.(given);
    const found = isSecret ? "" : `, found ${shown(given)}`;
    const close = typeof given === "string" ? closestName(given, names) : undefined;
    const hint = close === undefined ? (why === undefined ? "" : `: ${why}`) : `, did you mean "${close}"?`;
    throw configError(placeOf(source, at, "value"), `${path} must be ${expects}${found}${hint}`, "ERR_CONFIG_VALUE");
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
  const inside = [...SETTING_BY_PATH.keys()].find((path) => path.endsWith(`.${name}`));
  if (inside !== undefined) return `there is no setting "${name}" here, did you mean "${inside}"?`;
  return unknownKey(name, known, "setting");
}
