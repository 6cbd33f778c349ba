import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { patience } from "./test/machine/patience.ts";

// They end only what hangs: what works ends by itself, on a busy machine too, so they may be generous.
const deadlineMs = patience(120_000);

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // isolated-vm and a pool of threads clash.
    pool: "forks",
    maxWorkers: 2,
    testTimeout: deadlineMs,
    hookTimeout: deadlineMs,
    expect: { poll: { timeout: deadlineMs / 2, interval: 20 } },
    // What is put together is not kept among what the user keeps.
    env: { XDG_CACHE_HOME: join(tmpdir(), "geppetto-js-test-cache") },
    // A log that nobody watches ends with the summary instead of redrawing it.
    reporters: process.env["CI"] === undefined ? ["default"] : [["default", { summary: false }]],
  },
});
