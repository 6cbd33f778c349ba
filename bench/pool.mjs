// What a script costs that runs in an engine of its own.
import { run } from "run";
import { EnginePool, setupDefaults } from "../dist/src/index.js";
import { compare, printTable, scaled, time } from "./measure.mjs";

const silent = { stdout() {}, stderr() {} };
const SCRIPT = { code: "export default 6 * 7" };

async function expect42(value) {
  if ((await value) !== 42) throw new Error("the script gave something else");
}

/** Milliseconds that each of `count` scripts takes, one after the other. */
async function scripts(count, options, tenant) {
  await using pool = new EnginePool({
    size: 1,
    console: silent,
    setup: [setupDefaults({ chat: { provider: "embedded" } })],
    ...options,
  });
  await expect42(pool.run(SCRIPT, { tenant }).then(({ value }) => value));
  const ms = await time(async () => {
    for (let i = 0; i < count; i++) await expect42(pool.run(SCRIPT, { tenant }).then(({ value }) => value));
  });
  return ms / count;
}

async function runPackage(count) {
  const once = async () => {
    const { value } = await run({ source: "return 6 * 7" });
    await expect42(value);
  };
  await once();
  const ms = await time(async () => {
    for (let i = 0; i < count; i++) await once();
  });
  return ms / count;
}

/** Scripts a second that a pool of two has done, of two tenants. */
async function throughput(count, options) {
  await using pool = new EnginePool({
    size: 2,
    console: silent,
    setup: [setupDefaults({ chat: { provider: "embedded" } })],
    ...options,
  });
  const all = (number) =>
    Promise.all(Array.from({ length: number }, (_, i) => pool.run(SCRIPT, { tenant: i % 2 === 0 ? "anna" : "ben" })));
  await all(2);
  const ms = await time(() => all(count));
  return (count / ms) * 1000;
}

export async function benchPool() {
  const count = scaled(25);
  printTable(
    "Pool: a script with all features, start to end",
    "ms",
    await compare({
      "run (npm), QuickJS in a worker": () => runPackage(count),
      "thread for each": () => scripts(count, { isolation: "thread" }, "anna"),
      "process for each": () => scripts(count, {}, "anna"),
      "process for each, strict": () => scripts(count, { hardening: "strict" }, "anna"),
      "process of the tenant": () => scripts(count * 2, { reuse: "tenant" }, "anna"),
    }),
  );
  printTable(
    "Pool of two: scripts of two tenants",
    "per second",
    await compare({
      "thread for each": () => throughput(count * 2, { isolation: "thread" }),
      "process for each": () => throughput(count, {}),
      "process of the tenant": () => throughput(count * 4, { reuse: "tenant" }),
    }),
  );
}
