import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { EXIT } from "../output/exit-codes.ts";
import { shortPath } from "../output/short-path.ts";
import { Terminal } from "../output/terminal.ts";
import { formatCount } from "../options/quantities.ts";
import { FileWatch } from "./file-watch.ts";

/** How long what runs may take to end in order, in milliseconds, before it is told to end at once, and is ended. */
const ORDER_MS = 2_000;
const END_MS = 3_000;

const CODES = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated, SIGHUP: EXIT.hangup } as const;

export interface WatchedFiles {
  /** By whole paths. */
  files: readonly string[];
  /** Those among them that the program itself may write as it runs. */
  written: readonly string[];
}

export interface WatchOptions {
  /** What the program is started with each time. */
  args: readonly string[];
  /** What counts, as it is now. */
  files(): WatchedFiles;
  /** Nothing can run without it. */
  needed?: string;
  quiet?: boolean;
}

/** Runs the program again whenever one of the files changes, until a signal comes; sets the exit code for that. */
export async function watchFiles({ args, files, needed, quiet = false }: WatchOptions): Promise<void> {
  using ending = new Ending();
  using seen = new FileWatch(() => files().files);
  const terminal = new Terminal(process.stdout, process.stderr, process.env);
  const note = (text: string): void => {
    if (!quiet) terminal.note(text);
  };
  try {
    for (;;) {
      const run = new WatchedRun(args);
      ending.run = run;
      const over = new AbortController();
      const change = seen.changed({
        except: files().written,
        signal: AbortSignal.any([ending.signal, over.signal]),
      });
      change.catch(() => {});
      const how = await Promise.race([run.ended, change.then(() => undefined)]);
      over.abort();
      let changed: string[];
      if (how === undefined) {
        changed = await change;
        await run.cancel(ending.signal);
      } else {
        seen.accept(files().written);
        note(`${how}; watching ${formatCount(seen.count, "file")}, Ctrl-C ends`);
        changed = await seen.changed({ except: [], signal: ending.signal });
      }
      ending.signal.throwIfAborted();
      seen.start();
      if (needed === undefined || !seen.isGone(needed)) note(`${describe(changed)}: running again`);
      else {
        note(`${shortPath(needed)} is gone: waiting for it`);
        while (seen.isGone(needed)) {
          await seen.changed({ except: [], signal: ending.signal });
          seen.start();
        }
        note(`${shortPath(needed)} is back: running again`);
      }
    }
  } catch (error) {
    if (ending.code === undefined) throw error;
    await ending.run?.end();
    process.exitCode = ending.code;
  }
}

/** The first signal that comes. */
class Ending implements Disposable {
  code: number | undefined;
  run: WatchedRun | undefined;
  readonly #abort = new AbortController();

  constructor() {
    for (const name of Object.keys(CODES)) process.on(name, this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  [Symbol.dispose](): void {
    for (const name of Object.keys(CODES)) process.off(name, this.#onSignal);
  }

  readonly #onSignal = (name: keyof typeof CODES): void => {
    this.code ??= CODES[name];
    this.#abort.abort();
  };
}

/** One execution, in a process of its own. */
class WatchedRun {
  readonly #child: ChildProcess;
  /** How it ended, in words. */
  readonly ended: Promise<string>;

  constructor(args: readonly string[]) {
    const program = [...process.execArgv, process.argv[1]!];
    this.#child = spawn(process.execPath, [...program, ...args], { stdio: "inherit" });
    this.ended = new Promise((resolve) => {
      this.#child.once("error", ({ message }) => resolve(`it cannot be started: ${message}`));
      this.#child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `ended by ${signal}`));
    });
  }

  /** Ends it in order: what runs in it hears that it is cancelled. */
  async cancel(signal: AbortSignal): Promise<void> {
    const end = (): void => void this.end();
    const late = setTimeout(end, ORDER_MS);
    signal.addEventListener("abort", end, { once: true });
    this.#child.kill("SIGINT");
    await this.ended;
    clearTimeout(late);
    signal.removeEventListener("abort", end);
  }

  /** Ends it at once. */
  async end(): Promise<void> {
    this.#child.kill("SIGTERM");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), END_MS);
    await this.ended;
    clearTimeout(late);
  }
}

function describe(changed: readonly string[]): string {
  const [first = "", ...others] = changed.map(shortPath);
  if (others.length > 0) return `${first} and ${formatCount(others.length, "other")} have changed`;
  return `${first} ${existsSync(changed[0]!) ? "has changed" : "is gone"}`;
}
