import { escapeControls, plainJson } from "../../files.ts";

/**
 * JSON for people and programs outside: what JSON lacks becomes the nearest thing that it has, and what could steer a
 * terminal is written as `\\u009b`.
 */
export function toJson(value: unknown): string {
  const json = plainJson(value);
  // There is no JSON of undefined.
  return (json as string | undefined) === undefined ? json : escapeControls(json);
}
