import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // isolated-vm and a pool of threads clash.
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // What is put together is not kept among what the user keeps.
    env: { XDG_CACHE_HOME: join(tmpdir(), "geppetto-js-test-cache") },
    // A log that nobody watches ends with the summary instead of redrawing it.
    reporters: process.env["CI"] === undefined ? ["default"] : [["default", { summary: false }]],
  },
});
