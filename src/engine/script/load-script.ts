import { open } from "node:fs/promises";
import { basename, dirname, extname, resolve } from "node:path";
import { MAX_MODULE_BYTES } from "../../modules/limits.ts";
import { LoadError } from "../../modules/load-error.ts";
import { needsBundling } from "../../modules/needs-bundling.ts";
import type { Permissions } from "../../permissions/permissions.ts";
import { GeppettoError } from "../../shared/errors.ts";
import type { ErrorRecord } from "../../shared/frames.ts";
import { isObject } from "../../shared/is-object.ts";
import type { SourcePlaces, SourcePositions } from "../../shared/source-positions.ts";

/** More lines than a script has, and few enough for V8 to count from there. */
const MAX_LINES = 1_000_000_000;

/** What to run: a file, or source text. */
export interface Script {
  /** A path on the host; the guest sees only its last part. */
  file?: string;
  /** Source text instead of a file. */
  code?: string;
  /** The name that the guest sees; default the file's, or "script.js". A `.cjs` name makes a classic script. */
  name?: string;
  /** Where relative paths of the script start from; default the file's own folder, or else the working directory. */
  folder?: string;
  /** Lines of the code that come before what its author wrote: left out of the line numbers. Default 0. */
  lineOffset?: number;
  /** What has been made of it already, here or on another machine: it is taken as it is, and nothing is read. */
  loaded?: LoadedScript;
}

/** A script as it runs, with what it imports. */
export interface LoadedScript {
  code: string;
  /** Of a script that was put together from modules: where its text comes from, and their texts by name. */
  positions?: SourcePositions;
  sources?: Readonly<Record<string, string>>;
  /** Errors that its imports throw while it runs. */
  refusals?: readonly ErrorRecord[];
  name: string;
  kind: "module" | "classic";
  lineOffset: number;
  folder?: string;
}

/**
 * Reads a script, with what it imports where it may import anything; from here on it uses permissions. The signal says that
 * nobody waits for it any more.
 *
 * @throws {Error} the file system's error when the file cannot be read; {LoadError} when the script does not load;
 *   {GeppettoError} ConfigError when there is neither file nor code; the signal's
 *   reason.
 */
export async function loadScript(script: Script, permissions: Permissions, signal: AbortSignal): Promise<LoadedScript> {
  if (typeof script !== "object" || script === null)
    throw new GeppettoError("ConfigError", "Cannot run a script: give it a file or code, as { file } or { code }");
  if (script.loaded !== undefined) {
    requireLoaded(script.loaded);
    permissions.begin(script.loaded.name, undefined);
    return script.loaded;
  }
  const read = await readScript(script);
  const { name, code, folder } = read;
  permissions.begin(name, folder);
  if (permissions.imports().isClosed || !needsBundling(read)) return read;
  // Loaded on use: most scripts import nothing.
  const { bundleScript } = await import("../../modules/bundle-script.ts");
  const bundle = await bundleScript({ name, code, folder: folder ?? process.cwd() }, permissions, signal);
  // A classic script that asks for others is a CommonJS module, and has no global scope.
  return { ...read, ...bundle, kind: "module" };
}

async function readScript({ file, code, name, folder, lineOffset = 0 }: Script): Promise<LoadedScript> {
  requireText("file", file);
  requireText("name", name);
  requireText("folder", folder);
  requireOffset(lineOffset);
  const shown = name ?? (file === undefined ? "script.js" : basename(file));
  const kind = extname(shown) === ".cjs" ? "classic" : "module";
  const given = folder ?? (file === undefined ? undefined : dirname(file));
  const facts = { name: shown, kind, lineOffset, ...(given === undefined ? {} : { folder: resolve(given) }) } as const;
  if (code !== undefined) {
    if (typeof code !== "string")
      throw new GeppettoError("ConfigError", "Cannot run a script: its code must be a text");
    if (code.length > MAX_MODULE_BYTES) throw tooLarge(shown);
    return { ...facts, code: withoutMark(code) };
  }
  if (file === undefined) throw new GeppettoError("ConfigError", "Cannot run a script: give it a file or code");
  return { ...facts, code: withoutMark(await readText(file)) };
}

/** What host apps in JavaScript give in a path's place would be Node's to refuse, in words about other things. */
function requireText(field: string, value: unknown): void {
  if (value === undefined || (typeof value === "string" && !value.includes("\0"))) return;
  const hint = value instanceof URL ? "; of a URL give fileURLToPath(url)" : "";
  throw new GeppettoError("ConfigError", `Cannot run a script: its ${field} must be a text without null bytes${hint}`);
}

function requireOffset(lines: unknown): void {
  if (!Number.isInteger(lines) || Math.abs(lines as number) > MAX_LINES)
    throw new GeppettoError("ConfigError", "Cannot run a script: its lineOffset must be a whole number of lines");
}

/** Anything else would fail in the middle of its way to the guest, and nobody would hear of it. */
function requireLoaded(loaded: unknown): void {
  const { code, name, lineOffset } = isObject(loaded) ? loaded : {};
  if (typeof code !== "string" || typeof name !== "string")
    throw new GeppettoError("ConfigError", "Cannot run a script: what is loaded must have its code and name as texts");
  requireOffset(lineOffset);
}

/** The text of a file, which may be a pipe, as long as that is not too large. */
async function readText(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of handle.createReadStream({ autoClose: false })) {
      pieces.push(piece as Buffer);
      bytes += (piece as Buffer).length;
      if (bytes > MAX_MODULE_BYTES) throw tooLarge(basename(file));
    }
    return Buffer.concat(pieces).toString();
  } finally {
    await handle.close();
  }
}

function tooLarge(name: string): LoadError {
  const message = `Cannot load ${name}: it is larger than ${MAX_MODULE_BYTES} bytes`;
  return new LoadError({ name: "LimitError", message, code: "ERR_LIMIT_IMPORT" }, {});
}

/** The text without the mark of its byte order, which some editors put before everything, a `#!` line too. */
function withoutMark(text: string): string {
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

/** What V8 says of code that it cannot compile, for the one who wrote it: in places of its own files. */
export function loadErrorFor(error: ErrorRecord, name: string, places: SourcePlaces | undefined): ErrorRecord {
  // V8 tells of brackets within brackets as of a function that calls itself without end.
  if (error.name === "RangeError") {
    const message = `Cannot load ${name}: it, or a module that it imports, is nested too deeply`;
    return { ...error, name: "SyntaxError", message };
  }
  return { ...error, message: places?.translate(error.message) ?? error.message };
}
