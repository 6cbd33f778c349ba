import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { ISOLATIONS } from "../engine/engine-harness.ts";
import { partOf } from "../machine/part-of.ts";
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

/** A host that does this while its guest is busy. */
const busyHost = (isolation: string, code: string, go: string): string => `
  import { RuntimeEngine } from ${JSON.stringify(new URL("../../dist/src/index.js", import.meta.url).href)};
  let begun;
  const begins = new Promise((resolve) => (begun = resolve));
  const wait = () => (begun(), new Promise(() => {}));
  const ops = async (vm) => {
    await vm.op("begin", () => begun(), { mode: "blocking" });
    await vm.op("wait", wait, { mode: "blocking" });
  };
  const engine = new RuntimeEngine({ isolation: ${JSON.stringify(isolation)}, setup: [ops] });
  await engine.start();
  void engine.runScript({ code: ${JSON.stringify(code)} });
  await begins;
  setImmediate(() => { ${go} });`;

describe.each(ISOLATIONS)("a host that goes while its guest, in a %s, is busy", (isolation) => {
  it.each([
    ["waits for a blocking op", "wait()", "process.exit(3)", 3],
    ["computes", "begin(); for (;;);", "process.exit(3)", 3],
    ["computes, by an error", "begin(); for (;;);", 'throw new Error("the app crashes")', 1],
  ])("does end: one that %s", async (_, code, go, exitCode) => {
    const host = run(process.execPath, ["--input-type=module", "-e", busyHost(isolation, code, go)], {
      timeout: patience(60_000),
      killSignal: "SIGKILL",
    });
    await expect(host).rejects.toMatchObject({ code: exitCode, signal: null });
  });
});

it("a host that goes while its guest, in a thread, computes does end with its code each time, beside others", async () => {
  const args = ["--input-type=module", "-e", busyHost("thread", "begin(); for (;;);", "process.exit(3)")];
  const lane = async (): Promise<void> => {
    for (let i = 0; i < partOf(20); i++)
      await expect(run(process.execPath, args)).rejects.toMatchObject({ code: 3, signal: null });
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
});
