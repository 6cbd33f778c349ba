import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Worker } from "node:worker_threads";

/** Asks the server again and again, from a thread of its own, and answers with the slowest answer in ms. */
const ASK = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { get, Agent } = require("node:http");
  const agent = new Agent({ keepAlive: true });
  let slowest = 0, count = 0, asking = true;
  const ask = () => new Promise((resolve) => {
    get({ port: workerData, agent, host: "127.0.0.1" }, (answer) => answer.resume().on("end", resolve)).on("error", resolve);
  });
  parentPort.on("message", () => { asking = false; });
  (async () => {
    while (asking) {
      const at = performance.now();
      await ask();
      slowest = Math.max(slowest, performance.now() - at);
      count++;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    agent.destroy();
    parentPort.postMessage({ slowest, count });
    parentPort.close();
  })();`;

/** What was seen of this process while it hosted the scripts; times in milliseconds. */
export interface HostReport {
  /** The slowest answer of an HTTP server in this process, whatever held it up: other processes included. */
  slowestAnswerMs: number;
  answers: number;
  /** The longest that this process's own work held up its event loop: what it computed between two turns of it. */
  longestStallMs: number;
  /** The most memory that one child of this process was seen to hold, in MB; 0 where there is no /proc. */
  largestChildMB: number;
  /** Exceptions and rejections that reached the process. */
  failures: unknown[];
}

/** How often the event loop is looked at, in milliseconds. */
const TICK_MS = 5;
/** How often the children are weighed, in milliseconds. */
const WEIGH_MS = 25;

/**
 * Watches how this process serves others while it hosts scripts. A machine that is busy with other things delays every
 * answer; so stalls are counted in CPU time of the thread too, which nobody else can use up.
 */
export class HostMonitor {
  readonly #server: Server;
  readonly #asker: Worker;
  readonly #failures: unknown[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #weigher: NodeJS.Timeout;
  readonly #onFailure = (error: unknown): void => void this.#failures.push(error);
  #largestChildMB = 0;
  #longestStallMs = 0;
  #lastTick = performance.now();
  #lastCpu = process.threadCpuUsage();

  private constructor(server: Server) {
    this.#server = server;
    this.#asker = new Worker(ASK, { eval: true, workerData: (server.address() as AddressInfo).port });
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#weigher = setInterval(() => this.#weigh(), WEIGH_MS);
    process.on("uncaughtException", this.#onFailure);
    process.on("unhandledRejection", this.#onFailure);
  }

  static async start(): Promise<HostMonitor> {
    const server = createServer((_, answer) => answer.end("here"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new HostMonitor(server);
  }

  async stop(): Promise<HostReport> {
    this.#tick();
    clearInterval(this.#timer);
    clearInterval(this.#weigher);
    const told = new Promise<{ slowest: number; count: number }>((resolve) => this.#asker.once("message", resolve));
    this.#asker.postMessage("stop");
    const { slowest, count } = await told;
    await new Promise((resolve) => this.#server.close(resolve));
    process.off("uncaughtException", this.#onFailure);
    process.off("unhandledRejection", this.#onFailure);
    return {
      slowestAnswerMs: slowest,
      answers: count,
      longestStallMs: this.#longestStallMs,
      largestChildMB: this.#largestChildMB,
      failures: this.#failures,
    };
  }

  /** Looks at the memory of the children; their list is that of the main thread, which starts them. */
  #weigh(): void {
    const list = `/proc/self/task/${process.pid}/children`;
    if (!existsSync(list)) return;
    for (const pid of readFileSync(list, "utf8").split(" ")) {
      try {
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        const residentKB = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
        this.#largestChildMB = Math.max(this.#largestChildMB, residentKB / 1000);
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  #tick(): void {
    const now = performance.now();
    const { user, system } = process.threadCpuUsage(this.#lastCpu);
    const gap = now - this.#lastTick;
    this.#longestStallMs = Math.max(this.#longestStallMs, Math.min(gap, (user + system) / 1000));
    this.#lastTick = now;
    this.#lastCpu = process.threadCpuUsage();
  }
}
