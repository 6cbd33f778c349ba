// Makes V8's code caches of the guest runtime, for the V8 and the flags that this runs with: node make-code-cache.mjs
// <folder>. An engine is made and runs a script first, so that the cache holds every function that a start needs: a realm
// compiles none of them then. Where a cache does not fit, V8 compiles the source.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { ThreadRealm } from "../../dist/src/sandbox/thread-realm.js";
import { RuntimeEngine, setupDefaults } from "../../dist/src/index.js";

const folder = process.argv[2];
const source = readFileSync(join(folder, "runtime.js"), "utf8");

let realm;
const create = ThreadRealm.create.bind(ThreadRealm);
ThreadRealm.create = async (...args) => (realm = await create(...args));

async function write(kind) {
  const cache = Buffer.from(await realm.codeCache(source));
  writeFileSync(join(folder, `runtime-${process.versions.v8}${kind}.cache`), cache);
}

const engine = new RuntimeEngine({
  isolation: "thread",
  console: { stdout() {}, stderr() {} },
  setup: [setupDefaults({ chat: { provider: "embedded" } })],
});
await engine.start();
await engine.runOnLoop("6 * 7");
const { ok, error } = await engine.runScript({ code: 'console.log("Hello World"); export default 6 * 7' });
if (!ok) throw new Error(error.message);
const isJitless = process.execArgv.includes("--jitless");
if (!isJitless) await write("-thread");
// A process gets the opposite where guests live in its threads, and V8 takes a cache only with the flags of its making.
setFlagsFromString("--wasm-code-gc");
await write(isJitless ? "-jitless" : "");
await engine.close();
