import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";
import { childrenOf } from "../machine/children-of.ts";
import { patience } from "../machine/patience.ts";

/** The built command line, as users run it. */
const MAIN = fileURLToPath(new URL("../../dist/cli/main.cjs", import.meta.url));
/** A key that must not turn up in any output. */
export const CANARY_KEY = "sk-canary-0123456789abcdef";
/** How long a guest's process may outlive the command line, in milliseconds. */
const LEFTOVER_GRACE_MS = 2_000;

export interface CliResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  durationMs: number;
}

export interface CliOptions {
  /** Beside PATH and keys that are canaries, unless it says otherwise. */
  env?: Record<string, string | undefined>;
  input?: string;
  /** Leave stdin open: the test writes to it, and ends it. */
  open?: boolean;
  cwd?: string;
  /** Arguments for Node itself. */
  nodeArgs?: readonly string[];
  /** What to run instead of the command line. */
  main?: string;
}

export interface CliProcess {
  child: ChildProcessWithoutNullStreams;
  result: Promise<CliResult>;
  /** Resolves when one of the streams holds this text. */
  seen(text: string): Promise<void>;
}

async function assertGone(pids: Iterable<number>): Promise<void> {
  const startedAt = performance.now();
  for (const pid of pids) {
    while (existsSync(`/proc/${pid}/fd`) && readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0] !== "Z") {
      const ms = performance.now() - startedAt;
      if (ms > LEFTOVER_GRACE_MS && ms > patience(LEFTOVER_GRACE_MS))
        throw new Error(`The process ${pid} was left behind by the command line`);
      await sleep(20);
    }
  }
}

const logFolder = mkdtempSync(join(inject("temporaryFolder"), "cli-"));
/** The log of runs for all tests of one file: none writes into the log of whoever runs it. */
export const LOG_FILE: string = join(logFolder, "runs.db");
/** Bundles are not kept among the user's own. */
const CACHE = join(logFolder, "cache");
/** The user's own configuration: none, unless a test says where one is. */
const NO_CONFIG = join(logFolder, "config");

/** Starts the command line. Its result rejects where a process was left behind, or a key was printed. */
export function startCli(args: readonly string[], options: CliOptions = {}): CliProcess {
  const startedAt = performance.now();
  const { PATH } = process.env;
  const keys = { OPENAI_API_KEY: CANARY_KEY, ANTHROPIC_API_KEY: CANARY_KEY };
  const env = {
    PATH,
    GEPPETTO_LOG: LOG_FILE,
    XDG_CONFIG_HOME: NO_CONFIG,
    XDG_CACHE_HOME: CACHE,
    ...keys,
    ...options.env,
  };
  const child = spawn(process.execPath, [...(options.nodeArgs ?? []), options.main ?? MAIN, ...args], {
    env: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)),
    cwd: options.cwd,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => {});
  if (!options.open) child.stdin.end(options.input ?? "");
  const started = new Set<number>();
  const watch = setInterval(() => childrenOf(child.pid!).forEach((pid) => started.add(pid)), 10);
  const result = new Promise<CliResult>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearInterval(watch);
      const durationMs = performance.now() - startedAt;
      const leaks = stdout.includes(CANARY_KEY) || stderr.includes(CANARY_KEY);
      const checked = leaks ? Promise.reject(new Error("The key was printed")) : assertGone(started);
      checked.then(() => resolve({ code, signal, stdout, stderr, durationMs }), reject);
    });
  });
  const seen = async (text: string): Promise<void> => {
    while (!stdout.includes(text) && !stderr.includes(text)) {
      if (child.exitCode !== null)
        throw new Error(`The command line ended before it printed ${text}: ${stdout}${stderr}`);
      await sleep(10);
    }
  };
  return { child, result, seen };
}

/** Runs the command line to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return startCli(args, options).result;
}

/** A folder of script files, gone again at the end of the test file. */
export class ScriptFolder {
  readonly path: string = mkdtempSync(join(tmpdir(), "geppetto-cli-"));

  /** Writes a file and returns its path. */
  file(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text);
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
