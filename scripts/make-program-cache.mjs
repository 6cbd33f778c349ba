// Makes V8's code cache of the command line, for the V8 that this runs with: node make-program-cache.mjs <dist/cli>. It
// runs a script once, so that what most runs need is compiled and the rest is not.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Script } from "node:vm";

const folder = process.argv[2];
const filename = join(folder, "program.cjs");
const script = new Script(readFileSync(filename, "latin1"), { filename });
const { runProgram } = script.runInThisContext()(createRequire(filename), filename, (name) => import(name));
const scratch = mkdtempSync(join(tmpdir(), "geppetto-js-build-"));
const example = join(scratch, "example.js");
writeFileSync(example, 'console.log(await chat("This is compiled."));\n');
process.on("exit", (code) => {
  rmSync(scratch, { recursive: true });
  if (code === 0) writeFileSync(join(folder, `program-${process.versions.v8}.cache`), script.createCachedData());
});
// Whoever builds may have settings of their own.
process.env.XDG_CONFIG_HOME = scratch;
process.stdout.write = (_text, ...rest) => {
  rest.at(-1)?.();
  return true;
};
await runProgram(["run", "-q", "--no-log", "-m", "embedded:demo", example]);
