import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as workerThreads from "node:worker_threads";
import { expect, it } from "vitest";
import { patience } from "../machine/patience.ts";

const run = promisify(execFile);

/** A host whose main thread and a worker, one of them first, have scripts wait for their host. */
const HOST = `
  const { Worker, isMainThread } = require("node:worker_threads");
  async function wait(who) {
    const { RuntimeEngine, setupDefaults } = await import(${JSON.stringify(new URL("../../dist/src/index.js", import.meta.url).href)});
    for (const how of ["startBlocking", "startAsync"]) {
      const engine = new RuntimeEngine({ isolation: "thread", setup: [setupDefaults()] });
      await engine.start();
      const code = "let sum = 0; for (let i = 0; i < 20; i++) sum += (await doubleStep." + how + "(4))[0]; export default sum";
      const { value, error } = await engine.runScript({ code });
      console.log(who, how, value ?? error.code);
      await engine.close();
    }
  }
  async function main() {
    await wait("main");
    await new Promise((resolve) => new Worker(process.env.HOST, { eval: true }).on("exit", resolve));
    await wait("main");
  }
  void (isMainThread ? main() : wait("worker"));`;

// Node before 24.5 has nothing by which threads could know of each other.
it.runIf("locks" in workerThreads)(
  "one thread of a host has guests that wait for it, and others are refused that",
  async () => {
    const { stdout } = await run(process.execPath, ["-e", HOST], {
      env: { ...process.env, HOST },
      timeout: patience(60_000),
      killSignal: "SIGKILL",
    });
    expect(stdout.trim().split("\n")).toEqual([
      "main startBlocking 160",
      "main startAsync 160",
      "worker startBlocking ERR_CONFIG",
      "worker startAsync 160",
      "main startBlocking 160",
      "main startAsync 160",
    ]);
  },
);
