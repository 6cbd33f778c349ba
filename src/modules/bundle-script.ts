import { realpath } from "node:fs/promises";
import { extname } from "node:path";
import type { BuildFailure, BuildOptions, Message } from "esbuild";
import type { Permissions } from "../permissions/permissions.ts";
import { GeppettoError, toErrorRecord } from "../shared/errors.ts";
import { type ErrorRecord, MAX_FRAME_CHARS } from "../shared/frames.ts";
import type { SourcePositions } from "../shared/source-positions.ts";
import { LoadError } from "./load-error.ts";
import { ModuleNames } from "./module-names.ts";
import { MODULE, modulePlugin, PATTERN_TEXT } from "./module-plugin.ts";

export interface ModuleScript {
  code: string;
  /** As the guest knows it. */
  name: string;
  folder: string;
}

export interface Bundle {
  code: string;
  positions: SourcePositions;
  /** The texts of the modules, the script's own among them, by their names. */
  sources: Record<string, string>;
}

/** Most characters of the whole, and of its mappings, which go to the guest in one frame with the modules' names. */
const MAX_CHARS = MAX_FRAME_CHARS / 2;

const TYPESCRIPT = /\.[cm]?tsx?$/;
/** Also says so of what is exported from here: to tell that apart would take more than one look at each character. */
const IMPORTS = /\bimport\s*[\w$*{"'(/]|\bexport\s*[*{]/;

/** What the bundler says where the name in an import() or a require() is put together, and it has found nothing that fits. */
const IS_PATTERN = /^Could not resolve (?:import|require)\(/;

/** Builds that are under way: the bundler's process lives as long as there is one. */
let building = 0;

/** Is this more than V8 runs by itself? May say so of a script that only speaks of importing. */
export function needsBundling({ name, code }: { name: string; code: string }): boolean {
  return TYPESCRIPT.test(name) || name.endsWith(".jsx") || IMPORTS.test(code);
}

/**
 * Puts a script and what it imports together into one module. TypeScript becomes JavaScript; what may be imported is the
 * permissions' to say.
 *
 * @throws {LoadError} for what does not parse, is not there, or may not be imported.
 */
export async function bundleScript(script: ModuleScript, permissions: Permissions): Promise<Bundle> {
  const folder = await realpath(script.folder);
  const names = new ModuleNames(folder, script.name);
  const sources: Record<string, string> = Object.create(null) as Record<string, string>;
  sources[script.name] = script.code;
  const own = { ...script, folder };
  const plugin = modulePlugin({ permissions, access: permissions.imports(), names, script: own, sources });
  const placeOf = (path: string): string =>
    path.startsWith(`${MODULE}:`) ? names.of(path.slice(MODULE.length + 1)) : script.name;
  const [code, map] = await build({
    ...OPTIONS,
    entryPoints: [script.name],
    absWorkingDir: folder,
    plugins: [plugin],
  }).catch((error: BuildFailure) => {
    const [first] = error.errors ?? [];
    const record = toRecord(script.name, first, placeOf);
    throw new LoadError({ ...record, message: names.putInto(record.message, MODULE) }, sources);
  });
  if (code.length > MAX_CHARS || map.length > MAX_CHARS) {
    const message = `Cannot load ${script.name}: with what it imports it is larger than ${MAX_CHARS} characters`;
    throw new LoadError({ name: "LimitError", message, code: "ERR_LIMIT_IMPORT" }, sources);
  }
  const parsed = JSON.parse(map) as { sources: string[]; mappings: string };
  const positions = {
    file: `file:///${script.name}`,
    sources: parsed.sources.map((path) => `file:///${placeOf(path)}`),
    mappings: parsed.mappings,
  };
  return { code, positions, sources };
}

const OPTIONS: BuildOptions = {
  bundle: true,
  write: false,
  outfile: "script.js",
  format: "esm",
  platform: "neutral",
  // There is no Node in a guest: packages that have a build for browsers give that one.
  mainFields: ["browser", "module", "main"],
  conditions: ["browser", "module"],
  target: "es2024",
  sourcemap: "external",
  sourcesContent: false,
  keepNames: true,
  charset: "utf8",
  legalComments: "none",
  logLevel: "silent",
  // A configuration that comes with a script would say what else is to be read.
  tsconfigRaw: "{}",
};

/** The code and the source map. The bundler is loaded on use, and none of it is left when nobody uses it. */
async function build(options: BuildOptions): Promise<[code: string, map: string]> {
  const bundler = await import("esbuild");
  building++;
  try {
    const { outputFiles = [] } = await bundler.build(options);
    const textOf = (extension: string): string =>
      outputFiles.find(({ path }) => extname(path) === extension)?.text ?? "";
    return [textOf(".js"), textOf(".map")];
  } finally {
    if (--building === 0) await bundler.stop();
  }
}

function toRecord(script: string, message: Message | undefined, placeOf: (path: string) => string): ErrorRecord {
  if (message === undefined) {
    return {
      name: "Error",
      message: `Cannot load ${script}: the bundler has ended on it; it may be nested too deeply`,
    };
  }
  const { location, text } = message;
  const detail = message.detail as unknown;
  const place =
    location === null ? "" : ` [file:///${placeOf(location.file)}:${location.line}:${columnOf(location) + 1}]`;
  if (detail instanceof GeppettoError) {
    const record = toErrorRecord(detail);
    return { ...record, message: record.message + place };
  }
  if (IS_PATTERN.test(text)) return { name: "Error", message: PATTERN_TEXT + place };
  return { name: detail instanceof Error ? "Error" : "SyntaxError", message: text + place };
}

/** The bundler counts bytes. */
function columnOf({ lineText, column }: { lineText: string; column: number }): number {
  return Buffer.from(lineText).subarray(0, column).toString().length;
}
