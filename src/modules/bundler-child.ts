/**
 * The process in which modules are put together: what comes with a script can make the bundler hang, fill its memory or
 * end it, and nothing else with it. It asks its parent for each module, and ends with its parent.
 */
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { subscribe } from "node:diagnostics_channel";
import { isBuiltin } from "node:module";
import { dirname, extname, isAbsolute, resolve } from "node:path";
import { build, type BuildFailure, type BuildOptions, type Loader, type Message, type Plugin } from "esbuild";
import type { OnLoadResult, OnResolveArgs, OnResolveResult, PluginBuild } from "esbuild";
import type { ErrorRecord } from "../shared/frames.ts";
import {
  MODULE,
  PATTERN_TEXT,
  SCRIPT,
  type BundleFailure,
  type BundleOrder,
  type BundleResult,
  type BundlerMessage,
  type BundlerQuestion,
  type BundlerReply,
  type FoundModule,
  type ReadModule,
} from "./bundler-messages.ts";

const BUILTIN = "builtin";
const EMPTY = "empty";

/** Marks the plugin's own questions to the bundler. */
const ASKING = Symbol("asking");

/** Where the bundler thinks that modules lie: what fits a pattern, as in import("./" + name), it looks for by itself. */
const NOWHERE = resolve("/", "nowhere/".repeat(64));

/** What the bundler says of such a pattern where nothing fits it. */
const IS_PATTERN = /^Could not resolve (?:import|require)\(/;

const OPTIONS: BuildOptions = {
  bundle: true,
  write: false,
  outfile: "script.js",
  format: "esm",
  // There is no Node in a guest: packages that have a build for browsers, or parts of one, give that.
  platform: "browser",
  mainFields: ["browser", "module", "main"],
  conditions: ["browser", "module"],
  // It is the script's environment that says this.
  define: { "process.env.NODE_ENV": "process.env.NODE_ENV" },
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

let nextId = 1;
const waiting = new Map<number, (answer: unknown) => void>();

process.on("message", (reply: BundlerReply) => {
  if ("order" in reply) void bundle(reply.order).then((result) => tell({ result }));
  else {
    waiting.get(reply.id)?.(reply.answer);
    waiting.delete(reply.id);
  }
});
let bundler: ChildProcess | undefined;
subscribe("child_process", (started) => void ({ process: bundler } = started as { process: ChildProcess }));

process.on("disconnect", () => {
  if (bundler === undefined || bundler.exitCode !== null || bundler.signalCode !== null) process.exit();
  // Whoever else had to bury it may never do so; and it does not keep this process alive itself.
  setInterval(() => {}, 1_000);
  bundler.once("exit", () => process.exit());
  bundler.kill("SIGKILL");
});

function tell(message: BundlerMessage): void {
  if (process.connected) process.send!(message);
}

function ask<Answer>(question: BundlerQuestion): Promise<Answer> {
  const id = nextId++;
  const { promise, resolve: answer } = Promise.withResolvers<Answer>();
  waiting.set(id, answer as (answer: unknown) => void);
  tell({ id, ...question });
  return promise;
}

async function bundle(order: BundleOrder): Promise<BundleResult> {
  const { name, folder, maxChars } = order;
  try {
    const options = { ...OPTIONS, entryPoints: [name], absWorkingDir: folder, plugins: [modulePlugin(order)] };
    const { outputFiles = [] } = await build(options);
    const textOf = (extension: string): string =>
      outputFiles.find(({ path }) => extname(path) === extension)?.text ?? "";
    const [code, map] = [textOf(".js"), textOf(".map")];
    return code.length > maxChars || map.length > maxChars ? { isTooLarge: true } : { code, map };
  } catch (error) {
    const [first] = (error as BuildFailure).errors ?? [];
    return first === undefined ? { isDead: true } : { failure: toFailure(first) };
  }
}

function toFailure({ text, location, detail }: Message): BundleFailure {
  // Of what the bundler itself says, all but this is about syntax.
  const own = IS_PATTERN.test(text)
    ? { name: "Error", message: PATTERN_TEXT }
    : { name: "SyntaxError", message: text.replaceAll(`"${MODULE}:`, '"') };
  const record = (detail as ErrorRecord | undefined) ?? own;
  if (location === null) return { record, place: undefined };
  const { file: module, line, column, lineText } = location;
  return { record, place: { module, line, column, lineText } };
}

/** Lets the bundler find modules, and the parent read them. */
function modulePlugin({ name, code, loader, folder }: BundleOrder): Plugin {
  return {
    name: "geppetto-js",
    setup(asked) {
      asked.onResolve({ filter: /.*/ }, (args) => {
        if (args.pluginData === ASKING) return undefined;
        return args.kind === "entry-point" ? { path: name, namespace: SCRIPT } : find(asked, args, folder);
      });
      asked.onLoad({ filter: /.*/, namespace: SCRIPT }, () => toModule(code, loader));
      asked.onLoad({ filter: /.*/, namespace: MODULE }, async ({ pluginData }) => {
        const module = await ask<ReadModule>({ read: pluginData as FoundModule });
        return "refused" in module ? failure(module.refused) : toModule(module.contents, module.loader);
      });
      // What asks for one by require() may never get to where it needs it.
      asked.onLoad({ filter: /.*/, namespace: BUILTIN }, ({ path }) => ({
        contents: `throw new Error(${JSON.stringify(builtinText(path))})`,
        loader: "js",
      }));
      asked.onLoad({ filter: /.*/, namespace: EMPTY }, () => ({ contents: "module.exports = {};", loader: "js" }));
      // What has been found by a pattern it would also read.
      asked.onLoad({ filter: /.*/ }, () => failure({ name: "Error", message: PATTERN_TEXT }));
    },
  };
}

/** Where modules lie, by their names. */
const files = new Map<string, string>();

async function find(asked: PluginBuild, args: OnResolveArgs, ownFolder: string): Promise<OnResolveResult> {
  const { path: specifier, kind, namespace } = args;
  if (specifier.startsWith("node:")) return builtin(specifier, kind);
  if (/^[a-z][a-z\d+.-]+:/i.test(specifier)) {
    const message = `Cannot import "${specifier.slice(0, 200)}": scripts import files and packages`;
    return failure({ name: "Error", message });
  }
  const importer = namespace === MODULE ? files.get(args.importer) : undefined;
  const folder = importer === undefined ? ownFolder : dirname(importer);
  const asking = { kind, resolveDir: folder, importer: importer ?? "", namespace: "file", pluginData: ASKING } as const;
  const { path, errors, external } = await asked.resolve(specifier, asking);
  // Found, and yet not there: a package does without it in browsers.
  if (errors.length === 0 && !external && !(isAbsolute(path) && existsSync(path))) {
    return { path: specifier, namespace: EMPTY };
  }
  const file = errors.length > 0 || external ? undefined : path;
  if (file === undefined && isBuiltin(specifier)) return builtin(specifier, kind);
  const found = await ask<FoundModule>({ find: { specifier, folder, importer, file } });
  if (found.file !== undefined) files.set(found.name, found.file);
  return { path: found.name, namespace: MODULE, pluginData: found };
}

function toModule(text: string, loader: Loader): OnLoadResult {
  return { contents: loader === "json" ? text : withoutSourceMap(text), loader, resolveDir: NOWHERE };
}

/** The text without its own source map, which the bundler would read by itself, from anywhere: the last one counts. */
function withoutSourceMap(text: string): string {
  return text.includes("sourceMappingURL") ? `${text}\n//# sourceMappingURL=data:application/json,{}` : text;
}

function builtin(specifier: string, kind: OnResolveArgs["kind"]): OnResolveResult {
  if (kind === "require-call" || kind === "require-resolve") return { path: specifier, namespace: BUILTIN };
  return failure({ name: "Error", message: builtinText(specifier) });
}

function builtinText(specifier: string): string {
  return `Cannot import "${specifier}": scripts have nothing of Node's own`;
}

function failure(record: ErrorRecord): { errors: { text: string; detail: ErrorRecord }[] } {
  return { errors: [{ text: record.message, detail: record }] };
}
