import { lstatSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { globalTypeFiles, readRegularFile, SCRIPT_COMPILER_OPTIONS } from "../../files.ts";

/** Names of a project's own settings for the compiler, the first that is there counts. */
const CONFIGS = ["tsconfig.json", "jsconfig.json"];
/** What ends a project. */
const ENDS = ["package.json", ".git"];
/** How a declaration file says that it speaks of scripts' globals. */
const MARK = "geppetto-js";
const MAX_MARK_BYTES = 1_000_000;
/** Most declaration files that are looked at. */
const MAX_DECLARATIONS = 500;

/** The settings of the project that a script belongs to; none above the folder in which its package lies. */
export function findTypeConfig(folder: string): string | undefined {
  for (let from = folder; ; from = dirname(from)) {
    const found = CONFIGS.map((name) => join(from, name)).find(isFile);
    if (found !== undefined) return found;
    if (from === dirname(from) || ENDS.some((name) => isThere(join(from, name)))) return undefined;
  }
}

/** What `--showConfig` says of a project. */
export interface ShownConfig {
  /** Its files, with their whole paths. */
  files: string[];
  /** Does it know the globals of scripts? */
  hasGlobals: boolean;
  /** The files among them that say so. */
  declarations: string[];
}

/** Undefined for what is not what `--showConfig` prints. */
export function readShownConfig(config: string, text: string): ShownConfig | undefined {
  let shown: { files?: unknown; compilerOptions?: { types?: unknown } };
  try {
    shown = JSON.parse(text) as typeof shown;
  } catch {
    return undefined;
  }
  const texts = (given: unknown): string[] =>
    Array.isArray(given) ? given.filter((item): item is string => typeof item === "string") : [];
  const folder = dirname(config);
  const files = texts(shown.files).map((file) => resolve(folder, file));
  const types = texts(shown.compilerOptions?.types);
  const declarations = files.filter(declaresGlobals());
  const isNamed = types.some((name) => name.startsWith(`${MARK}/`));
  return { files, hasGlobals: isNamed || declarations.length > 0, declarations };
}

function declaresGlobals(): (file: string) => boolean {
  let looks = 0;
  return (file) => {
    if (!/\.d\.[cm]?ts$/.test(file) || ++looks > MAX_DECLARATIONS) return false;
    try {
      return readRegularFile(file, { maxBytes: MAX_MARK_BYTES })?.includes(MARK) === true;
    } catch {
      return false;
    }
  };
}

/** Settings for scripts that no project knows, as the text of a `tsconfig.json`. */
export function plainConfig(
  files: readonly string[],
  { isClosed, declarations }: { isClosed: boolean; declarations: readonly string[] },
): string {
  const isTyped = files.every((file) => /\.[cm]?tsx?$/.test(file));
  const compilerOptions = {
    ...SCRIPT_COMPILER_OPTIONS,
    // Of JavaScript without annotations little could be said.
    noImplicitAny: isTyped,
    resolveJsonModule: true,
    jsx: "preserve",
    typeRoots: [],
    ...(isClosed ? { noResolve: true } : {}),
  };
  // What is not resolved has to be named itself.
  const globals = globalTypeFiles();
  const own = isClosed ? globals : globals.slice(0, 1);
  const named = declarations.length > 0 ? declarations : own;
  return JSON.stringify({ compilerOptions, files: [...files, ...named], include: [] });
}

function isFile(path: string): boolean {
  try {
    return lstatSync(path).isFile();
  } catch {
    return false;
  }
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
