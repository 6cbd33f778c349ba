/** What `submit` says where nobody is there to run it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hasNatsServer } from "../events/nats-server.ts";
import { MachineWatch } from "../machine/machine-watch.ts";
import { WorkerFixture } from "./worker-fixture.ts";

const PROGRAM = fileURLToPath(new URL("../../dist/cli/main.cjs", import.meta.url));

let at: WorkerFixture;
let folder: string;

/** A way to the server on which one sees when somebody has connected. */
async function openGate(port: number): Promise<{ address: string; connectedAt: Promise<number>; close(): void }> {
  let said = (_at: number): void => {};
  const connectedAt = new Promise<number>((resolve) => (said = resolve));
  const gate = createServer((client) => {
    const server = connect(port, "127.0.0.1");
    client.once("data", () => said(performance.now()));
    client.pipe(server).pipe(client);
    for (const socket of [client, server]) socket.on("error", () => {});
  });
  gate.listen(0, "127.0.0.1");
  await once(gate, "listening");
  return { address: `127.0.0.1:${(gate.address() as AddressInfo).port}`, connectedAt, close: () => gate.close() };
}

describe.skipIf(!hasNatsServer)("submit, where there is no worker", () => {
  beforeEach(async () => {
    at = await WorkerFixture.start();
    folder = mkdtempSync(join(tmpdir(), "geppetto-submit-"));
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true, force: true });
    await at[Symbol.asyncDispose]();
  });

  it("says so within 100 ms of being connected, with the number of jobs that wait", async () => {
    // Of another pool, where somebody is.
    await at.worker({ pool: "other" });
    for (let i = 0; i < 3; i++) await at.submit("export default 1");
    const file = join(folder, "a.js");
    // Bringing it there takes a while.
    writeFileSync(file, `export default 1; // ${"long ".repeat(200_000)}`);
    const gate = await openGate(at.server.port);
    const watch = await MachineWatch.start();
    try {
      const child = spawn(process.execPath, [PROGRAM, "submit", file, "--nats", gate.address, "--id", "fourth"]);
      const [said] = (await once(child.stderr, "data")) as [Buffer];
      const ms = performance.now() - (await gate.connectedAt);
      expect(said.toString()).toContain("no worker of the pool default is there: 4 jobs wait");
      expect(ms).toBeLessThan(watch.allow(100));
      await once(child, "exit");
      expect(child.exitCode).toBe(0);
    } finally {
      await watch.stop();
      gate.close();
    }
  });

  it("says so of a worker that has stopped, at once", async () => {
    const worker = await at.worker();
    expect((await at.submit("export default 1")).workers).toBe(1);
    await worker.close();
    expect((await at.submit("export default 1")).workers).toBe(0);
  });
});
