import { join } from "node:path";
import { namedFolder, userHome } from "../base/files/user-home.ts";
import { resolveProviderSettings } from "../providers/settings.ts";
import { configError, placeOf } from "./config-error.ts";
import { merge, readEnvironment } from "./environment.ts";
import { foreignDestinations } from "./trust/key-destinations.ts";
import { KeyStore } from "./key-store.ts";
import { type Layer, type Merged, mergeLayers } from "./layers.ts";
import { parseModelName } from "./model-name.ts";
import { type Profile, profileChain, readProfiles } from "./profiles.ts";
import { readDefaults, readSetting, readSettings, type SettingValues } from "./read-settings.ts";
import { readerOf } from "./setting-kinds.ts";
import type { Settings } from "./settings.ts";
import { flagVariable, SETTING_BY_PATH } from "./table/names.ts";
import { RUN_OPTIONS } from "./table/run-options.ts";
import { toSettings } from "./to-settings.ts";
import type { ScriptOptionsLiteral } from "./script/script-options-literal.ts";
import { TrustStore } from "./trust/trust-store.ts";
import { unpricedModel } from "./unpriced-model.ts";
import { readYamlFile, yamlPackage, type YamlFile } from "./yaml/yaml-file.ts";
import { refuseWrong, type FieldsOf } from "../shared/wrong-option.ts";

export interface LoadConfigOptions {
  /** Where `geppetto.yaml` is looked for; default the working directory. */
  cwd?: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Where the user's own `config.yaml` and `keys.json` are; default `~/.config/geppetto-js` (`XDG_CONFIG_HOME` honoured). */
  configFolder?: string;
  /** `--profile`. */
  profile?: string | undefined;
  /** `--model`, as `provider:model`. */
  model?: string | undefined;
  /** `--set path=value`, each; values are YAML. */
  set?: readonly string[];
  /** Other flags, by the path of their setting: `{"limits.timeout": "60s"}`. An undefined one was not given. */
  flags?: Readonly<Record<string, unknown>>;
  /** The folder that the script lies in: what is below it may be read and imported, unless nothing may. */
  scriptFolder?: string | undefined;
  /** Is the script one of somebody unknown? Then the folder's `geppetto.yaml` is not read at all. */
  untrusted?: boolean | undefined;
  /** Are the settings only shown? Then a key that would go where it may not is a warning. */
  isForShow?: boolean | undefined;
  /** The script's `export const options`, see `readScriptOptions`. */
  script?: ScriptOptionsLiteral | undefined;
}

export interface Config {
  settings: Settings;
  /** Every setting with its value and where that came from. */
  origins: Merged;
  /** The profile in use, and whether somebody asked for it; undefined where there is none. */
  profile: string | undefined;
  profiles: ReadonlyMap<string, Profile>;
  /** What the user should know, one line each. */
  warnings: string[];
  keys: KeyStore;
  /** The files that were found, by their short names. */
  files: string[];
}

const { profile: PROFILE, model: MODEL, set: SET, untrusted: UNTRUSTED } = RUN_OPTIONS;
const PROFILE_VARIABLE = flagVariable(PROFILE.flag);
const HOW_TO_LOOSEN =
  "a folder's file that nobody has trusted only tightens what holds without it; read it, then run geppetto-js trust .";
const PROJECT_FILE = "geppetto.yaml";
const USER_FILE = "config.yaml";
const KEYS_FILE = "keys.json";
const TRUST_FILE = "trust.json";
const FILE_KEYS = ["default", "profiles"];

/** Where the user's own configuration is. */
export function userConfigFolder(env: Readonly<Record<string, string | undefined>>): string {
  return join(namedFolder(env["XDG_CONFIG_HOME"]) ?? join(userHome(env), ".config"), "geppetto-js");
}

/** The user's own keys. */
export function userKeyStore(
  env: Readonly<Record<string, string | undefined>>,
  folder: string = userConfigFolder(env),
): KeyStore {
  return new KeyStore(join(folder, KEYS_FILE));
}

/** The folders whose `geppetto.yaml` the user has trusted. */
export function userTrustStore(
  env: Readonly<Record<string, string | undefined>>,
  folder: string = userConfigFolder(env),
): TrustStore {
  return new TrustStore(join(folder, TRUST_FILE));
}

/** The `geppetto.yaml` of a folder; undefined where there is none. */
export function readFolderFile(folder: string): YamlFile | undefined {
  return readYamlFile(join(folder, PROJECT_FILE), PROJECT_FILE);
}

const LOAD_FIELDS: FieldsOf<LoadConfigOptions> = {
  cwd: true,
  env: true,
  configFolder: true,
  profile: true,
  model: true,
  set: true,
  flags: true,
  scriptFolder: true,
  untrusted: true,
  isForShow: true,
  script: true,
};

/**
 * The configuration of one command: flags over environment over the script's options over `geppetto.yaml` over the
 * user's file over the profile with what it extends over defaults. Keys named as `key:NAME` are looked up; one that is
 * missing is an error of the call that needs it, not of this. A `geppetto.yaml` that nobody has trusted sends no key
 * anywhere but to its vendor, or where the user's own file sends it, and sets no prices and folders.
 *
 * @throws {GeppettoError} ConfigError with file, line and column for whatever is wrong.
 */
export async function loadConfig(options: LoadConfigOptions): Promise<Config> {
  refuseWrong("load the configuration", options, LOAD_FIELDS);
  const { cwd = process.cwd(), env } = options;
  const folder = options.configFolder ?? userConfigFolder(env);
  const project = options.untrusted ? undefined : readFolderFile(cwd);
  const user = readYamlFile(join(folder, USER_FILE), `~/.config/geppetto-js/${USER_FILE}`);
  const isForeign = project !== undefined && userTrustStore(env, folder).stateOf(cwd, project.text) !== "trusted";
  const userLayer: Layer[] = user ? [{ kind: "user", values: readSettings(user.value, user, [], FILE_KEYS) }] : [];
  const projectLayer: Layer[] = project
    ? [{ kind: "project", isForeign, values: readSettings(project.value, project, [], FILE_KEYS) }]
    : [];
  const own = new Map<string, Profile>();
  if (user) for (const profile of readProfiles(user, false)) own.set(profile.name, profile);
  const profiles = new Map(own);
  if (project) for (const profile of readProfiles(project, isForeign)) profiles.set(profile.name, profile);
  const environment = readEnvironment(env);
  const chosen = chooseProfile(options, project, user);
  if (options.untrusted && chosen !== undefined && !profiles.has(chosen.name)) {
    const problem = `there is no profile "${chosen.name}" of your own, and ${UNTRUSTED.flag.name} reads no ${PROJECT_FILE}`;
    throw configError(chosen.place, problem, "ERR_CONFIG_PROFILE");
  }
  const chain = chosen === undefined ? [] : profileChain(chosen.name, profiles, chosen.place);
  const layers: Layer[] = [
    readDefaultLayer(),
    ...chain.map(toLayer),
    ...userLayer,
    ...projectLayer,
    ...(options.script === undefined ? [] : [readScript(options.script)]),
    { kind: "environment", values: environment },
    { kind: "flag", values: readCommandLine(options) },
  ];
  const mergeAll = (some: readonly Layer[]): { origins: Merged; warnings: string[] } => {
    const warnings: string[] = [];
    const onRefused = (path: string, place: string): void =>
      void warnings.push(`Ignoring ${path} of ${place}: ${HOW_TO_LOOSEN}`);
    return { origins: mergeLayers(some, { scriptFolder: options.scriptFolder, onRefused }), warnings };
  };
  const keys = userKeyStore(env, folder);
  let merged = mergeAll(layers);
  checkModelAlone(merged.origins);
  const refused = isForeign ? foreignDestinations(merged.origins, ownWays(own, userLayer), env) : [];
  if (refused.length > 0 && !options.isForShow) throw refused[0]!;
  const unkept = unkeepableCost(merged.origins, (await toSettings(merged.origins, keys)).settings, env);
  if (unkept !== undefined) merged = mergeAll(layers.map(withoutForeignCost));
  const { origins, warnings } = merged;
  const { settings, warnings: unwise } = await toSettings(origins, keys);
  return {
    settings,
    origins,
    profile: chosen?.name,
    profiles,
    warnings: [...warnings, ...refused.map(({ message }) => message), ...(unkept ?? []), ...unwise],
    keys,
    files: [user, project].filter((file) => file !== undefined).map(({ label }) => label),
  };
}

const COST = "limits.maxCost";

/** A folder's file that nobody has trusted bounds the cost, and may not say the price that this takes. */
function unkeepableCost(origins: Merged, settings: Settings, env: LoadConfigOptions["env"]): string[] | undefined {
  const cost = origins.get(COST);
  if (cost === undefined || !cost.isForeign || cost.kind === "script") return undefined;
  const model = unpricedModel(settings, env);
  if (model === undefined) return undefined;
  return [`Ignoring ${COST} of ${cost.place}: ${model} has no price; say one in your own configuration, under prices`];
}

function withoutForeignCost(layer: Layer): Layer {
  if (!layer.isForeign || layer.kind === "script") return layer;
  return { ...layer, values: new Map([...layer.values].filter(([path]) => path !== COST)) };
}

function readDefaultLayer(): Layer {
  return { kind: "default", values: readDefaults() };
}

/** The user's own configuration without a profile, and with each of its profiles. */
function ownWays(own: ReadonlyMap<string, Profile>, userLayer: readonly Layer[]): Merged[] {
  return [[], ...ownChains(own)].map((chain) => mergeLayers([readDefaultLayer(), ...chain.map(toLayer), ...userLayer]));
}

function toLayer({ name, isForeign, values }: Profile): Layer {
  return { kind: "profile", name: `profile "${name}"`, isForeign, values };
}

/** The user's own profiles, each with what it extends; one that cannot be used says so when it is. */
function ownChains(own: ReadonlyMap<string, Profile>): Profile[][] {
  return [...own.keys()].flatMap((name) => {
    try {
      return [profileChain(name, own, name)];
    } catch {
      return [];
    }
  });
}

function chooseProfile(
  { profile, env }: LoadConfigOptions,
  project: YamlFile | undefined,
  user: YamlFile | undefined,
): { name: string; place: string } | undefined {
  if (profile !== undefined) return { name: profile, place: PROFILE.flag.name };
  const variable = env[PROFILE_VARIABLE];
  if (variable) return { name: variable, place: PROFILE_VARIABLE };
  for (const file of [project, user]) {
    const name = (file?.value as { default?: unknown } | undefined)?.default;
    if (file === undefined || name === undefined || name === null) continue;
    const place = placeOf(file, ["default"], "value");
    if (typeof name !== "string") throw configError(place, "default must be the name of a profile");
    return { name, place };
  }
  return undefined;
}

/** A model without its provider is one of the provider in use; the embedded one has a single model, so that it is a slip. */
function checkModelAlone(origins: Merged): void {
  const provider = origins.get("chat.provider");
  const model = origins.get("chat.model");
  if (model === undefined || ![MODEL.flag.name, flagVariable(MODEL.flag)].includes(model.place)) return;
  if (provider?.value !== "embedded" || provider.place === model.place || model.value === "demo") return;
  const name = String(model.value);
  const [head = ""] = name.split(":");
  if (head !== name) resolveProviderSettings({ provider: head }, {});
  throw configError(
    model.place,
    `the embedded provider has no model "${name}", name its provider, as openai:${name}`,
    "ERR_CONFIG_VALUE",
  );
}

/** The more particular flag wins: that of a setting over `set`, which wins over `model`. */
function readCommandLine({ model, set = [], flags = {} }: LoadConfigOptions): SettingValues {
  const values: SettingValues = model === undefined ? new Map() : parseModelName(model, MODEL.flag.name);
  for (const assignment of set) {
    const at = assignment.indexOf("=");
    if (at < 1)
      throw configError(
        `${SET.flag.name} ${assignment}`,
        "expected path=value, for example chat.temperature=0.2",
        "ERR_CONFIG_VALUE",
      );
    const path = assignment.slice(0, at).trim();
    const text = assignment.slice(at + 1);
    const parsed = parseValue(text);
    // A system prompt may look like YAML and not be any.
    const setting = SETTING_BY_PATH.get(path);
    const isFit = setting !== undefined && readerOf(setting).read(parsed ?? text) !== undefined;
    merge(values, readSetting(path, isFit ? parsed : text, `${SET.flag.name} ${path}`));
  }
  for (const [path, value] of Object.entries(flags)) {
    merge(values, readSetting(path, value, SETTING_BY_PATH.get(path)?.flag?.name ?? path));
  }
  return values;
}

/** The value of a YAML text, or the text itself where it is not YAML. */
function parseValue(text: string): unknown {
  try {
    return yamlPackage().parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Keys, addresses, headers and prices are the host's: a script that names one is refused. */
function readScript(script: ScriptOptionsLiteral): Layer {
  const values = readSettings(script.value, script);
  for (const [path, { place }] of values) {
    if (SETTING_BY_PATH.get(path)?.saidBy !== undefined)
      throw configError(place, `a script may not set ${path}: say it in ${PROJECT_FILE}`, "ERR_CONFIG_SCRIPT");
  }
  return { kind: "script", isForeign: true, values };
}
