// How long it takes until something runs.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { dirname } from "node:path";
import { runInNewContext } from "node:vm";
import ivm from "isolated-vm";
import { getQuickJS } from "quickjs-emscripten";
import { run } from "run";
import { RuntimeEngine, setupDefaults } from "../dist/src/index.js";
import { prestart } from "../dist/src/prestart.js";
import { compare, printTable, scriptFile, time } from "./measure.mjs";

const silent = { stdout() {}, stderr() {} };
const main = fileURLToPath(new URL("../dist/cli/main.cjs", import.meta.url));

async function startBareIsolate() {
  let isolate;
  const ms = await time(async () => {
    isolate = new ivm.Isolate({ memoryLimit: 128 });
    const context = await isolate.createContext();
    await context.eval("6 * 7");
  });
  isolate.dispose();
  return ms;
}

async function startEngine(isolation, setup) {
  const engine = new RuntimeEngine({ isolation, console: silent, setup });
  const ms = await time(async () => {
    await engine.start();
    await engine.runOnLoop("6 * 7");
  });
  await engine.close();
  return ms;
}

/** With a child that had time to come up, as a pool has it. */
async function startPrestarted(setup) {
  prestart();
  await new Promise((resolve) => setTimeout(resolve, 150));
  return startEngine("process", setup);
}

/** Another engine for JavaScript: QuickJS, compiled to WebAssembly. */
async function startQuickJs() {
  const quickjs = await getQuickJS();
  let context;
  const ms = await time(async () => {
    context = quickjs.newContext();
    context.unwrapResult(context.evalCode("6 * 7")).dispose();
  });
  context.dispose();
  return ms;
}

/** The npm package `run`: QuickJS in a worker. */
async function startRun() {
  return time(() => run({ source: "return 6 * 7" }));
}

/** Walls nothing off. */
async function startVm() {
  return time(async () => void runInNewContext("6 * 7"));
}

/** Milliseconds from spawn to exit. */
function runProcess(args, env = {}) {
  return time(
    () =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, args, {
          stdio: ["ignore", "ignore", "inherit"],
          env: { ...process.env, ...env },
        });
        child.on("exit", (code) =>
          code === 0 ? resolve() : reject(new Error(`${args.join(" ")} exited with ${code}`)),
        );
      }),
  );
}

export async function benchStart() {
  const defaults = [setupDefaults({ chat: { provider: "embedded" } })];
  const starts = await compare({
    "bare isolate": startBareIsolate,
    "node:vm, which walls nothing off": startVm,
    "quickjs-emscripten": startQuickJs,
    "run (npm), QuickJS in a worker": startRun,
    "engine, thread": () => startEngine("thread", []),
    "engine, thread, all features": () => startEngine("thread", defaults),
    "engine, process": () => startEngine("process", []),
    "engine, process, all features": () => startEngine("process", defaults),
    "engine, process prestarted, all features": () => startPrestarted(defaults),
  });
  printTable("Start until the first value", "ms", starts);

  const hello = scriptFile("hello.js", 'console.log("Hello World");');
  const runs = await compare({
    "node -e 0": () => runProcess(["-e", "0"]),
    "geppetto-js --version": () => runProcess([main, "--version"]),
    "geppetto-js --help": () => runProcess([main, "--help"]),
    "geppetto-js run hello.js": () => runProcess([main, "run", "--no-log", hello]),
    "run hello.js, in a thread": () => runProcess([main, "run", "--no-log", "--isolation", "thread", hello]),
    "run hello.js, untrusted": () => runProcess([main, "run", "--no-log", "--untrusted", hello]),
    "run hello.js, with the log of runs": () => runProcess([main, "run", hello], { XDG_STATE_HOME: dirname(hello) }),
  });
  printTable("From spawn to exit", "ms", runs);
}
