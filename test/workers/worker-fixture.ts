import { setTimeout as sleep } from "node:timers/promises";
import type { RuntimeEngineOptions } from "../../src/index.ts";
import { GeppettoError, setupDefaults } from "../../src/index.ts";
import type { FollowedItem, SubmitOptions, SubmittedExecution, WorkerOptions } from "../../src/workers/index.ts";
import { submit, Worker } from "../../src/workers/index.ts";
import { NatsServer } from "../events/nats-server.ts";

/** A server with workers and whoever submits to them, all of which end together. */
export class WorkerFixture implements AsyncDisposable {
  readonly server: NatsServer;
  readonly #open: AsyncDisposable[] = [];

  private constructor(server: NatsServer) {
    this.server = server;
  }

  static async start(): Promise<WorkerFixture> {
    return new WorkerFixture(await NatsServer.start());
  }

  get nats(): { servers: string } {
    return { servers: this.server.address };
  }

  async worker({ engine, ...options }: Partial<WorkerOptions> = {}): Promise<Worker> {
    const worker = await Worker.start({
      nats: this.nats,
      slots: 2,
      silenceMs: 3000,
      suspendAfterMs: 0,
      logger: { warn: () => {}, error: () => {} },
      engine: { setup: [setupDefaults({ chat: { provider: "embedded", model: "demo" } })], ...engine },
      ...options,
    });
    this.#open.unshift(worker);
    return worker;
  }

  async submit(code: string, options: Partial<SubmitOptions> = {}): Promise<SubmittedExecution> {
    const execution = await submit({ code, name: "job.js" }, { nats: this.nats, ...options });
    this.#open.push(execution);
    return execution;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const open of this.#open) await open[Symbol.asyncDispose]();
    await this.server.stop();
  }
}

/** What it gives; while the server is away, as it may be where it is killed now and then, it is asked again. */
export async function reach<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof GeppettoError && error.code === "ERR_NATS")) throw error;
      await sleep(50);
    }
  }
}

export type EngineOptions = Partial<RuntimeEngineOptions>;

export async function follow(execution: SubmittedExecution, from = 1): Promise<FollowedItem[]> {
  const items: FollowedItem[] = [];
  for await (const item of execution.follow({ from })) items.push(item);
  return items;
}

export function printed(items: readonly FollowedItem[]): string {
  return items.map((item) => (item.type === "output" ? item.text : "")).join("");
}
