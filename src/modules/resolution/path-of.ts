import { dirname, resolve } from "node:path";
import { isPlain } from "../../permissions/file-access.ts";

/** What most specifiers look like: a few steps upwards, and names without anything odd. */
const SIMPLE = /^(?:\.\/|((?:\.\.\/)+))((?:[\w@-][\w@.-]*\/)*[\w@-][\w@.-]*)$/;

/** The path that a specifier means from a folder. */
export function pathOf(folder: string, specifier: string): string {
  const [, steps = "", rest] = SIMPLE.exec(specifier) ?? [];
  if (rest === undefined || !isPlain(folder)) return resolve(folder, specifier);
  let from = folder;
  for (let step = 0; step < steps.length; step += "../".length) from = dirname(from);
  return from === "/" ? `/${rest}` : `${from}/${rest}`;
}
