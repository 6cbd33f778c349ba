import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { areChildrenTied } from "../../src/sandbox/child.ts";
import { runCli, startCli } from "../cli/run-cli.ts";
import { childrenOf } from "../machine/children-of.ts";
import { patience } from "../machine/patience.ts";

const onLinux = fs.existsSync("/proc/self/task");
/** A package with many patterns, and a script with many imports, each of which takes a look at all of them. */
const PATTERNS = Array.from({ length: 20_000 }, (_, at): [string, string] => [`./${at}/*`, "./x.js"]);
const ENDLESS = { name: "endless", exports: Object.fromEntries([...PATTERNS, ["./x/*", "./x.js"]]) };
const IMPORTS = Array.from({ length: 20_000 }, (_, at) => `import "endless/x/${at}";`);

let root: string;
beforeAll(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "end-with-host-")));
  fs.mkdirSync(join(root, "node_modules/endless"), { recursive: true });
  fs.writeFileSync(join(root, "node_modules/endless/package.json"), JSON.stringify(ENDLESS));
  fs.writeFileSync(join(root, "node_modules/endless/x.js"), "");
  fs.writeFileSync(join(root, "main.mjs"), IMPORTS.join("\n"));
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
    // Only the system can end the bundler then.
    ...(areChildrenTied() ? [["SIGKILL", null] as const] : []),
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
