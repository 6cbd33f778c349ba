/**
 * A worker whose scripts count in a folder what they do: node counting-worker.ts <server> <folder> <name> [maxLost]. `count(n)` is known
 * by its idempotency key: what is asked again under the same key counts once. `die()` ends the worker.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { currentCall } from "../../src/index.ts";
import { Worker } from "../../src/workers/index.ts";

const [servers, folder, name, maxLost = "3"] = process.argv.slice(2) as [string, string, string, string?];

const worker = await Worker.start({
  nats: { servers },
  name,
  slots: 4,
  silenceMs: 2000,
  suspendAfterMs: 0,
  maxLost: Number(maxLost),
  logger: { warn: () => {}, error: () => {} },
  engine: {
    setup: [
      async function counting(vm) {
        const count = (n: number): number => {
          const { idempotencyKey = "none", runId } = currentCall()!;
          try {
            writeFileSync(join(folder, encodeURIComponent(idempotencyKey)), `${runId} ${n}`, { flag: "wx" });
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
          }
          return n;
        };
        await vm.op("count", count, { effect: "keyed" });
        await vm.op("die", () => process.kill(process.pid, "SIGKILL"), { effect: "keyed" });
      },
    ],
  },
});
process.stdout.write("started\n");
// The test is gone, with whatever is left of it.
process.stdin.once("end", () => process.exit()).resume();
process.once("SIGTERM", () => void worker.close());
