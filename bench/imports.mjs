// How long it takes until a script of many modules has run, beside the bundler alone.
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compare, printTable, scaled, scriptFile, time } from "./measure.mjs";

const main = fileURLToPath(new URL("../dist/cli/main.cjs", import.meta.url));
const esbuild = createRequire(import.meta.url).resolve("esbuild/bin/esbuild");

/** Milliseconds that a program of Node's takes. */
function run(args, env = {}) {
  return time(
    () =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, args, { stdio: "ignore", env: { ...process.env, ...env } });
        child.on("error", reject);
        child.on("close", (code) =>
          code === 0 ? resolve() : reject(new Error(`${args.join(" ")} ended with ${code}`)),
        );
      }),
  );
}

/** A script that imports so many modules. */
function manyModules(count) {
  scriptFile("common.mjs", "export const c = 1;\n");
  for (let i = 0; i < count; i++) {
    scriptFile(`m${i}.mjs`, `import { c } from "./common.mjs"; export const v${i} = c + ${i};\n`);
  }
  const imports = Array.from({ length: count }, (_, i) => `import { v${i} } from "./m${i}.mjs";`);
  return scriptFile("many.mjs", `${imports.join("\n")}\nconsole.log(v0, v${count - 1});\n`);
}

function ways(script) {
  const folder = dirname(script);
  const cache = { XDG_CACHE_HOME: join(folder, "cache") };
  const cli = (file) => run([main, "run", "--no-log", file], cache);
  return {
    esbuild: () => run([esbuild, script, "--bundle", "--format=esm", `--outfile=${join(folder, "out.js")}`]),
    first: () => {
      rmSync(cache.XDG_CACHE_HOME, { recursive: true, force: true });
      return cli(script);
    },
    again: () => cli(script),
    cli,
  };
}

/** Milliseconds for a script of so many modules, one way: "esbuild", "first" or "again". */
export async function timeImports(way, count) {
  const all = ways(manyModules(count));
  if (way === "again") await all.first();
  return all[way]();
}

export async function benchImports() {
  const count = scaled(600);
  const { esbuild: bundle, first, again, cli } = ways(manyModules(count));
  const plain = scriptFile("plain.mjs", "console.log(1);\n");
  const results = await compare({
    "esbuild alone": bundle,
    "run, put together for the first time": first,
    "run, again": again,
    "run, a script without imports": () => cli(plain),
  });
  printTable(`A script of ${count} modules`, "ms", results);
}
