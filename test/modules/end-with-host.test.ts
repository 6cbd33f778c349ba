import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli, startCli } from "../cli/run-cli.ts";
import { childrenOf } from "../machine/children-of.ts";
import { patience } from "../machine/patience.ts";

const onLinux = fs.existsSync("/proc/self/task");
/** A package whose package.json has a pattern that takes for ever to be tried. */
const ENDLESS = { name: "endless", main: "x.js", sideEffects: [`${"{a,b}".repeat(25)}*`] };

let root: string;
beforeAll(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "end-with-host-")));
  fs.mkdirSync(join(root, "node_modules/endless"), { recursive: true });
  fs.writeFileSync(join(root, "node_modules/endless/package.json"), JSON.stringify(ENDLESS));
  fs.writeFileSync(join(root, "node_modules/endless/x.js"), "export default 1");
  fs.writeFileSync(join(root, "main.mjs"), `import x from "endless"; console.log(x)`);
});
afterAll(() => fs.rmSync(root, { recursive: true }));

/** The bundler that a process has started. */
function bundlerOf(parent: number): number | undefined {
  return childrenOf(parent).find((pid) => read(pid, "cmdline").includes("bundler-child"));
}

/** How long a process has computed, in hundredths of a second. */
function computed(pid: number): number {
  return Number(read(pid, "stat").split(") ")[1]?.split(" ")[11] ?? 0);
}

function read(pid: number, what: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/${what}`, "utf8");
  } catch {
    return "";
  }
}

async function until<T>(find: () => T | undefined | false): Promise<T> {
  for (const startedAt = performance.now(); performance.now() - startedAt < patience(10_000); await sleep(10)) {
    const found = find();
    if (found) return found;
  }
  throw new Error("what was waited for did not come");
}

// That no process is left is looked at by who runs the command line.
describe.skipIf(!onLinux)("a bundler that hangs ends with its host", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("that is sent %s", async (signal, code) => {
    const { child, result } = startCli(["run", "--no-log", "main.mjs"], { cwd: root });
    const pid = await until(() => bundlerOf(child.pid!));
    // All before the hang takes less.
    await until(() => computed(pid) >= 80);
    child.kill(signal);
    expect((await result).code).toBe(code);
  });

  it("whose time is up", async () => {
    const { code } = await runCli(["run", "--no-log", "--timeout", "1s", "main.mjs"], { cwd: root });
    expect(code).toBe(124);
  });
});
