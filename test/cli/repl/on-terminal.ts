import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";

const MAIN = fileURLToPath(new URL("../../../dist/cli/main.cjs", import.meta.url));
const PTY = fileURLToPath(new URL("run-on-terminal.py", import.meta.url));

/** Is there what a terminal is made with? */
export const HAS_TERMINAL: boolean = spawnSync("python3", ["-c", "import pty, termios"]).status === 0;

/** The command line on a terminal of its own. */
export class OnTerminal implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown[]>;
  /** All that the terminal has shown, with its control sequences. */
  raw = "";
  #from = 0;

  constructor(args: readonly string[], { env, cwd }: { env: Record<string, string>; cwd: string }) {
    const { PATH = "" } = process.env;
    this.#child = spawn("python3", [PTY, process.execPath, MAIN, ...args], {
      env: { PATH, TERM: "xterm-256color", ...env },
      cwd,
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => (this.raw += text));
    this.#child.stdin!.on("error", () => {});
    this.#ended = once(this.#child, "close");
  }

  /** What it has shown since the last text that was waited for. */
  get shown(): string {
    return stripVTControlCharacters(this.raw.slice(this.#from));
  }

  /** Types something, and waits for the terminal to show this after it. */
  async type(keys: string, wanted: string | RegExp): Promise<string> {
    this.#from = this.raw.length;
    this.#child.stdin!.write(keys);
    return this.seen(wanted);
  }

  async seen(wanted: string | RegExp): Promise<string> {
    for (;;) {
      const text = this.shown;
      if (typeof wanted === "string" ? text.includes(wanted) : wanted.test(text)) return text;
      if (this.#child.exitCode !== null) throw new Error(`It ended before it showed ${String(wanted)}: ${this.raw}`);
      await sleep(10);
    }
  }

  /** Closes the terminal. */
  hangUp(): void {
    this.#child.kill("SIGUSR1");
  }

  /** The exit code, when it has ended. */
  async ended(): Promise<number> {
    const [code] = await this.#ended;
    return code as number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}
