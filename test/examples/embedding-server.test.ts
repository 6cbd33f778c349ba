import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { readBlocks } from "./document-blocks.ts";
import { DocumentFolder, freePort } from "./document-folder.ts";
import { patience } from "../machine/patience.ts";

/** As many processes the pool of the document keeps ready. */
const POOL_SIZE = 2;

let folder: DocumentFolder;
let server: ChildProcess;
let url: string;

beforeAll(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  folder = new DocumentFolder(readBlocks("docs/embedding.md"), { modelURL: url, port });
  const env = { ...process.env, PORT: String(port), DRAIN_MS: "2000" };
  server = spawn(process.execPath, ["server.ts"], { cwd: folder.path, env, stdio: ["ignore", "ignore", "inherit"] });
  await vi.waitFor(() => run("export default 1"), { timeout: patience(20_000) });
});
afterAll(() => {
  server.kill("SIGKILL");
  folder.remove();
});

async function run(code: string, headers: Record<string, string> = {}): Promise<string> {
  return (await fetch(url, { method: "POST", body: code, headers })).text();
}

/** The processes that the server has for scripts, as Linux knows them. */
function guests(): string[] {
  const text = readFileSync(join("/proc", String(server.pid), "task", String(server.pid), "children"), "utf8");
  return text.split(" ").filter(Boolean);
}

describe("the server of docs/embedding.md", () => {
  it("ends a script when its client leaves", async () => {
    await expect.poll(guests, { timeout: patience(20_000) }).toHaveLength(POOL_SIZE);
    const ready = guests();
    const client = new AbortController();
    const body = 'console.log("begun"); setInterval(() => {}, 1_000);';
    const response = await fetch(url, { method: "POST", body, signal: client.signal });
    const { value } = await response.body!.getReader().read();
    expect(Buffer.from(value ?? "").toString()).toContain("begun");
    client.abort();
    // The script was given one of the processes that were ready.
    await expect.poll(() => ready.every((pid) => guests().includes(pid)), { timeout: patience(20_000) }).toBe(false);
    expect(await run("export default 2")).toContain('"value":2');
  });

  it("tells of a script that fails, and goes on", async () => {
    expect(await run("throw new Error('no')")).toContain('"end":"uncaught","message":"no"');
    expect(await run("export default 3")).toContain('"value":3');
  });

  it("streams the events of each step, and the words of a composed one", async () => {
    const text = await run(
      "await steps.compose([() => ['echo: hi there'], new ChatStepFactory().newStep()]).startAsync(0)",
    );
    const told = [...text.matchAll(/event: (.*)\ndata: (.*)\n/g)].map(([, event, data]) => {
      const { step, delta = "" } = JSON.parse(data!) as { step?: { type: string }; delta?: string };
      return `${event} ${step?.type ?? ""} ${delta}`.trim();
    });
    expect(told.filter((line) => line.includes("compose"))).toEqual([
      "start compose",
      "partial compose hi",
      "partial compose there",
      "partial compose",
      "final compose",
    ]);
  });

  it("keeps two tenants with their contexts apart under load, and asks for approval with the tenant's name", async () => {
    const code = `const [name, agent] = [await account.name(), await account.agent()];
      const answer = await chat("call: whoami {}", { tools: ["whoami"] });
      export default [name, agent, answer];`;
    await Promise.all(
      Array.from({ length: 10 }, async (_, i) => {
        const tenant = i % 2 === 0 ? "anna" : "ben";
        const text = await run(code, { "x-tenant": tenant, "user-agent": `agent ${i}` });
        const { value } = JSON.parse(/event: end\ndata: (.*)\n/.exec(text)![1]!) as { value: string[] };
        const answer = tenant === "anna" ? "you are anna" : "not approved";
        expect(value).toEqual([tenant, `agent ${i}`, expect.stringContaining(answer)]);
      }),
    );
  });

  it("lets scripts end at SIGTERM, then aborts what runs, and exits with code 0", async () => {
    const begin = async (code: string): Promise<() => Promise<string>> => {
      const { body } = await fetch(url, { method: "POST", body: `console.log("begun"); ${code}` });
      const reader = body!.getReader();
      let text = Buffer.from((await reader.read()).value ?? "").toString();
      expect(text).toContain("begun");
      return async () => {
        for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read())
          text += Buffer.from(chunk.value);
        return text;
      };
    };
    const slow = await begin("await new Promise((r) => setTimeout(r, 200)); export default 'ended'");
    const endless = await begin("setInterval(() => {}, 1_000)");
    server.kill("SIGTERM");
    expect(await slow()).toContain('"value":"ended"');
    expect(await endless()).toContain('"end":"aborted"');
    const [code] = server.exitCode === null ? await once(server, "exit") : [server.exitCode];
    expect(code).toBe(0);
  });
});
