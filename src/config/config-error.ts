import { closestName } from "../shared/closest-name.ts";
import { GeppettoError } from "../shared/errors.ts";

/** A place in a file; both count from 1. */
export interface Position {
  line: number;
  column: number;
}

/** Where settings come from, as a user knows it: a file's short name, "--set", "GEPPETTO_MODEL". */
export interface Source {
  label: string;
  /** Where in the file the key, or the value behind it, stands. */
  locate?(path: readonly string[], part: "key" | "value"): Position | undefined;
}

/** `geppetto.yaml:3:5`, or the label alone. */
export function placeOf(source: Source, path: readonly string[], part: "key" | "value" = "key"): string {
  const at = source.locate?.(path, part);
  return at === undefined ? source.label : `${source.label}:${at.line}:${at.column}`;
}

/** A ConfigError that begins with its place. */
export function configError(place: string, problem: string, code = "ERR_CONFIG"): GeppettoError {
  return new GeppettoError("ConfigError", `Cannot use ${place}: ${problem}`, { code });
}

/** `there is no setting "modle", did you mean "model"?` */
export function unknownKey(given: string, known: readonly string[], noun: string): string {
  const close = closestName(given, known);
  if (close !== undefined) return `there is no ${noun} "${given}", did you mean "${close}"?`;
  const names = known.length > 12 ? `${known.slice(0, 12).join(", ")} …` : known.join(", ");
  return `there is no ${noun} "${given}"${names === "" ? "" : `, it must be one of ${names}`}`;
}

/** A value in an error: short, and never a secret. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a section";
  const text = typeof value === "number" ? String(value) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
