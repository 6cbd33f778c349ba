// How much of this process's memory each of twenty takes that do nothing: node idle.mjs isolate | engine. A process of its
// own, since memory that was freed before would be taken again unseen.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import ivm from "isolated-vm";
import { RuntimeEngine } from "../dist/src/index.js";

const COUNT = 20;
const silent = { stdout() {}, stderr() {} };
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");

const makers = {
  async isolate() {
    const isolate = new ivm.Isolate({ memoryLimit: 128 });
    await isolate.createContext();
    return isolate;
  },
  async engine() {
    const engine = new RuntimeEngine({ isolation: "thread", console: silent });
    await engine.start();
    return engine;
  },
};

const make = makers[process.argv[2]];
const all = [await make()];
collectGarbage();
const before = process.memoryUsage.rss();
while (all.length <= COUNT) all.push(await make());
collectGarbage();
console.log((process.memoryUsage.rss() - before) / 1e6 / COUNT);
process.exit();
