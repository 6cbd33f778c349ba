#!/usr/bin/env node
import module from "node:module";

const [major] = process.versions.node.split(".");
if (Number(major) < 24) {
  process.stderr.write(`geppetto-js needs Node 24 or later; this is ${process.version}\n`);
  process.exit(78);
}
// Node's own place for it is one that every user of a machine can make beforehand, with what they like in it.
const { cacheFolder } = await import("../files.ts");
const compiled = cacheFolder("compiled");
if (compiled !== undefined) module.enableCompileCache(compiled);
const args = process.argv.slice(2);
// The guest's process takes as long to start as the program takes to load: let them do it at the same time.
const isSetup =
  ["profiles", "keys", "trust", "doctor"].includes(args[0] ?? "") || (args[0] === "runs" && args[1] !== "replay");
const runsScript = args.some((arg) => !arg.startsWith("-")) && !isSetup;
if (runsScript && !args.some((arg) => /\bthread$/.test(arg))) {
  const { prestart } = await import("../prestart.ts");
  try {
    // Where this guesses wrong, the engine starts a child of its own.
    if (args.includes("--untrusted")) prestart(1, { hardening: "strict", memoryMB: 64 });
    else prestart();
  } catch {
    // The engine meets the same failure when it starts, and there it is reported.
  }
}
let commandLine: typeof import("./command-line.ts");
try {
  commandLine = await import("./command-line.ts");
} catch (error) {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "EMFILE" && code !== "ENFILE") throw error;
  process.stderr.write("error: Cannot start: this program has too many files open; ulimit -n says how many it may\n");
  process.exit(134);
}
await commandLine.runCommandLine(args);
