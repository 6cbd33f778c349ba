import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/machine/longest-first.ts";
import { needOwnProcess } from "./test/machine/own-process.ts";
import { patience } from "./test/machine/patience.ts";

// They end only what hangs: what works ends by itself, on a busy machine too, so they may be generous.
const deadlineMs = patience(120_000);

const alone = needOwnProcess(import.meta.dirname);

export default defineConfig({
  test: {
    // To load the sources takes longer than most files do, so files share processes where they can. Those that cannot
    // come first, by name.
    projects: [
      { extends: true, test: { name: "alone", include: alone } },
      {
        extends: true,
        test: { name: "together", include: ["test/**/*.test.ts"], exclude: alone, isolate: false },
      },
    ],
    globalSetup: "test/machine/temporary-folder.ts",
    // isolated-vm and a pool of threads clash.
    pool: "forks",
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: deadlineMs,
    hookTimeout: deadlineMs,
    expect: { poll: { timeout: deadlineMs / 2, interval: 20 } },
    env: {
      // What is put together is not kept among what the user keeps.
      XDG_CACHE_HOME: join(tmpdir(), "geppetto-js-test-cache"),
      // Helpers' programs in TypeScript start three times as fast where Node has read them before.
      NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules/.vitest-cache/compiled"),
    },
    // A log that nobody watches ends with the summary instead of redrawing it.
    reporters: process.env["CI"] === undefined ? ["default"] : [["default", { summary: false }]],
  },
});
