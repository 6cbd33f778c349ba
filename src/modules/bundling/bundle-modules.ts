import { extname } from "node:path";
import { build, type BuildFailure, type BuildOptions, type Message } from "esbuild";
import { ImportAccess } from "../../permissions/import-access.ts";
import { JudgedFiles } from "../../permissions/judged-files.ts";
import type { ErrorRecord } from "../../shared/frames.ts";
import { encodeBundle } from "../bundle-format.ts";
import type { BundleFailure, BundleOrder, BundlePlace, BundleResult } from "../bundler-messages.ts";
import { MAX_BUNDLE_CHARS } from "../limits.ts";
import { GLOBALS_NAME, guestName } from "./bundler-names.ts";
import { ModuleSource } from "./module-source.ts";
import { PatternFolder } from "./pattern-folder.ts";
import { withRuleForNames } from "./refused-module.ts";

/** More rounds than a script takes: each leaves out what did not parse and is not needed before the script runs. */
const MAX_ROUNDS = 20;

const OPTIONS: BuildOptions = {
  bundle: true,
  write: false,
  outfile: "script.js",
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
  // A configuration that comes with a script would say what else is to be read.
  tsconfigRaw: "{}",
};

/** With what packages use of Node's globals. */
const WITH_GLOBALS: BuildOptions = {
  inject: [GLOBALS_NAME],
  define: { ...OPTIONS.define, "process.nextTick": "__nextTick" },
};

/** Puts a script and what it imports together into one module. */
export async function bundleModules(order: BundleOrder): Promise<BundleResult> {
  const access = new ImportAccess(order.rules, order.folder);
  using files = new JudgedFiles(access);
  using patterns = new PatternFolder();
  const source = new ModuleSource(order, access, files, patterns);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const built = await buildOnce(order, source, source.usesGlobals);
    if (!("errors" in built)) {
      if (source.usesGlobals && !built.withGlobals) continue;
      if (!source.isStrict && isRefused(source)) {
        source.isStrict = true;
        continue;
      }
      return toResult(built, { order, source, access, files });
    }
    const { errors } = built;
    if (patterns.makeRoomFor(errors.map(({ text }) => text))) continue;
    if (!leaveOut(source, errors)) return fail(source, errors[0]!);
  }
  return { isDead: true };
}

type Built = { code: string; map: string; withGlobals: boolean } | { errors: Message[] };

async function buildOnce({ name, folder }: BundleOrder, source: ModuleSource, withGlobals: boolean): Promise<Built> {
  source.startBuild();
  const options = { ...OPTIONS, ...(withGlobals ? WITH_GLOBALS : {}) };
  try {
    const { outputFiles = [] } = await build({
      ...options,
      entryPoints: [name],
      absWorkingDir: folder,
      plugins: [source.plugin()],
    });
    const textOf = (extension: string): string =>
      outputFiles.find(({ path }) => extname(path) === extension)?.text ?? "";
    return { code: withRuleForNames(textOf(".js")), map: textOf(".map"), withGlobals };
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
  const failure: BundleFailure = { record, place, uses: source.uses, sources: { ...source.sources } };
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
    return { failure: { record, place: undefined, uses: source.uses, sources: {} } };
  }
  const { sources, mappings } = JSON.parse(map) as { sources: string[]; mappings: string };
  const bundle = encodeBundle(
    { code, mappings, sources: source.sources },
    {
      names: sources.map(guestName),
      uses: source.uses,
      refusals: [...source.refusals.values()].map(({ atRun }) => atRun),
      facts: files.facts,
      granted: [...access.granted],
    },
  );
  return { bundle };
}
