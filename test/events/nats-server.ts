import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** `GEPPETTO_NATS_SERVER` names another program than the one on the path. */
const PROGRAM = process.env["GEPPETTO_NATS_SERVER"] ?? "nats-server";

/** Can a server be started here? Where it must, in CI, a missing one is a failure. */
export const hasNatsServer: boolean = spawnSync(PROGRAM, ["--version"]).status === 0;

if (!hasNatsServer) {
  const text = "nats-server is not installed: what NatsPubSub promises is NOT TESTED here";
  if (process.env["CI"] === "true") throw new Error(text);
  console.warn(`\n!!! ${text} !!!\n`);
}

/** Kills the server when its standard input ends: when it is told to, or when the process of the test is gone. */
const GUARD = '"$0" "$@" & server=$!; cat > /dev/null; kill -9 $server; wait $server';

/** A real server with JetStream on a free port of this machine and a folder of its own. */
export class NatsServer {
  readonly port: number;
  readonly #folder: string = mkdtempSync(join(tmpdir(), "geppetto-nats-"));
  readonly #flags: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, flags: readonly string[] = []) {
    this.port = port;
    this.#flags = flags;
  }

  static async start(): Promise<NatsServer> {
    const server = new NatsServer(await freePort());
    await server.revive();
    return server;
  }

  /** Servers that keep together what is to be kept by several. */
  static async startCluster(count: number): Promise<NatsServer[]> {
    const ports = await Promise.all(Array.from({ length: 2 * count }, freePort));
    const routes = ports.splice(count);
    const cluster = ["--cluster_name", "test", "--routes", routes.map((port) => `nats://127.0.0.1:${port}`).join(",")];
    const servers = ports.map(
      (port, i) => new NatsServer(port, [...cluster, "--cluster", `nats://127.0.0.1:${routes[i]}`, "-n", `server${i}`]),
    );
    await Promise.all(servers.map((server) => server.revive()));
    return servers;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Ends it as a crash would, and starts it again on the same folder. */
  async restart(pauseMs: number): Promise<void> {
    await this.kill();
    await sleep(pauseMs);
    await this.revive();
  }

  /** Has it forget all that it kept; it is not running. */
  empty(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Starts it on what it left. */
  async revive(): Promise<void> {
    const args = ["-js", "-sd", this.#folder, "-p", String(this.port), "-a", "127.0.0.1", ...this.#flags];
    const started = spawn("sh", ["-c", GUARD, PROGRAM, ...args], { stdio: ["pipe", "ignore", "ignore"] });
    this.#process = started;
    while (started.exitCode === null) {
      if (await answers(this.port)) return;
      await sleep(25);
    }
    throw new Error(`Cannot start nats-server: nothing answers at ${this.address}`);
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const guard = this.#process;
    if (guard === undefined || guard.exitCode !== null) return;
    const ended = new Promise((resolve) => guard.once("exit", resolve));
    guard.stdin!.end();
    await ended;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The server greets whoever connects when it is ready. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("data", () => resolve(true)).once("error", () => resolve(false));
    socket.once("data", () => socket.destroy());
    setTimeout(() => socket.destroy(), 1000).unref();
    socket.once("close", () => resolve(false));
  });
}
