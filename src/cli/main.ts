#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { createRequire, enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";
import { ownCacheFolder, prestart, spareChildren } from "../files.ts";

type Program = typeof import("./program.ts");

// What is here runs before anything else is loaded, on whatever Node there is.
const [major] = process.versions.node.split(".");
if (Number(major) < 24) {
  process.stderr.write(`geppetto-js needs Node 24 or later; this is ${process.version}\n`);
  process.exit(78);
}
const args = process.argv.slice(2);
if (args.length === 1 && (args[0] === "--version" || args[0] === "-V")) {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  // Where it cannot be written, the program says so, as for every other output.
  process.stdout.once("error", () => void loadProgram().runProgram(args));
  process.stdout.write(`${version}\n`);
} else {
  startChild();
  void loadProgram().runProgram(args, spareChildren());
}

/** The guest's process takes longer to start than the program takes to load: let them do it at the same time. */
function startChild(): void {
  const [first = "", second] = args;
  const isSetup =
    ["profiles", "keys", "trust", "types", "doctor", "explain", "completion", "init"].includes(first) ||
    (first === "runs" && second !== "replay");
  const runsScript = args.some((arg) => !arg.startsWith("-")) && !isSetup;
  if (!runsScript || args.some((arg) => /\bthread$/.test(arg))) return;
  try {
    // Where this guesses wrong, the engine starts a child of its own.
    if (args.includes("--untrusted")) prestart(1, { hardening: "strict", memoryMB: 64 });
    else prestart();
  } catch {
    // The engine meets the same failure when it starts, and there it is reported.
  }
}

/** The program, compiled by the build where that was for this version of V8. */
function loadProgram(): Program {
  const require = createRequire(import.meta.url);
  const filename = fileURLToPath(new URL("program.cjs", import.meta.url));
  const program = loadCompiled("program");
  if (program === undefined) {
    // Node's own choice is a folder that all users share. What is read from there runs with all that this process may do.
    const folder = ownCacheFolder("compiled");
    if (folder !== undefined) enableCompileCache(folder);
    return require(filename) as Program;
  }
  // A script of its own cannot import by itself.
  return program(
    require,
    filename,
    (name: string) => import(name),
    (name: string) => loadCompiled(name) ?? require(`./${name}.cjs`),
  ) as Program;
}

/** A file of the program, from machine code: that is a part of the program, too. V8 refuses what does not fit. */
function loadCompiled(name: string): ((...given: unknown[]) => unknown) | undefined {
  let cachedData: Buffer;
  try {
    cachedData = readFileSync(new URL(`${name}-${process.versions.v8}.cache`, import.meta.url));
  } catch {
    return undefined;
  }
  const filename = fileURLToPath(new URL(`${name}.cjs`, import.meta.url));
  return new Script(readFileSync(filename, "latin1"), { filename, cachedData }).runInThisContext() as never;
}
