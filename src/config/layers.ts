import { isAbsolute, relative, resolve, sep } from "node:path";
import { resolveProviderSettings } from "../providers/settings.ts";
import type { SettingValues } from "./read-settings.ts";
import { SETTING_BY_PATH } from "./table/names.ts";

export type LayerKind = "default" | "profile" | "user" | "project" | "script" | "environment" | "flag";

/** Settings from one place; later layers count more. */
export interface Layer {
  kind: LayerKind;
  /** For people: `profile "gpt"`; default the place of each setting alone. */
  name?: string;
  /** Was it written by whoever wrote the scripts, rather than by the user, and has nobody trusted it? */
  isForeign?: boolean;
  values: SettingValues;
}

/** A setting as it stands in the end. */
export interface Origin {
  value: unknown;
  kind: LayerKind;
  /** `geppetto.yaml:7:5`, `--set`, `GEPPETTO_CHAT_MODEL`, `default`. */
  place: string;
  name?: string;
  isForeign: boolean;
  /** Of a value that is put together from several layers: the keys that foreign ones have said. */
  foreignKeys?: string[];
}

export type Merged = Map<string, Origin>;

export interface MergeOptions {
  /** The folder that the script lies in: what is below it may be read and imported, unless nothing may. */
  scriptFolder?: string | undefined;
  /** Hears of what a foreign layer says that is not its to say. */
  onRefused?: (path: string, place: string) => void;
}

/**
 * Merges layers, the weakest first. Another provider takes nothing over from the one before it: neither key nor address
 * nor model. Nor does a key of the user's own files go to an address in a file that came with the scripts, whichever of
 * them counts more. A script, and a file that came with the scripts, tighten limits and permissions and never loosen
 * them; what only the user may say, such a file does not say.
 */
export function mergeLayers(
  layers: readonly Layer[],
  { scriptFolder, onRefused = () => {} }: MergeOptions = {},
): Merged {
  const merged: Merged = new Map();
  const script = layers.find(({ kind }) => kind === "script");
  for (const layer of layers) {
    for (const section of ["chat", "embeddings"]) forgetForeign(merged, layer, section);
    for (const [path, { value, place }] of layer.values) {
      if ((layer === script && isGuarded(path)) || leavesFolder(merged, layer, path)) continue;
      const { kind, name, isForeign = false } = layer;
      const before = merged.get(path);
      const known = before?.value;
      if (isForeign && SETTING_BY_PATH.get(path)?.saidBy === "user") {
        onRefused(path, place);
        continue;
      }
      if (isForeign && isGuarded(path)) {
        const own = isOfFolder(path) && scriptFolder !== undefined ? [scriptFolder] : [];
        const held = known ?? impliedOf(path) ?? (isTrust(path) ? own : undefined);
        const asked = Array.isArray(value) && value.length > 0 ? [...own, ...(value as string[])] : value;
        const tightened = tighter(path, held, asked);
        if (!isSame(tightened, asked)) onRefused(path, place);
        if (!isSame(tightened, held)) merged.set(path, { value: tightened, kind, place, isForeign });
        continue;
      }
      const whole = known === undefined ? value : together(path, known, value);
      merged.set(path, {
        value: whole,
        kind,
        place,
        isForeign,
        ...(name === undefined ? {} : { name }),
        ...foreignKeysOf(path, value, isForeign, before),
      });
    }
  }
  if (scriptFolder !== undefined) allowOwnFolder(merged, scriptFolder);
  if (script !== undefined) tighten(merged, script, scriptFolder);
  return merged;
}

/** A value with what counts less. */
function together(path: string, known: unknown, value: unknown): unknown {
  const merge = SETTING_BY_PATH.get(path)?.merge;
  if (merge === "all") return [...(known as readonly unknown[]), ...(value as readonly unknown[])];
  return merge === "by key" ? { ...(known as object), ...(value as object) } : value;
}

/** Which keys of a value that is merged by key foreign layers have said. */
function foreignKeysOf(
  path: string,
  value: unknown,
  isForeign: boolean,
  before: Origin | undefined,
): Pick<Origin, "foreignKeys"> {
  if (SETTING_BY_PATH.get(path)?.merge !== "by key") return {};
  const said = Object.keys(value as object);
  const kept = (before?.foreignKeys ?? []).filter((key) => !said.includes(key));
  return { foreignKeys: isForeign ? [...kept, ...said] : kept };
}

/** Is the script's own folder a part of it? */
function isOfFolder(path: string): boolean {
  const kind = SETTING_BY_PATH.get(path)?.kind;
  return kind === "files" || kind === "modules";
}

function allowOwnFolder(merged: Merged, folder: string): void {
  for (const path of [...SETTING_BY_PATH.keys()].filter(isOfFolder)) {
    const known = merged.get(path);
    if (known === undefined) merged.set(path, { value: [folder], kind: "default", place: "default", isForeign: false });
    else if (Array.isArray(known.value) && known.value.length > 0)
      merged.set(path, { ...known, value: [folder, ...(known.value as string[])] });
  }
}

function forgetForeign(merged: Merged, { values, isForeign = false }: Layer, section: string): void {
  const forget = (isBound: (path: string) => boolean): void => {
    for (const path of merged.keys()) if (path.startsWith(`${section}.`) && isBound(path)) merged.delete(path);
  };
  const asked = values.get(`${section}.provider`)?.value;
  const known = merged.get(`${section}.provider`)?.value;
  if (asked !== undefined && known !== undefined && canonical(asked) !== canonical(known))
    forget((path) => SETTING_BY_PATH.get(path)?.boundTo !== undefined);
  const address = values.get(`${section}.baseURL`)?.value;
  if (isForeign && address !== undefined && address !== merged.get(`${section}.baseURL`)?.value) forget(isOfEndpoint);
}

function isOfEndpoint(path: string): boolean {
  return SETTING_BY_PATH.get(path)?.boundTo === "endpoint";
}

/** Is it a key or header of the user's own file, for an address that came with the scripts? Who says one for this run may. */
function leavesFolder(merged: Merged, { kind, isForeign = false, values }: Layer, path: string): boolean {
  const [section] = path.split(".");
  const address = `${section}.baseURL`;
  const isOfFile = kind === "profile" || kind === "user";
  if (!isOfFile || isForeign || values.has(address) || !isOfEndpoint(path)) return false;
  return merged.get(address)?.isForeign === true;
}

function canonical(provider: unknown): string {
  try {
    return resolveProviderSettings({ provider: String(provider) }, {}).provider;
  } catch {
    return String(provider);
  }
}

/** Is it something that a script can only tighten? */
function isGuarded(path: string): boolean {
  return SETTING_BY_PATH.get(path)?.merge === "minimum" || isTrust(path);
}

/** Does it say what a script may do, rather than how much of it? */
function isTrust(path: string): boolean {
  const merge = SETTING_BY_PATH.get(path)?.merge;
  return merge === "subset" || typeof merge === "object";
}

function isSame(before: unknown, asked: unknown): boolean {
  return JSON.stringify(before) === JSON.stringify(asked);
}

function tighten(merged: Merged, { kind, values }: Layer, folder: string | undefined): void {
  for (const [path, { value, place }] of values) {
    if (!isGuarded(path)) continue;
    const known = merged.get(path)?.value ?? impliedOf(path);
    // Names of files that a script says start from its own folder.
    const asked =
      Array.isArray(value) && folder !== undefined
        ? value.map((name: string) => (isFile(path, name) ? resolve(folder, name) : name))
        : value;
    const tightened = tighter(path, known, asked);
    if (tightened !== known) merged.set(path, { value: tightened, kind, place, isForeign: true });
  }
}

/** What holds where nobody says anything; undefined for what has no value then. */
function impliedOf(path: string): string | undefined {
  const { merge, implied } = SETTING_BY_PATH.get(path)!;
  return typeof merge === "object" ? implied : undefined;
}

function tighter(path: string, known: unknown, asked: unknown): unknown {
  const merge = SETTING_BY_PATH.get(path)?.merge;
  if (typeof merge === "object") {
    const at = (name: unknown): number => merge.strictestFirst.indexOf(name as string);
    return at(asked) < at(known) ? asked : known;
  }
  if (merge === "minimum") return known === undefined || Number(asked) < Number(known) ? asked : known;
  if (known === undefined) return [];
  if (known === true) return asked;
  if (asked === true) return known;
  const allowed = known as readonly string[];
  const isAllowed = (name: string): boolean =>
    allowed.some((item) => item === name || (isFile(path, name) && isBelow(name, item)));
  const kept = (asked as readonly string[]).filter(isAllowed);
  return kept.length === allowed.length && allowed.every((item) => kept.includes(item)) ? known : kept;
}

/** Is it the name of a file or folder, rather than of a host, a variable or a package? */
function isFile(path: string, name: string): boolean {
  const kind = SETTING_BY_PATH.get(path)?.kind;
  return kind === "files" || (kind === "modules" && /^[./]/.test(name));
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
