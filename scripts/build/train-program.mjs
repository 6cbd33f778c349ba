// Runs a command line that was just built, with one command: node train-program.mjs <folder> <args> [caches]. Prints the
// names of the files that it loaded. With "caches" it keeps V8's code cache of each beside it, for the V8 that this runs
// with: what the command needed is compiled there, and the rest is not.
import { mkdtempSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Script } from "node:vm";

const [folder, args, keep] = process.argv.slice(2);
const program = join(folder, "program.cjs");
const scripts = new Map();
const load = (name) => {
  const filename = join(folder, `${name}.cjs`);
  const script = new Script(readFileSync(filename, "latin1"), { filename });
  scripts.set(name, script);
  return script.runInThisContext();
};
const scratch = mkdtempSync(join(tmpdir(), "geppetto-js-build-"));
writeFileSync(join(scratch, "script.js"), 'console.log("This is compiled.");\n');
writeFileSync(join(scratch, "chat.js"), 'console.log(await chat("This is compiled."));\n');
process.chdir(scratch);
// Whoever builds may have settings of their own, and a log.
Object.assign(process.env, { XDG_CONFIG_HOME: scratch, GEPPETTO_LOG: join(scratch, "runs.db") });
process.on("exit", (code) => {
  rmSync(scratch, { recursive: true });
  if (code !== 0) return;
  writeSync(1, [...scripts.keys()].join("\n"));
  if (keep !== "caches") return;
  for (const [name, script] of scripts)
    writeFileSync(join(folder, `${name}-${process.versions.v8}.cache`), script.createCachedData());
});
process.stdout.write = (_text, ...rest) => {
  rest.at(-1)?.();
  return true;
};
const { runProgram } = load("program")(createRequire(program), program, (name) => import(name), load);
await runProgram(JSON.parse(args));
