import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { ISOLATIONS } from "../engine/engine-harness.ts";
import { patience } from "../machine/patience.ts";

const run = promisify(execFile);

/** A host that closes its engine after this, and goes. */
const hostOf = (isolation: string, work: string): string => `
  import { RuntimeEngine } from ${JSON.stringify(new URL("../../dist/src/index.js", import.meta.url).href)};
  const engine = new RuntimeEngine({ isolation: ${JSON.stringify(isolation)} });
  await engine.start();
  ${work}
  await engine.close();
  console.log("closed");
  process.exit(0);`;

describe.each(ISOLATIONS)("a host that exits as soon as its engine, in a %s, is closed", (isolation) => {
  it.each([
    ["nothing", ""],
    ["code on the loop", 'await engine.runOnLoop("1 + 1");'],
    ["a script", 'await engine.runScript({ code: "await 1" });'],
    ["a script that computes", 'const run = engine.runScript({ code: "for (;;);" }); await new Promise(setImmediate);'],
    ["a script that prints", 'await engine.runScript({ code: "setInterval(() => {}, 1); process.exit()" });'],
  ])("does end: after %s", async (_, work) => {
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", hostOf(isolation, work)], {
      timeout: patience(60_000),
      killSignal: "SIGKILL",
    });
    expect(stdout).toBe("closed\n");
  });
});
