// The one gate: npm run check [-- --no-tests]. Runs every step to its end, one line each with its time, shows the
// output of those that fail, and exits with 1 if one did.
import { spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const env = { ...process.env, PATH: `${join(root, "node_modules", ".bin")}${delimiter}${process.env.PATH}` };

// The longest ones first: two run at a time.
const STEPS = [
  { name: "lint", command: "oxlint --type-aware --format unix" },
  { name: "types", command: "node node_modules/typescript/bin/tsc -p tsconfig.json" },
  { name: "dead code", command: "knip --no-progress --no-config-hints" },
  { name: "format", command: "oxfmt --check" },
  { name: "guest types", command: "node node_modules/typescript/bin/tsc -p runtime-setup/guest/tsconfig.json" },
  { name: "page types", command: "node node_modules/typescript/bin/tsc -p trace-page/tsconfig.json" },
  { name: "layers", command: "node scripts/check-layers.mjs" },
  { name: "words", command: "node scripts/check-words.mjs" },
  { name: "contract", command: "node scripts/check-contract.mjs" },
  { name: "error codes", command: "node scripts/check-error-codes.mjs" },
];
const TESTS = { name: "tests", command: "npm test" };

/** Runs a step and resolves with whether it passed. Steps that show their output at once share the terminal. */
function run({ name, command }, { live = false } = {}) {
  const started = performance.now();
  const child = spawn(command, {
    cwd: root,
    env,
    shell: true,
    stdio: ["ignore", ...(live ? ["inherit", "inherit"] : [])],
  });
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text) => (output += text));
  child.stderr?.setEncoding("utf8").on("data", (text) => (output += text));
  return new Promise((resolve) => {
    child.on("error", (error) => (output += `${error.message}\n`));
    child.on("close", (code) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6);
      console.log(`${code === 0 ? "ok    " : "FAILED"}  ${name.padEnd(12)} ${seconds} s`);
      if (code !== 0 && output !== "") console.log(output.trimEnd().replace(/^/gm, "        "));
      resolve(code === 0);
    });
  });
}

const waiting = [...STEPS];
const results = [];
async function worker() {
  for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) results.push(await run(step));
}
await Promise.all([worker(), worker()]);
if (!process.argv.includes("--no-tests")) results.push(await run(TESTS, { live: true }));

const failed = results.filter((passed) => !passed).length;
console.log(failed === 0 ? "All checks passed" : `${failed} of ${results.length} steps failed`);
process.exitCode = failed === 0 ? 0 : 1;
