import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { readBlocks } from "./document-blocks.ts";
import { DocumentFolder, freePort } from "./document-folder.ts";

let folder: DocumentFolder;
let server: ChildProcess;
let url: string;

beforeAll(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  folder = new DocumentFolder(readBlocks("docs/embedding.md"), { modelURL: url, port });
  const env = { ...process.env, PORT: String(port) };
  server = spawn(process.execPath, ["server.ts"], { cwd: folder.path, env, stdio: ["ignore", "ignore", "inherit"] });
  await vi.waitFor(() => run("export default 1"), { timeout: 20_000 });
});
afterAll(() => {
  server.kill("SIGKILL");
  folder.remove();
});

async function run(code: string): Promise<string> {
  return (await fetch(url, { method: "POST", body: code })).text();
}

/** The processes that the server has for scripts, as Linux knows them. */
function guests(): string[] {
  const text = readFileSync(join("/proc", String(server.pid), "task", String(server.pid), "children"), "utf8");
  return text.split(" ").filter(Boolean);
}

describe("the server of docs/embedding.md", () => {
  it("ends a script when its client leaves", async () => {
    const client = new AbortController();
    const body = 'console.log("begun"); setInterval(() => {}, 1_000);';
    const response = await fetch(url, { method: "POST", body, signal: client.signal });
    const { value } = await response.body!.getReader().read();
    expect(Buffer.from(value ?? "").toString()).toContain("begun");
    const { length } = guests();
    client.abort();
    await expect.poll(() => guests().length, { timeout: 20_000 }).toBe(length - 1);
    expect(await run("export default 2")).toContain('"value":2');
  });

  it("tells of a script that fails, and goes on", async () => {
    expect(await run("throw new Error('no')")).toContain('"end":"uncaught","message":"no"');
    expect(await run("export default 3")).toContain('"value":3');
  });

  it("ends what runs and exits with code 0 at SIGTERM", async () => {
    const running = fetch(url, { method: "POST", body: 'console.log("begun"); setInterval(() => {}, 1_000);' });
    const reader = (await running).body!.getReader();
    let text = Buffer.from((await reader.read()).value ?? "").toString();
    expect(text).toContain("begun");
    server.kill("SIGTERM");
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) text += Buffer.from(chunk.value);
    expect(text).toContain('"end":"aborted"');
    const [code] = server.exitCode === null ? await once(server, "exit") : [server.exitCode];
    expect(code).toBe(0);
  });
});
