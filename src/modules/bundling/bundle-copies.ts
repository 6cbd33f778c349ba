import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BuildOptions, Message, Metafile } from "esbuild";
import type { ModuleCopies } from "./module-copies.ts";

/** What the bundler has made: the source map, and what it has read, as far as it told; or why it has made nothing. */
export type Made = { code: string; map: string; inputs: Metafile["inputs"] | undefined } | { errors: Message[] };

/** Where the bundler leaves what it has made. */
const CODE = "script.js";
const INPUTS = "inputs.json";

/** What to put together, by the names of modules, and the folder in which the bundler works. */
interface CopiesOrder {
  start: string;
  globals: string | undefined;
  folder: string;
  options: BuildOptions;
}

/** What is not in the archive: whatever the name of an import without a sign may be, it is not looked for. */
const NOTHING_ELSE = ["--packages=external", ...[".", "..", "./*", "../*"].map((pattern) => `--external:${pattern}`)];

/**
 * Puts copies together by the bundler's command, which nobody has to talk with: it is much cheaper than to be asked, even
 * if it asks nothing.
 *
 * @param command the bundler's program
 * @returns undefined where there are imports that nobody saw before: it has not looked for what they lead to. Errors are
 *   not told; whoever asks about each module finds them again
 */
export async function bundleCopies(
  command: string,
  copies: ModuleCopies,
  { start, globals, folder, options }: CopiesOrder,
): Promise<Made | undefined> {
  const entry = copies.signOf(start);
  const injected = globals && copies.placeOf(globals);
  if (entry === undefined) return undefined;
  const args = [
    entry,
    ...flagsFor({ ...options, absPaths: ["code", "metafile"], tsconfig: copies.settings }),
    `--outfile=${join(copies.folder, CODE)}`,
    ...(injected === undefined ? [] : [`--inject:${injected}`]),
    ...NOTHING_ELSE,
    "--preserve-symlinks",
    `--metafile=${join(copies.folder, INPUTS)}`,
  ];
  try {
    const [code] = (await once(spawn(command, args, { cwd: folder, stdio: "ignore" }), "exit")) as [number | null];
    if (code !== 0) return { errors: [] };
    const read = (name: string): string => readFileSync(join(copies.folder, name), "utf8");
    const { inputs } = JSON.parse(read(INPUTS)) as Metafile;
    if (!areCopies(inputs, copies)) return undefined;
    return { code: read(CODE), map: read(`${CODE}.map`), inputs };
  } catch {
    // It did not start, or there was no room for what it made.
    return { errors: [] };
  }
}

/** Is there nothing else in it, not even what the name of an import says itself? */
function areCopies(inputs: Metafile["inputs"], copies: ModuleCopies): boolean {
  for (const [path, { imports }] of Object.entries(inputs)) {
    if (copies.nameAt(path) === undefined) return false;
    if (imports.some(({ external, path: to }) => external === true && to !== "<runtime>")) return false;
  }
  return true;
}

/** The flags of the command that say the same. */
function flagsFor({ write: _write, ...options }: BuildOptions): string[] {
  return Object.entries(options).flatMap(([key, value]) => {
    const flag = `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === true) return flag;
    if (Array.isArray(value)) return `${flag}=${(value as string[]).join(",")}`;
    if (typeof value !== "object") return `${flag}=${String(value)}`;
    return Object.entries(value as Record<string, unknown>).map(([name, said]) => `${flag}:${name}=${String(said)}`);
  });
}
