import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ScriptOutcome } from "../../../src/index.ts";
import { MemoryJournal, RuntimeEngine } from "../../../src/index.ts";
import { childrenOf } from "../../machine/children-of.ts";

const CODE = `
  let text = "";
  for (let i = 0; i < 5; i++) {
    text += await pay(i) + ";";
    console.log("line " + i + "\\n");
    await new Promise((resolve) => setTimeout(resolve, 5));
    text += await chat("number " + i) + ";";
  }
  export default text;`;

const WHOLE = [0, 1, 2, 3, 4].map((i) => `paid ${i};you said number ${i};`).join("");

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "killed-host-"));
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

interface Host {
  output: string;
  outcome: ScriptOutcome | undefined;
}

/** Runs a host until it ends, or until it is to print this text: then SIGKILL ends it. */
function runHost(name: string, killAt?: string): Promise<Host> {
  const main = new URL("killed-host-child.ts", import.meta.url);
  const args = [
    join(folder, `${name}.db`),
    join(folder, `${name}.txt`),
    CODE,
    ...(killAt === undefined ? [] : [killAt]),
  ];
  const child = fork(main, args, { stdio: ["ignore", "ignore", "inherit", "ipc"], execArgv: [] });
  const host: Host = { output: "", outcome: undefined };
  return new Promise((resolve) => {
    child.on("message", (message) => {
      if (typeof message === "string") host.output += message;
      else host.outcome = message as ScriptOutcome;
    });
    child.on("exit", () => resolve(host));
  });
}

describe("a host that is killed", () => {
  it("loses nothing: another one goes on, and has no effect twice", async () => {
    for (const killAt of ["line 0", "line 2", "line 4"]) {
      const name = killAt.replace(" ", "-");
      const first = await runHost(name, killAt);
      expect(first.outcome).toBeUndefined();
      const second = await runHost(name);
      expect(second.outcome).toMatchObject({ ok: true, end: "completed", value: WHOLE });
      expect(second.output).toBe("line 0\n\nline 1\n\nline 2\n\nline 3\n\nline 4\n\n");
      const effects = readFileSync(join(folder, `${name}.txt`), "utf8")
        .trim()
        .split("\n");
      expect(new Set(effects).size).toBe(5);
    }
  });
});

describe("a guest whose process is killed", () => {
  it("is brought back by another attempt", async () => {
    await using journal = new MemoryJournal();
    const script = { code: `const a = await work(1); console.log(a); export default [a, await work(2)];` };
    const run = async (work: (n: number) => unknown): Promise<ScriptOutcome> => {
      await using engine = new RuntimeEngine({ console: { stdout() {}, stderr() {} } });
      engine.addSetupFunction((vm) => vm.op("work", work, { effect: "none" }));
      await engine.start();
      return await engine.runScript(script, { journal, id: "one" });
    };
    const killed = await run((n) => {
      if (n === 2) for (const pid of childrenOf(process.pid)) process.kill(pid, "SIGKILL");
      return n === 2 ? new Promise(() => {}) : n;
    });
    expect(killed).toMatchObject({ ok: false, end: "crashed", error: { code: "ERR_ENGINE_CRASHED" } });
    expect(await journal.get("one")).toMatchObject({ state: "running" });
    expect(await run((n) => n * 10)).toMatchObject({ ok: true, value: [1, 20] });
  });
});
