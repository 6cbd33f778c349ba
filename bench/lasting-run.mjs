// One run of a script whose execution lasts, for benches of journals.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { RuntimeEngine } from "../dist/src/index.js";
import { stream } from "./delta-stream.mjs";
import { timeWithCpu } from "./measure.mjs";

const silent = { stdout() {}, stderr() {} };
let lastId = 0;

/**
 * Runs a script in a process of its own, with a journal or without; says how long it took, the CPU time of all processes,
 * and how long the host was held up at most.
 */
export async function runLasting(journal, code, options = {}) {
  await using engine = new RuntimeEngine({
    console: silent,
    setup: [
      async (vm) => {
        await vm.registerStep("stream", stream);
        await vm.op("pay", async (n) => n);
        await vm.op("look", async (n) => n, { effect: "none" });
      },
    ],
  });
  await engine.start();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const lasting = journal === undefined ? {} : { journal, id: `lasting${++lastId}`, ...options };
  let outcome;
  const { ms, cpuMs } = await timeWithCpu(async () => {
    outcome = await engine.runScript({ code }, lasting);
  });
  delay.disable();
  if (!outcome.ok) throw new Error(outcome.error.message);
  return { ms, cpuMs, stallMs: delay.max / 1e6 };
}
