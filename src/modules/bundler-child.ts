/**
 * The process in which modules are put together. Its program lies beside this file, compiled by the build where that was
 * for this version of V8: what is machine code in there never comes from anywhere else, and V8 refuses what does not fit.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Script } from "node:vm";

type Program = typeof import("./serve-bundler.ts");

const filename = join(dirname(process.argv[1]!), "serve-bundler.cjs");
const cachedData = readCache(filename.replace(/\.cjs$/, `-${process.versions.v8}.cache`));
const script = new Script(readFileSync(filename, "utf8"), { filename, ...(cachedData && { cachedData }) });
const load = script.runInThisContext() as (require: NodeJS.Require, ...places: string[]) => Program;
load(createRequire(filename), filename, dirname(filename)).serveBundler();

function readCache(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
