import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { endWithThisProcess, startProcess, tieToParent } from "../base/start-process.ts";
import type { TypeScript } from "./own-typescript.ts";

/** How long the compiler may take, in milliseconds. */
const MAX_MS = 60_000;
/** What the system gives it: processor time, and private memory in KB. */
const CPU_SECONDS = 120;
const DATA_KB = 3_000_000;
/** Most that it may say, in characters. */
const MAX_CHARS = 4_000_000;

/** What the compiler said. */
export interface CompilerOutput {
  text: string;
  /** Why it did not come to its end. */
  failure?: string;
}

/** Runs the compiler with an empty environment, bounded in time, memory and output. Rejects with the signal's reason. */
export async function runTypeScript(
  { folder, version }: TypeScript,
  args: readonly string[],
  { cwd, signal }: { cwd: string; signal: AbortSignal },
): Promise<CompilerOutput> {
  signal.throwIfAborted();
  const child = start(commandFor(folder, version), args, cwd);
  const { promise, resolve } = Promise.withResolvers<CompilerOutput>();
  let text = "";
  let failure: string | undefined;
  const end = (why: string): void => {
    failure ??= why;
    endGroup(child);
  };
  const onAbort = (): void => end("it was aborted");
  const timer = setTimeout(() => end(`it took longer than ${MAX_MS / 1000} s`), MAX_MS);
  const letBe = endWithThisProcess(child, () => endGroup(child));
  signal.addEventListener("abort", onAbort, { once: true });
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding("utf8").on("data", (part: string) => {
      text += part;
      if (text.length > MAX_CHARS) end("it said too much");
    });
  }
  child.on("error", ({ message }) => {
    failure ??= message;
  });
  child.on("close", (code) => {
    // 1 and 2 are for what it has found.
    if (failure === undefined && (code === null || code > 2)) failure = "it crashed";
    resolve({ text: text.slice(0, MAX_CHARS), ...(failure === undefined ? {} : { failure }) });
  });
  try {
    const output = await promise;
    signal.throwIfAborted();
    return output;
  } finally {
    letBe();
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

/** From version 7 on it is a program of its own, which starts in half the time without the script before it. */
function commandFor(folder: string, version: string): string[] {
  const script = join(folder, "bin", "tsc");
  if (Number.parseInt(version, 10) < 7) return [process.execPath, script];
  try {
    const name = `@typescript/typescript-${process.platform}-${process.arch}/package.json`;
    const platform = createRequire(join(folder, "package.json")).resolve(name);
    const program = join(platform, "..", "lib", process.platform === "win32" ? "tsc.exe" : "tsc");
    if (existsSync(program)) return [program];
  } catch {
    // The script says what is missing.
  }
  return [process.execPath, script];
}

function start(program: readonly string[], after: readonly string[], cwd: string): ChildProcess {
  const [command = "", ...args] = [...tieToParent(), ...program, ...after];
  const options = { env: {}, cwd, stdio: ["ignore", "pipe", "pipe"] as ("ignore" | "pipe")[], detached: true };
  if (process.platform !== "linux" || !existsSync("/bin/sh"))
    return startProcess("TypeScript", command, args, { ...options, windowsHide: true });
  const limits = `ulimit -c 0 && ulimit -d ${DATA_KB} && ulimit -t ${CPU_SECONDS}`;
  return startProcess("TypeScript", "/bin/sh", ["-c", `${limits} && exec "$0" "$@"`, command, ...args], options);
}

/** Ends it with whatever it has started. */
function endGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch {
    // It has gone, or the system knows no groups.
    child.kill("SIGKILL");
  }
}
