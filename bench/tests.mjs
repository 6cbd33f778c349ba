// What golden tests cost on top of running the same scripts: the same number at once, each in an engine of its own.
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { RuntimeEngine, setupDefaults } from "../dist/src/index.js";
import { compare, printTable, scaled, scriptFile, time } from "./measure.mjs";

const main = fileURLToPath(new URL("../dist/cli/main.cjs", import.meta.url));
const silent = { stdout() {}, stderr() {} };

/** Scripts that ask the demo model, wait and compute a little. */
function makeScripts(count) {
  const folder = join(dirname(scriptFile("empty.txt", "")), "tests");
  mkdirSync(folder);
  for (let i = 0; i < count; i++) {
    const code = `
      console.log(await chat("echo: hello number ${i}"));
      await new Promise((resolve) => setTimeout(resolve, 500));
      console.log(Array.from({ length: 20_000 }, (_, n) => n * ${i}).reduce((sum, n) => sum + n, 0), Math.random());`;
    scriptFile(`tests/script-${i}.js`, code);
  }
  return folder;
}

async function runBare(folder, count) {
  let next = 0;
  async function work() {
    for (let i = next++; i < count; i = next++) {
      const setup = [setupDefaults({ chat: { provider: "embedded" } })];
      const engine = new RuntimeEngine({ console: silent, deterministic: true, setup });
      await engine.start();
      const { ok, error } = await engine.runScript({ file: join(folder, `script-${i}.js`) });
      await engine.close();
      if (!ok) throw new Error(error.message);
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work));
}

function runTests(folder) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const { CI: _, ...env } = process.env;
  const child = spawn(process.execPath, [main, "test", folder], { stdio: "ignore", env });
  child.on("error", reject);
  child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`the tests ended with ${code}`))));
  return promise;
}

export async function benchTests() {
  const count = scaled(100);
  const folder = makeScripts(count);
  // Makes the goldens.
  await runTests(folder);
  const results = await compare({
    "bare runs": () => time(() => runBare(folder, count)),
    "geppetto-js test": () => time(() => runTests(folder)),
  });
  printTable(`${count} scripts, ${availableParallelism()} at once`, "ms", results);
}
