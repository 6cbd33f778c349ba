import { extname, join } from "node:path";
import type { BuildFailure, BuildOptions, Message } from "esbuild";
import { ImportAccess } from "../../permissions/import-access.ts";
import { JudgedFiles } from "../../permissions/judged-files.ts";
import type { ErrorRecord } from "../../shared/frames.ts";
import { encodeBundle } from "../bundle-format.ts";
import type { BundleFailure, BundleOrder, BundlePlace, BundleResult } from "../bundler-messages.ts";
import { MAX_BUNDLE_CHARS } from "../limits.ts";
import { bundleCopies, type Made } from "./bundle-copies.ts";
import { GLOBALS_NAME, guestName } from "./bundler-names.ts";
import { ModuleCopies } from "./module-copies.ts";
import { ModuleSource } from "./module-source.ts";
import { PatternFolder } from "./pattern-folder.ts";
import { withRuleForNames } from "./refused-module.ts";

/** More rounds than a script takes: each leaves out what did not parse and is not needed before the script runs. */
const MAX_ROUNDS = 20;

const OPTIONS: BuildOptions = {
  bundle: true,
  write: false,
  format: "esm",
  platform: "browser",
  define: {
    // It is the script's environment that says this.
    "process.env.NODE_ENV": "process.env.NODE_ENV",
    global: "globalThis",
  },
  // What is not written out goes through one helper, which names the rule.
  supported: { "dynamic-import": false },
  target: "es2024",
  sourcemap: "external",
  sourcesContent: false,
  keepNames: true,
  charset: "utf8",
  legalComments: "none",
  logLevel: "silent",
};

/** With what packages use of Node's globals. */
const WITH_GLOBALS: BuildOptions = { define: { ...OPTIONS.define, "process.nextTick": "__nextTick" } };

const WITH_COPIES: BuildOptions = { preserveSymlinks: true, metafile: true, absPaths: ["code", "metafile"] };

/** Puts a script and what it imports together into one module. */
export async function bundleModules(order: BundleOrder): Promise<BundleResult> {
  const access = new ImportAccess(order.rules, order.folder);
  using files = new JudgedFiles(access);
  using patterns = new PatternFolder();
  const source = new ModuleSource(order, access, files, patterns);
  using copies = ModuleCopies.of(source);
  source.copies = copies;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const built = await buildOnce(order, source, source.modules.usesGlobals);
    if (!("errors" in built)) {
      if (source.modules.usesGlobals && !built.withGlobals) continue;
      if (!source.isStrict && isRefused(source)) {
        source.isStrict = true;
        source.copies = undefined;
        continue;
      }
      return toResult(built, { order, source, access, files });
    }
    const { errors } = built;
    if (patterns.makeRoomFor(errors.map(({ text }) => text))) continue;
    if (source.copies !== undefined) {
      // What it says of a copy is not what its author has written, or something in one was taken for what it is not.
      source.copies = undefined;
      continue;
    }
    if (!leaveOut(source, errors)) return fail(source, errors[0]!);
  }
  return { isDead: true };
}

type Built = { code: string; map: string; withGlobals: boolean } | { errors: Message[] };

async function buildOnce(order: BundleOrder, source: ModuleSource, withGlobals: boolean): Promise<Built> {
  source.startBuild();
  const { copies } = source;
  const options = { ...OPTIONS, ...(withGlobals ? WITH_GLOBALS : {}) };
  const made = (await buildAlone(order, source, options)) ?? (await buildByAsking(order, source, options));
  if ("errors" in made) return made;
  const code = copies === undefined ? made.code : copies.withNames(made.code);
  if (code === undefined) return { errors: [] };
  if (made.inputs !== undefined) source.noteCopied(made.inputs);
  return { code: withRuleForNames(code), map: made.map, withGlobals };
}

/** The bundler asks about nothing; undefined where it has to. */
async function buildAlone(order: BundleOrder, source: ModuleSource, options: BuildOptions): Promise<Made | undefined> {
  const { copies, start, globals } = source;
  // On Windows a path may begin with a letter, and nothing keeps the bundler from looking for it.
  if (copies?.isWhole !== true || process.platform === "win32") return undefined;
  // It looks at the folder that it works in, and at those above: these are the program's own.
  return bundleCopies(order.bundler, copies, { start, globals, folder: order.shims, options });
}

/** The bundler asks about each module that there is no copy of. */
async function buildByAsking(
  { name, folder }: BundleOrder,
  source: ModuleSource,
  options: BuildOptions,
): Promise<Made> {
  const { copies } = source;
  // Loaded on use: to start it takes time.
  const { build } = await import("esbuild");
  try {
    const { outputFiles = [], metafile } = await build({
      ...options,
      outfile: join(copies?.folder ?? folder, "script.js"),
      entryPoints: [name],
      inject: source.globals === undefined ? [] : [GLOBALS_NAME],
      absWorkingDir: copies?.folder ?? folder,
      // A configuration that comes with a script would say what else is to be read.
      ...(copies === undefined ? { tsconfigRaw: "{}" } : { ...WITH_COPIES, tsconfig: copies.settings }),
      plugins: [source.plugin()],
    });
    const textOf = (extension: string): string =>
      outputFiles.find(({ path }) => extname(path) === extension)?.text ?? "";
    return { code: textOf(".js"), map: textOf(".map"), inputs: metafile?.inputs };
  } catch (error) {
    const { errors } = error as BuildFailure;
    if (errors === undefined || errors.length === 0) throw error;
    return { errors };
  }
}

/** Is something needed before the script runs that is not to be had? */
function isRefused(source: ModuleSource): boolean {
  const needed = source.graph.before(source.entry);
  return [...source.refusals.keys()].some((name) => needed.has(name));
}

/** Leaves modules out that do not parse and are not needed before the script runs: false where there is none. */
function leaveOut(source: ModuleSource, errors: readonly Message[]): boolean {
  if (source.isStrict) return false;
  const needed = source.graph.before(source.entry);
  let isAny = false;
  for (const { text, location } of errors) {
    if (location === null || needed.has(location.file) || source.broken.has(location.file)) continue;
    source.broken.set(location.file, { name: "SyntaxError", message: plainText(text), isTransient: false });
    isAny = true;
  }
  return isAny;
}

function fail(source: ModuleSource, { text, location, detail }: Message): BundleResult {
  const record = (detail as ErrorRecord | undefined) ?? { name: "SyntaxError", message: plainText(text) };
  const place = location === null ? undefined : toPlace(location);
  const failure: BundleFailure = { record, place, uses: source.modules.uses, sources: source.modules.sources };
  return { failure };
}

function toPlace({ file, line, column, lineText }: NonNullable<Message["location"]>): BundlePlace {
  return { module: guestName(file), line, column, lineText };
}

/** What the bundler says, with the guest's names of modules. */
function plainText(text: string): string {
  return text.replaceAll(/"(?:script|module):([^"]*)"/g, (whole) =>
    JSON.stringify(guestName(whole.slice(1, -1)).replace("file:///", "")),
  );
}

function toResult(
  { code, map }: { code: string; map: string },
  {
    order,
    source,
    access,
    files,
  }: { order: BundleOrder; source: ModuleSource; access: ImportAccess; files: JudgedFiles },
): BundleResult {
  if (code.length > MAX_BUNDLE_CHARS || map.length > MAX_BUNDLE_CHARS) {
    const message = `Cannot load ${order.name}: with what it imports it is larger than ${MAX_BUNDLE_CHARS} characters`;
    const record = { name: "LimitError", message, code: "ERR_LIMIT_IMPORT" };
    return { failure: { record, place: undefined, uses: source.modules.uses, sources: {} } };
  }
  const { sources, mappings } = JSON.parse(map) as { sources: string[]; mappings: string };
  const bundle = encodeBundle({ code, mappings, sources: source.modules.sources }, files.texts, {
    names: sources.map((path) => guestName(source.copies?.nameAt(path) ?? path)),
    uses: source.modules.uses,
    refusals: [...source.refusals.values()].map(({ atRun }) => atRun),
    facts: files.facts,
    granted: [...access.granted],
  });
  return { bundle };
}
