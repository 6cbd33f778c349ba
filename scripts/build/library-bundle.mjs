// Bundles what apps import: few files are found, read and compiled in half the time that one file for each module takes.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { packagesStay, withoutLanguages, withoutSideEffects } from "./bundle-plugins.mjs";
import { notePackages } from "./licenses.mjs";

/** What scripts/, bench/ and tests import besides: nothing that is exported. */
const INTERNAL = [
  "src/modules/bundler-program.js",
  "src/replay.js",
  "src/sandbox/thread-realm.js",
  "src/workers/queue/job-queue.js",
];

/** Writes the modules that package.json exports and starts as threads to their places in dist/, and what they share beside them. Notes in `packages` whose code is in there. */
export async function bundleLibrary(root, packages) {
  const { exports, imports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const targets = [...Object.values(exports).map((entry) => entry.default), ...Object.values(imports)];
  const built = targets.flatMap((path) => /^\.\/dist\/(src\/.+\.js)$/.exec(path ?? "")?.[1] ?? []);
  await build({
    entryPoints: [...built, ...INTERNAL].map((path) => join(root, path.replace(/js$/, "ts"))),
    outbase: root,
    outdir: join(root, "dist"),
    chunkNames: "src/parts/[hash]",
    bundle: true,
    splitting: true,
    platform: "node",
    target: "node24",
    format: "esm",
    // Names of classes and functions are seen: of errors, and where something is printed.
    keepNames: true,
    logLevel: "warning",
    plugins: [packagesStay(["zod"]), withoutSideEffects(), withoutLanguages(), notePackages(packages)],
  });
}
