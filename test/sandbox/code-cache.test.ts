/** V8's code caches of the guest runtime that the build makes: one that V8 does not take costs every start, and nobody notices. */
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { describe, expect, test } from "vitest";

const require = createRequire(import.meta.url);
const folder = dirname(require.resolve("#guest/runtime.js"));

/** What V8 says to the cache for `kind`, in a process with these flags. */
const LOOK = `
const { readFileSync } = require("node:fs");
const ivm = require(${JSON.stringify(require.resolve("isolated-vm"))});
const [, folder, kind] = process.argv;
if (kind === "-thread") require("node:v8").setFlagsFromString("--no-wasm-code-gc");
const source = readFileSync(folder + "/runtime.js", "utf8");
const bytes = readFileSync(folder + "/runtime-" + process.versions.v8 + kind + ".cache");
const compile = (options) =>
  new ivm.Isolate().compileScriptSync(source, { filename: "geppetto:runtime", ...options });
const { cachedDataRejected } = compile({ cachedData: new ivm.ExternalCopy(new Uint8Array(bytes).buffer) });
const { cachedData } = compile({ produceCachedData: true });
console.log(JSON.stringify({ cachedDataRejected, bytes: bytes.length, uncalledBytes: cachedData.copy().byteLength }));
`;

describe("the code cache of the guest runtime", () => {
  test.each([
    ["a process", "", []],
    ["a strict process", "-jitless", ["--jitless"]],
    ["a thread", "-thread", []],
  ])("for %s is one that V8 takes, and holds functions that a start calls", (_, kind, flags) => {
    const text = execFileSync(process.execPath, [...flags, "-e", LOOK, folder, kind], { encoding: "utf8" });
    const { cachedDataRejected, bytes, uncalledBytes } = JSON.parse(text) as Record<string, number | boolean>;
    expect(cachedDataRejected).toBe(false);
    expect(bytes).toBeGreaterThan(Number(uncalledBytes) + 20_000);
  });
});
