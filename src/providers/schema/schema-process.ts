import type { ChildProcess, StdioOptions } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setPriority } from "node:os";
import type { Socket } from "node:net";
import { endWithThisProcess, startProcess, tieToParent } from "../../base/start-process.ts";
import type { SchemaAnswer, SchemaRequest } from "./schema-child.ts";

/** Longest answer; a child that says more is not ours any more. */
const MAX_ANSWER_CHARS = 64 * 1024;
/** A process that gets a tenth of a processor is on a crowded machine; one that gets less hangs. */
const MAX_WAITING_FACTOR = 10;
/** Of the clock by which Linux counts computing. */
const MS_PER_TICK = 10;
/** What one process may use for schemas and values, in MB. */
const HEAP_MB = 64;

/**
 * A process that reads and checks schemas, one at a time. It may die, of what it checks or by {@link end}: then it has no
 * answer. It has an empty environment, reads no files but its own, and keeps this process alive only while it works.
 */
export class SchemaProcess {
  readonly #child: ChildProcess;
  #text = "";
  #settle: ((line: string | undefined) => void) | undefined;
  #isGone = false;
  #isReady = false;
  #endTimer: NodeJS.Timeout | undefined;
  readonly #ready: Promise<string | undefined>;

  /**
   * @param niceness what the system gives it less of, from 0 to 19.
   * @throws {GeppettoError} StepError ERR_ENGINE_START where the system has no room for it.
   */
  constructor(niceness: number) {
    const main = createRequire(import.meta.url).resolve("#schema-child");
    const node = [process.execPath, `--max-old-space-size=${HEAP_MB}`, "--permission", `--allow-fs-read=${main}`, main];
    const [command = "", ...args] = [...tieToParent(), ...node];
    // What it says as it dies is for nobody.
    const stdio: StdioOptions = ["pipe", "pipe", "ignore"];
    const child = startProcess("a JSON schema", command, args, { env: {}, cwd: "/", stdio });
    this.#child = child;
    if (niceness > 0 && child.pid !== undefined) lowerPriority(child.pid, niceness);
    const onEnd = (): void => {
      this.#isGone = true;
      this.#settle?.(undefined);
    };
    child.once("exit", onEnd).once("error", onEnd);
    child.stdin!.on("error", () => {});
    child.stdout!.setEncoding("utf8").on("data", (text: string) => this.#hear(text));
    this.#ready = this.#nextLine();
    void this.#ready.then((line) => (this.#isReady = line !== undefined));
    this.#hold(false);
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Has it begun? */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Resolves when the process can be asked, or has died. */
  async ready(): Promise<void> {
    clearTimeout(this.#endTimer);
    this.#hold(true);
    await this.#ready;
    this.#hold(false);
  }

  /**
   * The answer; undefined when the process has died of the question.
   *
   * @param limitMs how long it may compute. Where the system does not tell, or does not let it compute, the time that
   *   passes counts, up to ten times as much.
   */
  async ask(request: SchemaRequest, limitMs: number): Promise<SchemaAnswer | undefined> {
    if (this.#isGone) return undefined;
    this.#hold(true);
    const line = this.#nextLine();
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`);
    const cpuBefore = this.#cpuMs();
    const begin = performance.now();
    const timer = setInterval(() => {
      const passedMs = performance.now() - begin;
      const usedMs = cpuBefore === undefined ? passedMs : (this.#cpuMs() ?? passedMs) - cpuBefore;
      if (usedMs >= limitMs || passedMs >= limitMs * MAX_WAITING_FACTOR) this.end();
    }, limitMs);
    const letBe = endWithThisProcess(this.#child, () => this.end());
    const answer = await line;
    letBe();
    clearInterval(timer);
    this.#hold(false);
    return answer === undefined ? undefined : (JSON.parse(answer) as SchemaAnswer);
  }

  /** Ends the process unless it is wanted before. */
  endAfter(ms: number): void {
    this.#endTimer = setTimeout(() => this.end(), ms).unref();
  }

  end(): void {
    clearTimeout(this.#endTimer);
    this.#child.kill("SIGKILL");
  }

  /** What it has computed so far, where the system tells. */
  #cpuMs(): number | undefined {
    try {
      const stat = readFileSync(`/proc/${this.#child.pid}/stat`, "latin1");
      const [user, system] = stat
        .slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .slice(11, 13)
        .map(Number);
      return (user! + system!) * MS_PER_TICK;
    } catch {
      return undefined;
    }
  }

  #nextLine(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#settle = (line) => {
        this.#settle = undefined;
        resolve(line);
      };
    });
  }

  #hear(text: string): void {
    this.#text += text;
    if (this.#text.length > MAX_ANSWER_CHARS) this.end();
    const end = this.#text.indexOf("\n");
    if (end < 0) return;
    const line = this.#text.slice(0, end);
    this.#text = "";
    this.#settle?.(line);
  }

  #hold(isWorking: boolean): void {
    const verb = isWorking ? "ref" : "unref";
    this.#child[verb]();
    for (const pipe of [this.#child.stdin, this.#child.stdout]) (pipe as Socket | null)?.[verb]();
  }
}

function lowerPriority(pid: number, niceness: number): void {
  try {
    setPriority(pid, niceness);
  } catch {
    // A system that does not let us is no less safe.
  }
}
