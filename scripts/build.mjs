// Builds dist/: types by tsc; what apps import, and the command line, in few files; the guest runtime as one bundle that
// the host loads as data; the children, of a process realm and of the bundler, as one file each, so that they start fast
// and need to read nothing else. With --if-needed it does so only where something has changed since.
import { execFileSync } from "node:child_process";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { isBuilt, noteBuilt } from "./build/built-from.mjs";
import { bundleCommandLine } from "./build/command-line-bundle.mjs";
import { bundleLibrary } from "./build/library-bundle.mjs";
import { notePackages, writeLicenses } from "./build/licenses.mjs";
import { buildTracePage } from "./build/trace-page.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
if (process.argv.includes("--if-needed") && isBuilt(root)) process.exit();
const packages = new Set();
rmSync(join(root, "dist"), { recursive: true, force: true });
execFileSync(
  process.execPath,
  [join(root, "node_modules/typescript/bin/tsc"), "-p", join(root, "tsconfig.build.json")],
  {
    stdio: "inherit",
  },
);
await build({
  entryPoints: [join(root, "runtime-setup/guest/runtime.ts")],
  outfile: join(root, "dist/guest/runtime.js"),
  bundle: true,
  format: "iife",
  globalName: "runtime",
  platform: "neutral",
  target: "es2024",
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  logLevel: "warning",
  // An expression whose value takes what the realm hands in and starts the kernel.
  banner: { js: "(function (call, callBlocking, note) {" },
  footer: { js: "return runtime.start(call, callBlocking, note);})" },
});
await buildStreams();
for (const child of [
  "sandbox/realm-child",
  "modules/bundler-child",
  "modules/session/session-child",
  "providers/schema/schema-child",
  "journal/executions/sqlite/journal-worker",
]) {
  await build({
    entryPoints: [join(root, `src/${child}.ts`)],
    outfile: join(root, `dist/${basename(child)}.cjs`),
    bundle: true,
    format: "cjs",
    platform: "node",
    plugins: [addonFromArguments(), notePackages(packages)],
    target: "node24",
    minify: true,
    logLevel: "warning",
    // esbuild looks for its own program so only where it is not told.
    logOverride: { "require-resolve-not-external": "silent" },
    // Guest code in their texts makes some of them look like an ES module to those who only look.
    footer: { js: ";module.exports = {};" },
  });
}
await bundleLibrary(root, packages);
await bundleCommandLine(root, packages);
rmSync(join(root, "dist/src/cli"), { recursive: true });
await buildShims();
await buildBundler();
await buildTracePage(root);
for (const flags of [[], ["--jitless"]]) {
  execFileSync(
    process.execPath,
    [...flags, join(root, "scripts/build/make-code-cache.mjs"), join(root, "dist/guest")],
    {
      stdio: "inherit",
    },
  );
}
writeLicenses(root, packages);
noteBuilt(root);

/** The program of the bundler's process, as a function of `require`: it starts from V8's code cache. */
async function buildBundler() {
  await build({
    entryPoints: [join(root, "src/modules/serve-bundler.ts")],
    outfile: join(root, "dist/serve-bundler.cjs"),
    bundle: true,
    format: "cjs",
    platform: "node",
    plugins: [notePackages(packages)],
    target: "node24",
    minify: true,
    logLevel: "warning",
    logOverride: { "require-resolve-not-external": "silent" },
    // A script of its own cannot import by itself.
    supported: { "dynamic-import": false },
    banner: { js: "(function (require, __filename, __dirname) { const module = {};" },
    footer: { js: "return module.exports;})" },
  });
  execFileSync(process.execPath, [join(root, "scripts/build/make-bundler-cache.mjs"), join(root, "dist")], {
    stdio: "inherit",
  });
}

/** Web streams, as one expression: a guest evaluates it when a script asks for them. */
async function buildStreams() {
  const { outputFiles } = await build({
    entryPoints: [join(root, "scripts/build/web-streams.mjs")],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "streams",
    platform: "neutral",
    mainFields: ["module"],
    plugins: [notePackages(packages)],
    target: "es2024",
    minify: true,
    keepNames: true,
    legalComments: "none",
    logLevel: "warning",
  });
  const text = outputFiles[0].text.trimEnd();
  // The name is that of the guest runtime, whose frames no stack shows.
  writeFileSync(
    join(root, "dist/guest/streams.js"),
    `(() => {${text}return streams;})()\n//# sourceURL=geppetto:runtime\n`,
  );
}

/** What stands in for modules of Node's in bundles, each as one file that asks for the others by their names. */
async function buildShims() {
  const folder = join(root, "src/modules/shims");
  await build({
    entryPoints: readdirSync(folder).map((file) => join(folder, file)),
    outdir: join(root, "dist/shims"),
    outExtension: { ".js": ".cjs" },
    bundle: true,
    format: "cjs",
    platform: "neutral",
    mainFields: ["browser", "main"],
    define: { global: "globalThis", "process.env.NODE_ENV": '"production"' },
    plugins: [othersByName(), notePackages(packages)],
    target: "es2024",
    minify: true,
    keepNames: true,
    logLevel: "warning",
  });
}

/** A module of Node's own is asked for by its bare name; with a slash behind it a package of that name is meant. */
function othersByName() {
  return {
    name: "others by name",
    setup({ onResolve }) {
      onResolve({ filter: /^[a-z_]+$/ }, ({ path }) =>
        builtinModules.includes(path) ? { path, external: true } : null,
      );
    },
  };
}

/** The child of a process realm is told where its addon is: it may read nothing with which it could look for it. */
function addonFromArguments() {
  return {
    name: "addon from arguments",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^isolated-vm$/ }, () => ({ path: "isolated-vm", namespace: "addon" }));
      onLoad({ filter: /.*/, namespace: "addon" }, () => ({
        contents: "const found = require(process.argv[2]); module.exports = found.ivm ?? found",
      }));
    },
  };
}
