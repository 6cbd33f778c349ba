// Builds dist/: the host by tsc; the guest runtime as one bundle that the host loads as data; the children, of a
// process realm and of the bundler, as one file each, so that they start fast and need to read nothing else; the command line as few files, which load in half
// the time of many.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
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
for (const flags of [[], ["--jitless"]]) {
  execFileSync(process.execPath, [...flags, join(root, "scripts/make-code-cache.mjs"), join(root, "dist/guest")], {
    stdio: "inherit",
  });
}
for (const child of ["sandbox/realm-child", "modules/bundler-child", "providers/schema/schema-child"]) {
  await build({
    entryPoints: [join(root, `src/${child}.ts`)],
    outfile: join(root, `dist/${basename(child)}.cjs`),
    bundle: true,
    format: "cjs",
    platform: "node",
    external: ["esbuild"],
    plugins: [addonFromArguments()],
    target: "node24",
    minify: true,
    logLevel: "warning",
  });
}
await build({
  entryPoints: [join(root, "src/cli/main.ts")],
  outdir: join(root, "dist/cli"),
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  packages: "external",
  target: "node24",
  logLevel: "warning",
});
rmSync(join(root, "dist/src/cli"), { recursive: true });

/** The child of a process realm is told where its addon is: it may read nothing with which it could look for it. */
function addonFromArguments() {
  return {
    name: "addon from arguments",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^isolated-vm$/ }, () => ({ path: "isolated-vm", namespace: "addon" }));
      onLoad({ filter: /.*/, namespace: "addon" }, () => ({ contents: "module.exports = require(process.argv[2])" }));
    },
  };
}
